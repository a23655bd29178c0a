"""Reads the HTTP/1.1 responses of one connection with httptools, and bounds what they may hold."""

import httptools

from upstream.http.exchange import BrokenResponse, ExchangeError, HttpResponse, ResponseTooLarge

_MAX_HEAD_BYTES = 64 * 1024


class ResponseParser:
    """`feed` and `feed_eof` raise BrokenResponse and ResponseTooLarge; the connection is then of no further use.

    `is_reusable` says of the last response whether the connection may carry another request.
    """

    def __init__(self, max_response_bytes: int) -> None:
        self._max_bytes = max_response_bytes
        # One for all of the connection's responses: it refers to us, and each would leave a cycle to the collector.
        self._parser = httptools.HttpResponseParser(self)
        self.is_reusable = False
        self._responses: list[HttpResponse] = []  # one at most: filled by the callbacks, taken by `feed`
        self._start()

    def feed(self, data: bytes) -> HttpResponse | None:
        """The response, as soon as it is whole."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self._responses:
                raise self._error from exc
            self.is_reusable = False  # something else follows the response
        response = self._responses.pop() if self._responses else None
        if response is not None:
            self._start()
        elif not self._has_headers:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                raise BrokenResponse
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
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        headers = self._headers
        if headers.get("transfer-encoding", "chunked").lower() != "chunked" or self._parser.get_http_version() > "1.1":
            raise BrokenResponse
        self._has_headers = True

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
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._error: ExchangeError = BrokenResponse()

    def _build(self) -> HttpResponse:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return HttpResponse(self._parser.get_status_code(), self._headers, body)

    def _require_small(self) -> None:
        if self._body_bytes > self._max_bytes:
            self._error = ResponseTooLarge(self._build())
            raise self._error
