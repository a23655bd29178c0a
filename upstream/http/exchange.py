"""One bounded HTTP exchange over httpx: a deadline for the whole, a limit for the response, never a retry.

A response's body is given as it came: coded where its headers say so (`content_coding` takes that off).

Errors:
    ExchangeError
    ├── Unreachable       refused, no such host, TLS: nothing was sent
    │   └── AddressNotAllowed  the host leads to where we do not go
    ├── TimedOut          no whole response before the deadline
    ├── BrokenResponse    the connection broke, or the bytes were no HTTP
    ├── UnsupportedCoding (not retryable)  it came in a coding of the transfer that httpx does not take off
    └── ResponseTooLarge  (not retryable)
"""

import logging
import math
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import ClassVar

import httpx

from core.clock import clock
from core.networks import AllowedAddresses
from upstream.http.deadline import AddressRefused, Deadline, ending_at, open_transport

# More than a process has threads: nobody waits for another's long call to end.
_MAX_CONNECTIONS = 1000
_KEEP_ALIVE_SECONDS = 30.0
# httpx tells its tracer so when the connection stands and the request's first byte is next.
LEAVING = "http11.send_request_headers.started"


class ExchangeError(Exception):
    """No whole response came. `reason` is a fixed word."""

    retryable: ClassVar[bool] = True
    reason: ClassVar[str] = "failed"


class Unreachable(ExchangeError):
    reason = "unreachable"


class AddressNotAllowed(Unreachable):
    reason = "address_not_allowed"


class TimedOut(ExchangeError):
    reason = "timed_out"


class BrokenResponse(ExchangeError):
    reason = "broken_response"


class UnsupportedCoding(ExchangeError):
    """Somebody between us and the peer codes transfers though we ask for none, and will do so the next time, too. The
    call has had its effect, and nothing of its answer can be had."""

    retryable = False
    reason = "unknown_coding"


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """What one exchange may take."""

    total_seconds: float
    max_response_bytes: int
    connect_seconds: float = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class HttpResponse:
    """A whole response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# What is kept of an answer that was paid for as likely as not, and came in an unsupported coding: that it came.
UNSUPPORTED_ANSWER = HttpResponse(HTTPStatus.OK, {"content-encoding": "transfer"}, b"")


class ResponseTooLarge(ExchangeError):
    """`part`: as much of it as was read; it may have been paid for. None where nobody keeps it."""

    retryable = False
    reason = "too_large"

    def __init__(self, part: HttpResponse | None = None) -> None:
        super().__init__()  # no args: the part would show up in repr()
        self.part = part


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class PaidCall:
    """What the caller of a call that costs money has prepared for it.

    `ends_at`      of the monotonic clock: whatever comes later counts for nothing, as somebody else may ask by then
    `before_send`  called right before the request leaves; what it raises keeps it back, and nothing is paid
    `keep`         given each response that may hold what was paid for, before anybody judges it
    """

    ends_at: float = math.inf
    before_send: Callable[[], object] = _nothing
    keep: Callable[[HttpResponse], object] = _nothing


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """One for all clients, also those of processes that are forked later: reading the authorities takes 20 ms."""
    if ca_file:
        return ssl.create_default_context(cafile=ca_file)
    return httpx.create_ssl_context(trust_env=False)


def open_http(
    kept_connections: int = _MAX_CONNECTIONS, ca_file: str = "", allowed: AllowedAddresses | None = None
) -> httpx.Client:
    """A pool of kept connections; with 0 each call opens its own, which no peer can have closed meanwhile. `ca_file`:
    the authorities that are trusted, in the place of the public ones. `allowed`: which addresses are connected to, as
    of hosts that others name; None: any.

    Open it after the fork: two processes must not share a socket.
    It keeps no cookies (they would carry one person's session into the next person's request), reads no proxy or
    netrc from the environment and follows no redirect (it would carry the API key to another host).
    """
    # httpx logs each URL at INFO and httpcore the headers at DEBUG: an API key can stand in both.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    limits = httpx.Limits(
        max_connections=_MAX_CONNECTIONS,
        max_keepalive_connections=kept_connections,
        keepalive_expiry=_KEEP_ALIVE_SECONDS,
    )
    http = httpx.Client(
        transport=open_transport(_tls_context(ca_file), limits, allowed),
        headers={"Accept-Encoding": "identity"},
        trust_env=False,
        follow_redirects=False,
    )
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return http


def send(
    http: httpx.Client,
    request: httpx.Request,
    limits: ExchangeLimits,
    before_send: Callable[[], object] | None = None,
) -> HttpResponse:
    """Raises ExchangeError. One call is at most one request on the wire: httpx retries none, and neither do we.

    `before_send` is called when the connection stands, right before the request leaves; what it raises keeps it back.
    """
    deadline = Deadline(clock.monotonic() + limits.total_seconds)
    connect_seconds = min(limits.connect_seconds, limits.total_seconds)
    request.extensions["timeout"] = httpx.Timeout(limits.total_seconds, connect=connect_seconds).as_dict()
    if before_send is not None:
        request.extensions["trace"] = _tracer_of(before_send)
    try:
        with ending_at(deadline), closing(http.send(request, stream=True)) as response:
            body = _read_bounded(response, deadline, limits.max_response_bytes)
    except httpx.TimeoutException as exc:
        raise TimedOut from exc
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.ProxyError) as exc:
        raise (AddressNotAllowed if isinstance(exc.__cause__, AddressRefused) else Unreachable) from exc
    except (httpx.RequestError, ssl.SSLError) as exc:
        raise (UnsupportedCoding if _is_unsupported(exc) else BrokenResponse) from exc
    return HttpResponse(response.status_code, response.headers, body)


def _is_unsupported(error: BaseException) -> bool:
    """h11's error, below httpx's, says what a server would answer to a request of this kind."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "error_status_hint", None) == HTTPStatus.NOT_IMPLEMENTED:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _tracer_of(before_send: Callable[[], object]) -> Callable[[str, object], None]:
    def trace(event: str, _info: object) -> None:
        if event == LEAVING:
            before_send()

    return trace


def _read_bounded(response: httpx.Response, deadline: Deadline, max_bytes: int) -> bytes:
    declared = response.headers.get("content-length", "")
    parts = bytearray()
    for chunk in response.iter_raw():
        parts += chunk
        if len(parts) > max_bytes:
            raise ResponseTooLarge(HttpResponse(response.status_code, response.headers, bytes(parts)))
        # Who was stopped beyond the deadline keeps what has come whole meanwhile: it may be paid for.
        if deadline.is_over and str(len(parts)) != declared:
            raise TimedOut
    return bytes(parts)


def check_base_url(url: str) -> str:
    """Without trailing slashes. Raises ValueError."""
    message = "an API address must begin with http:// or https:// and name a host"
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as exc:
        raise ValueError(message) from exc
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(message)
    return url.strip().rstrip("/")


def check_api_key(api_key: str) -> str:
    """It travels in a header. Raises ValueError without showing it."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("an API key must be printable ASCII without spaces")
    return api_key
