"""Small, valid PNG pictures of invented pills, padded to any size."""

import base64
import struct
import zlib
from functools import lru_cache

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK_OVERHEAD = 12
SIDE = 16


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw_pill(colour: tuple[int, int, int], size_bytes: int) -> bytes:
    """A square of one colour. Grows to exactly `size_bytes` by a private chunk that every reader skips.

    Below the size of the bare picture (under 100 bytes) or of an empty chunk on top, the bare picture is returned.
    """
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    pixels = (b"\x00" + bytes(colour) * SIDE) * SIDE
    start = SIGNATURE + _chunk(b"IHDR", header)
    rest = _chunk(b"IDAT", zlib.compress(pixels, 9)) + _chunk(b"IEND", b"")
    padding = size_bytes - len(start) - len(rest) - CHUNK_OVERHEAD
    return start + _chunk(b"paDd", bytes(padding)) + rest if padding >= 0 else start + rest


@lru_cache(maxsize=64)
def encode_pill(colour: tuple[int, int, int], size_bytes: int) -> str:
    """The picture as base64 text; kept, because an answer of tens of MiB repeats a few pills many times."""
    return base64.b64encode(draw_pill(colour, size_bytes)).decode() if size_bytes else ""
