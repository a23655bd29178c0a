"""One HTTP exchange whose body is read as it comes, with an exact deadline for the whole, and an abort from elsewhere.

The errors are those of `upstream.http.exchange`; Unreachable means here that no byte of the request has left.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from core.clock import clock
from upstream.http.deadline import Deadline, ending_at
from upstream.http.exchange import LEAVING, BrokenResponse, ExchangeError, ResponseTooLarge, TimedOut, Unreachable

_SMALLEST_SECONDS = 0.001
# As httpcore tells its tracer: of TLS the first one is taken over by the second.
_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """`silence_seconds`: longest pause between two pieces; None for as long as the whole."""

    total_seconds: float
    max_bytes: int
    connect_seconds: float = 5.0
    silence_seconds: float | None = None


class OpenSockets:
    """The connections of calls under way: shutting them wakes whoever waits, also where no answer has begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._is_shut = False

    @property
    def is_shut(self) -> bool:
        with self._lock:
            return self._is_shut

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)
            is_shut = self._is_shut
        if is_shut:
            _shut(connection)

    def discard(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(connection)

    def shut_all(self) -> None:
        """For good: what is opened later is shut, too."""
        with self._lock:
            self._is_shut = True
            sockets = list(self._sockets)
        for connection in sockets:
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Cancellation:
    """Ends one exchange from any thread, also before its answer has begun. It wakes whoever reads: closing the response
    alone would leave them in their read."""

    def __init__(self) -> None:
        self._is_cancelled = threading.Event()
        self._connection: socket.socket | None = None

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled.is_set()

    def cancel(self) -> None:
        """Never blocks, and may be repeated. While the connection is being made nothing is cut until it is there."""
        self._is_cancelled.set()
        self.cut()

    def bind(self, connection: socket.socket) -> None:
        self._connection = connection
        if self.is_cancelled:
            self.cut()

    def cut(self) -> None:
        if self._connection is not None:
            _shut(self._connection)


class HttpStream:
    """An answer whose head is there. `abort` may be called from any thread, and more than once."""

    def __init__(
        self,
        response: httpx.Response,
        max_bytes: int,
        deadline: Deadline,
        *,
        sockets: OpenSockets,
        cancellation: Cancellation,
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._sockets = sockets
        self._cancellation = cancellation

    @property
    def is_aborted(self) -> bool:
        return self._cancellation.is_cancelled

    def abort(self) -> None:
        self._cancellation.cancel()

    def pieces(self) -> Iterator[bytes]:
        """Raises ExchangeError, also where our own cut looks like an end. Ends early, without one, when aborted."""
        size = 0
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise ResponseTooLarge
        try:
            for piece in self._response.iter_raw():
                size += len(piece)
                if size > self._max_bytes:
                    raise ResponseTooLarge
                yield piece
        except (httpx.RequestError, ssl.SSLError) as exc:
            if not self.is_aborted:
                raise _translate(exc, is_over_time=self._deadline.is_over) from exc
        self._require_uncut()

    def _require_uncut(self) -> None:
        """A body of no told length ends where its connection does, whoever has ended that. Raises ExchangeError."""
        tells_end = "content-length" in self.headers or "transfer-encoding" in self.headers
        if tells_end or self.is_aborted:
            return
        if self._sockets.is_shut:
            raise BrokenResponse

    def read(self) -> bytes:
        """All of it. Raises ExchangeError."""
        return b"".join(self.pieces())


@contextmanager
def open_stream(
    http: httpx.Client,
    request: httpx.Request,
    limits: StreamLimits,
    before_send: Callable[[], object] | None = None,
    *,
    sockets: OpenSockets | None = None,
    cancellation: Cancellation | None = None,
) -> Iterator[HttpStream]:
    """Raises ExchangeError. At most one request leaves. `cancellation` ends it from elsewhere.

    `before_send` is called when the connection stands, right before the request leaves; what it raises keeps it back.
    `sockets` is told of a connection that is opened for this call.
    """
    deadline = Deadline(clock.monotonic() + limits.total_seconds)
    leaving = _Leaving(before_send, sockets or OpenSockets(), cancellation or Cancellation())
    with ending_at(deadline), contextlib.closing(leaving), _sent(http, request, limits, leaving, deadline) as stream:
        yield stream


@contextmanager
def _sent(
    http: httpx.Client, request: httpx.Request, limits: StreamLimits, leaving: "_Leaving", deadline: Deadline
) -> Iterator[HttpStream]:
    request.extensions |= {"timeout": _timeouts(limits), "trace": leaving.trace}
    try:
        response = http.send(request, stream=True)
    except (httpx.RequestError, ssl.SSLError) as exc:
        if not leaving.has_left:
            raise Unreachable from exc
        raise _translate(exc, is_over_time=deadline.is_over) from exc
    # Of a kept connection nobody was told; it is the response's.
    leaving.cancellation.bind(response.extensions["network_stream"].get_extra_info("socket"))
    stream = HttpStream(
        response, limits.max_bytes, deadline, sockets=leaving.sockets, cancellation=leaving.cancellation
    )
    with contextlib.closing(response):
        yield stream


def _timeouts(limits: StreamLimits) -> dict[str, float | None]:
    silence = limits.total_seconds if limits.silence_seconds is None else limits.silence_seconds
    read = max(min(silence, limits.total_seconds), _SMALLEST_SECONDS)
    connect = max(min(limits.connect_seconds, limits.total_seconds), _SMALLEST_SECONDS)
    return httpx.Timeout(read, connect=connect, pool=connect).as_dict()


class _Leaving:
    """Notes when the request leaves, which decides whether somebody may be working on it, and over which sockets."""

    def __init__(
        self, before_send: Callable[[], object] | None, sockets: OpenSockets, cancellation: Cancellation
    ) -> None:
        self.has_left = False
        self.cancellation = cancellation
        self._before_send = before_send
        self.sockets = sockets
        self._opened: list[socket.socket] = []

    def close(self) -> None:
        for connection in self._opened:
            self.sockets.discard(connection)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _CONNECTED:
            self._opened.append(info["return_value"].get_extra_info("socket"))
            self.sockets.add(self._opened[-1])
            self.cancellation.bind(self._opened[-1])
        if event == LEAVING:
            if self._before_send is not None:
                self._before_send()
            self.has_left = True


def _translate(error: Exception, *, is_over_time: bool) -> ExchangeError:
    return TimedOut() if is_over_time or isinstance(error, httpx.TimeoutException) else BrokenResponse()
