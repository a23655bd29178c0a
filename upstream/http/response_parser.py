"""Reads the HTTP/1.1 responses of one connection with httptools, and bounds what they may hold."""

import httptools

from upstream.http.exchange import BrokenResponse, ExchangeError, HttpResponse, ResponseTooLarge

_MAX_HEAD_BYTES = 64 * 1024
# Of several lines with these names each counts.
_LISTS = frozenset({"content-encoding", "transfer-encoding"})


class ResponseParser:
    """`feed` and `feed_eof` raise BrokenResponse and ResponseTooLarge; the connection is then of no further use.

    `is_reusable` says of the last response whether the connection may carry another request. `max_bytes` bounds the
    body of the next one, as it comes.
    """

    def __init__(self, max_response_bytes: int) -> None:
        self.max_bytes = max_response_bytes
        # One for all of the connection's responses: it refers to us, and each would leave a cycle to the collector.
        self._parser = httptools.HttpResponseParser(self)
        self.is_reusable = False
        self._responses: list[HttpResponse] = []  # one at most: filled by the callbacks, taken by `feed`
        self._start()

    def feed(self, data: bytes) -> HttpResponse | None:
        """The response, as soon as it is whole."""
        body_bytes = self._body_bytes
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self._responses:
                raise self._error from exc
            self.is_reusable = False  # something else follows the response
        response = self._responses.pop() if self._responses else None
        if response is not None:
            self._start()
        else:
            self._bound_what_is_no_body(len(data) if self._body_bytes == body_bytes else None)
        return response

    def feed_eof(self) -> HttpResponse:
        """The connection has ended, and with it a response that announced no length."""
        if not self._has_headers or "content-length" in self._headers or "transfer-encoding" in self._headers:
            raise BrokenResponse
        self.is_reusable = False
        return self._build()

    def on_message_begin(self) -> None:
        """httptools calls these as it reads."""
        if self._responses:
            raise BrokenResponse

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_headers:  # a trailer: it says nothing of how the body is to be read
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        if key in _LISTS and key in self._headers:
            text = f"{self._headers[key]}, {text}"
        self._headers[key] = text

    def on_headers_complete(self) -> None:
        if self._parser.get_http_version() > "1.1":
            raise BrokenResponse
        self._take_transfer_codings()
        self._has_headers = True

    def _take_transfer_codings(self) -> None:
        """We ask for none, and httptools takes off the chunks alone: what else a proxy has applied is a coding of the
        body that we are given. Without chunks as the last the connection's end is the body's."""
        *others, last = _split(self._headers.pop("transfer-encoding", ""))
        if last == "chunked":
            self._headers["transfer-encoding"] = last
        else:
            others.append(last)
        applied = [coding for coding in others if coding not in {"", "identity"}]
        before = [coding for coding in _split(self._headers.get("content-encoding", "")) if coding]
        if applied:
            self._headers["content-encoding"] = ", ".join([*before, *applied])

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._body_bytes += len(data)
        self._require_small()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # an interim response: the one that counts follows
            self._start()
            return
        self.is_reusable = self._parser.should_keep_alive()
        self._responses.append(self._build())

    def _start(self) -> None:
        self._headers: dict[str, str] = {}
        self._has_headers = False
        self._bytes_without_body = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._error: ExchangeError = BrokenResponse()

    def _build(self) -> HttpResponse:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return HttpResponse(self._parser.get_status_code(), self._headers, body)

    def _bound_what_is_no_body(self, size_bytes: int | None) -> None:
        """Of the head, or of what follows the last piece of the body; None: there was another piece."""
        self._bytes_without_body = 0 if size_bytes is None else self._bytes_without_body + size_bytes
        if self._bytes_without_body > _MAX_HEAD_BYTES:
            raise BrokenResponse

    def _require_small(self) -> None:
        if self._body_bytes > self.max_bytes:
            self._error = ResponseTooLarge(self._build())
            raise self._error


def _split(codings: str) -> list[str]:
    return [coding.strip().lower() for coding in codings.split(",")]
