"""Builds frames as a client sends them, right and wrong ones."""

import os

from webapp.relay.frames import FRAGMENT, FrameReader, Message, unmask


def client_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = None
) -> bytes:
    key = os.urandom(4) if mask is None else mask
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += b"\xfe" + size.to_bytes(2)
    else:
        head += b"\xff" + size.to_bytes(8)
    return head + key + unmask(key, payload)


def text_in_parts(*parts: bytes) -> bytes:
    last = len(parts) - 1
    return b"".join(client_frame(0 if n else 1, part, fin=n == last) for n, part in enumerate(parts))


def read_whole(data: bytes, max_bytes: int = 1 << 16) -> list[Message]:
    return [message for message in FrameReader(max_bytes).feed(data) if message is not FRAGMENT]
