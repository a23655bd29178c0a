"""Takes the content codings off a response's body, within a bound that is counted as the body grows.

We ask for `identity`; a response that comes coded all the same may have been paid for.
"""

import zlib
from collections.abc import Mapping

from upstream.http.retry_after import read_header

_MAX_CODINGS = 4
_PIECE_BYTES = 256 * 1024
# zlib's window sizes: gzip's or zlib's own header, and deflate without any, which some servers send.
_ANY_HEADER, _NO_HEADER = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
_KNOWN = {"gzip": (_ANY_HEADER,), "x-gzip": (_ANY_HEADER,), "deflate": (_ANY_HEADER, _NO_HEADER)}


class UnreadableCoding(Exception):
    """The body cannot be decoded. `reason`: unknown_coding, damaged_coding, too_large."""

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
    """All members of the stream, one after the other."""
    decoded, rest = bytearray(), body
    while rest.strip(b"\0"):
        inflater = zlib.decompressobj(window)
        while not inflater.eof:
            piece = inflater.decompress(rest, _PIECE_BYTES)
            rest = inflater.unconsumed_tail
            decoded += piece
            if len(decoded) > max_bytes:
                raise UnreadableCoding("too_large")
            if not piece and not rest and not inflater.eof:
                raise zlib.error
        rest = inflater.unused_data
    return bytes(decoded)
