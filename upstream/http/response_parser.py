"""Reads one HTTP/1.1 answer as it arrives: a length, chunks, or the end of the connection ends it.

Only what a client of one known API needs; whatever else comes is BrokenResponse: the bytes were no answer to us.
"""

from collections.abc import Mapping

from upstream.http.exchange import BrokenResponse, HttpResponse, ResponseTooLarge

_MAX_HEAD_BYTES = 64 * 1024
_MAX_LINE_BYTES = 1024
_DIGITS = frozenset("0123456789abcdefABCDEF")
_BODILESS = frozenset({204, 304})


class ResponseParser:
    """Feed it until it gives the answer; afterwards `keeps` says whether the connection may carry another request.

    Raises BrokenResponse or ResponseTooLarge; the connection is then of no further use.
    """

    def __init__(self, max_response_bytes: int) -> None:
        self._max = max_response_bytes
        self._buffer = bytearray()
        self._status = 0
        self._headers: Mapping[str, str] | None = None
        self._length: int | None = None
        self._chunks: bytearray | None = None
        self.keeps = False

    def feed(self, data: bytes) -> HttpResponse | None:
        self._buffer += data
        while self._headers is None:
            if not self._read_head():
                return None
        if self._chunks is not None:
            return self._read_chunks()
        if self._length is None:
            self._require_small(len(self._buffer))
            return None
        if len(self._buffer) < self._length:
            return None
        self.keeps = self.keeps and len(self._buffer) == self._length
        return self._give(bytes(self._buffer[: self._length]))

    def end(self) -> HttpResponse:
        """The connection has ended."""
        if self._headers is None or self._chunks is not None or self._length is not None:
            raise BrokenResponse
        self.keeps = False
        return self._give(bytes(self._buffer))

    def _give(self, body: bytes) -> HttpResponse:
        return HttpResponse(self._status, self._headers or {}, body)

    def _read_head(self) -> bool:
        """False while it is not whole. An interim answer (1xx) is passed over."""
        end = self._buffer.find(b"\r\n\r\n")
        if end > _MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > _MAX_HEAD_BYTES):
            raise BrokenResponse
        if end < 0:
            return False
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        version, _, rest = first.partition(" ")
        if version not in {"HTTP/1.1", "HTTP/1.0"} or not (rest[:3].isascii() and rest[:3].isdecimal()):
            raise BrokenResponse
        self._status = int(rest[:3])
        if self._status == 101:
            raise BrokenResponse
        if self._status >= 200:
            self._headers = _read_fields(lines)
            self._plan_body(self._headers, version)
        return True

    def _plan_body(self, headers: Mapping[str, str], version: str) -> None:
        connection = headers.get("connection", "").lower()
        self.keeps = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise BrokenResponse  # we asked for none
        if self._status in _BODILESS:
            self._length = 0
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise BrokenResponse
            self._chunks = bytearray()
        elif length is not None:
            self._length = _read_number(length, 10)
            self._require_small(self._length)
        else:
            self.keeps = False

    def _read_chunks(self) -> HttpResponse | None:
        assert self._chunks is not None
        at = 0
        while (end := self._buffer.find(b"\r\n", at)) >= 0:
            size = _read_number(self._buffer[at:end].partition(b";")[0].strip().decode("latin-1"), 16)
            self._require_small(len(self._chunks) + size)
            if size == 0:
                return self._read_trailers(at)
            if len(self._buffer) < end + 2 + size + 2:
                break
            if self._buffer[end + 2 + size : end + 4 + size] != b"\r\n":
                raise BrokenResponse
            self._chunks += self._buffer[end + 2 : end + 2 + size]
            at = end + 4 + size
        del self._buffer[:at]
        if self._buffer.find(b"\r\n") < 0 and len(self._buffer) > _MAX_LINE_BYTES:
            raise BrokenResponse
        return None

    def _read_trailers(self, at: int) -> HttpResponse | None:
        """From the last chunk's line on: fields that nobody reads may follow, then an empty line."""
        assert self._chunks is not None
        end = self._buffer.find(b"\r\n\r\n", at)
        if end < 0:
            if len(self._buffer) - at > _MAX_HEAD_BYTES:
                raise BrokenResponse
            del self._buffer[:at]
            return None
        self.keeps = self.keeps and end + 4 == len(self._buffer)
        return self._give(bytes(self._chunks))

    def _require_small(self, size: int) -> None:
        if size > self._max:
            raise ResponseTooLarge


def _read_fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BrokenResponse
        name, value = name.lower(), value.strip()
        if fields.get(name, value) != value and name in {"content-length", "transfer-encoding"}:
            raise BrokenResponse
        fields[name] = value
    return fields


def _read_number(text: str, base: int) -> int:
    if not 0 < len(text) <= 16 or not _DIGITS.issuperset(text) or (base == 10 and not text.isdecimal()):
        raise BrokenResponse
    return int(text, base)
