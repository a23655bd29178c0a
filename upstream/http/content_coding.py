"""Takes the content codings off a response's body, within a bound that is counted as the body grows.

We ask for `identity`; a response that comes coded all the same may have been paid for.
"""

import zlib
from collections.abc import Mapping
from io import BytesIO

from upstream.http.retry_after import read_header

_MAX_CODINGS = 4
_PIECE_BYTES = 256 * 1024
_SLICE_BYTES = 16 * 1024
# RFC 1952 names no bound. Each costs an inflater, and may hold nothing that would count; 256 MiB in blocks of 64 KiB,
# the smallest that are in use, are 4,096.
_MAX_MEMBERS = 10_000
# zlib's window sizes: gzip's or zlib's own header, and deflate without any, which some servers send.
_ANY_HEADER, _NO_HEADER = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
_KNOWN = {"gzip": (_ANY_HEADER,), "x-gzip": (_ANY_HEADER,), "deflate": (_ANY_HEADER, _NO_HEADER)}


class UnreadableCoding(Exception):
    """The body cannot be decoded. `reason`: unknown_coding, damaged_coding, too_large (also: of too many members)."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decode_body(headers: Mapping[str, str], body: bytes, max_bytes: int) -> bytes:
    """The body without its codings. Raises UnreadableCoding."""
    named = (name.strip().lower() for name in read_header(headers, "Content-Encoding").split(","))
    codings = [name for name in named if name not in {"", "identity"}]
    if len(codings) > _MAX_CODINGS or not _KNOWN.keys() >= set(codings):
        raise UnreadableCoding("unknown_coding")
    for coding in reversed(codings):
        body = _decode_one(body, coding, max_bytes)
    return body


def _decode_one(body: bytes, coding: str, max_bytes: int) -> bytes:
    for window in _KNOWN[coding]:
        try:
            return _inflate(body, window, max_bytes)
        except zlib.error:
            continue
    raise UnreadableCoding("damaged_coding")


def _inflate(body: bytes, window: int, max_bytes: int) -> bytes:
    """All members of the stream, one after the other, and without the zeros that may pad them."""
    decoded, coded = bytearray(), BytesIO(body)
    if not _skip_zeros(coded):
        return b""
    coded.seek(0)
    for _ in range(_MAX_MEMBERS):
        rest = _inflate_member(zlib.decompressobj(window), coded, decoded, max_bytes)
        coded.seek(coded.tell() - len(rest))
        if not _skip_zeros(coded):
            return bytes(decoded)
    raise UnreadableCoding("too_large")


def _inflate_member(inflater: "zlib._Decompress", coded: BytesIO, decoded: bytearray, max_bytes: int) -> bytes:
    """Adds the next member to `decoded`; what was read beyond its end."""
    # The inflater copies what it leaves of its input, at each member and each piece: it is given little at a time.
    while not inflater.eof:
        given = inflater.unconsumed_tail or coded.read(_SLICE_BYTES)
        piece = inflater.decompress(given, _PIECE_BYTES)
        decoded += piece
        if len(decoded) > max_bytes:
            raise UnreadableCoding("too_large")
        if not piece and not given:
            raise zlib.error
    return inflater.unused_data


def _skip_zeros(coded: BytesIO) -> bool:
    """Whether anything else follows, which is read next."""
    while slice_ := coded.read(_SLICE_BYTES):
        if rest := slice_.lstrip(b"\0"):
            coded.seek(coded.tell() - len(rest))
            return True
    return False
