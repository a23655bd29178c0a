"""Kept HTTP/1.1 connections to one host on one asyncio loop, for thousands of small exchanges a second.

A general client spends more on one poll than encrypting it costs (docs/decisions/0007-http-client-of-the-poller.md);
this one does what a poll needs: no redirects, cookies, compression, proxies, and never a retry.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from upstream.http.exchange import BrokenResponse, HttpResponse, TimedOut, Unreachable
from upstream.http.response_parser import ResponseParser

# Servers close idle connections: one that has been idle for longer is not used again.
_KEEP_ALIVE_SECONDS = 15.0

Outcome = HttpResponse | Exception


class HttpExchange:
    """One request and its outcome: a response, an ExchangeError, or what `before_send` raised."""

    __slots__ = ("before_send", "connection", "deadline", "is_done", "max_response_bytes", "on_done", "request")

    def __init__(
        self,
        request: bytes,
        deadline: float,
        on_done: Callable[[Outcome], object],
        before_send: Callable[[], object] | None,
        max_response_bytes: int,
    ) -> None:
        self.request = request
        self.deadline = deadline
        self.on_done = on_done
        self.before_send = before_send
        self.max_response_bytes = max_response_bytes
        self.connection: HttpConnection | None = None
        self.is_done = False


class HttpConnection(asyncio.Protocol):
    """Carries one exchange at a time; tells the pool of each outcome, and of its own end."""

    def __init__(self, pool: "HttpConnectionPool", max_response_bytes: int) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._parser = ResponseParser(max_response_bytes)
        self._transport: asyncio.Transport | None = None
        self.exchange: HttpExchange | None = None
        self.is_usable = True
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def send(self, exchange: HttpExchange) -> None:
        assert self._transport is not None
        assert self.exchange is None
        try:
            if not self.is_usable:
                raise BrokenResponse  # noqa: TRY301 it ended before it was used
            if exchange.before_send is not None:
                exchange.before_send()
        except Exception as exc:  # noqa: BLE001 also the caller's own, which is given back to it
            # Not at once: those that wait for the place may all fail in the same way.
            self._loop.call_soon(self._pool.finish, exchange, exc, self)
            return
        self.exchange = exchange
        exchange.connection = self
        self._parser.max_bytes = exchange.max_response_bytes
        self._transport.write(exchange.request)

    def close(self) -> None:
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pool.add(self)

    def data_received(self, data: bytes) -> None:
        if self.exchange is None:
            self.close()  # nothing was asked
            return
        try:
            response = self._parser.feed(data)
        except Exception as exc:  # noqa: BLE001 an ExchangeError; whatever it is, the exchange must have an outcome
            self.close()
            self._finish(exc)
            return
        if response is not None:
            if not self._parser.is_reusable:
                self.close()
            self._finish(response)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_usable = False
        self.lost.set_result(None)
        self._pool.remove(self)
        if self.exchange is None:
            return
        try:
            outcome: Outcome = BrokenResponse() if exc is not None else self._parser.feed_eof()
        except BrokenResponse as error:
            outcome = error
        self._finish(outcome)

    def _finish(self, outcome: Outcome) -> None:
        exchange, self.exchange = self.exchange, None
        assert exchange is not None
        self._pool.finish(exchange, outcome, self)


class HttpConnectionPool:
    """At most so many exchanges at once; those beyond wait in their order. The connection used last is used next.

    Belongs to the loop on which it was made.
    """

    def __init__(self, base_url: str, *, max_connections: int, connect_seconds: float, max_response_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        parts = urlsplit(base_url)
        self._host, is_secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if is_secure else 80)
        self._path = parts.path
        authority = parts.netloc.rpartition("@")[2]
        self._after_path = f" HTTP/1.1\r\nHost: {authority}\r\nAccept-Encoding: identity\r\n"
        self._connect_seconds = connect_seconds
        self._max_response_bytes = max_response_bytes
        self._ssl = ssl.create_default_context() if is_secure else None
        self._connections: set[HttpConnection] = set()
        self._idle: list[HttpConnection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._free_places = max_connections
        self._waiting: deque[HttpExchange] = deque()
        self._unfinished: set[HttpExchange] = set()
        # One timer for the earliest deadline: one per exchange would cost as much as reading its response.
        self._timer: asyncio.TimerHandle | None = None

    def build(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """The request's bytes; neither path nor headers may hold a line's end."""
        start = f"{method} {self._path}{path}{self._after_path}"
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}\r\n")
        return f"{start}{''.join(lines)}\r\n".encode("latin-1") + body

    def start(
        self,
        request: bytes,
        total_seconds: float,
        on_done: Callable[[Outcome], object],
        before_send: Callable[[], object] | None = None,
        *,
        max_response_bytes: int | None = None,
    ) -> HttpExchange:
        """`on_done` is called once, after this has returned, and must not raise. The total counts from now: waiting for
        a place is part of it. `before_send` is called after all that takes time; what it raises keeps the request back.
        `max_response_bytes`: of a call whose answer is known to be smaller than the pool's bound.
        """
        now = self._loop.time()
        most = self._max_response_bytes if max_response_bytes is None else max_response_bytes
        exchange = HttpExchange(request, now + total_seconds, on_done, before_send, most)
        self._unfinished.add(exchange)
        if self._timer is None or exchange.deadline < self._timer.when():
            self._set_timer(exchange.deadline)
        if self._free_places:
            self._free_places -= 1
            self._send(exchange, now)
        else:
            self._waiting.append(exchange)
        return exchange

    async def exchange(
        self,
        request: bytes,
        total_seconds: float,
        before_send: Callable[[], object] | None = None,
        *,
        max_response_bytes: int | None = None,
    ) -> HttpResponse:
        """As `start`, for who awaits the response. Raises ExchangeError. Cancelling it closes its connection."""
        arrived: asyncio.Future[HttpResponse] = self._loop.create_future()

        def resolve(outcome: Outcome) -> None:
            if arrived.done():
                return
            if isinstance(outcome, Exception):
                arrived.set_exception(outcome)
            else:
                arrived.set_result(outcome)

        exchange = self.start(request, total_seconds, resolve, before_send, max_response_bytes=max_response_bytes)
        try:
            return await arrived
        except asyncio.CancelledError:
            self._abort(exchange, BrokenResponse())
            raise

    def finish(self, exchange: HttpExchange, outcome: Outcome, connection: HttpConnection | None) -> None:
        """For connections: what became of an exchange, and that its place is free for the next."""
        now = self._loop.time()
        if connection is not None and connection.is_usable:
            connection.idle_since = now
            self._idle.append(connection)
        self._free_places += 1
        self._settle(exchange, outcome)
        while self._waiting and self._free_places:
            following = self._waiting.popleft()
            if not following.is_done:
                self._free_places -= 1
                self._send(following, now)

    def add(self, connection: HttpConnection) -> None:
        """For connections: it has begun."""
        self._connections.add(connection)

    def remove(self, connection: HttpConnection) -> None:
        """For connections: it has ended."""
        self._connections.discard(connection)

    async def close(self) -> None:
        """Returns when every socket is closed. Exchanges under way end as broken."""
        if self._timer is not None:
            self._timer.cancel()
        self._idle.clear()
        self._waiting.clear()
        for task in self._opening:
            task.cancel()
        losses = [connection.lost for connection in self._connections]
        for connection in list(self._connections):
            connection.close()
        await asyncio.gather(*losses, *self._opening, return_exceptions=True)
        for exchange in list(self._unfinished):
            self._settle(exchange, BrokenResponse())

    def _send(self, exchange: HttpExchange, now: float) -> None:
        """Over an idle connection, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and now - connection.idle_since < _KEEP_ALIVE_SECONDS:
                connection.send(exchange)
                return
            connection.close()
        task = self._loop.create_task(self._open_and_send(exchange))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open_and_send(self, exchange: HttpExchange) -> None:
        try:
            connection = await self._open(exchange.deadline)
        except Exception as exc:  # noqa: BLE001 an ExchangeError; whatever it is, the exchange must have an outcome
            self.finish(exchange, exc, None)
            return
        if exchange.is_done:
            self.finish(exchange, TimedOut(), connection)
        else:
            connection.send(exchange)

    async def _open(self, deadline: float) -> HttpConnection:
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + self._connect_seconds)):
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self, self._max_response_bytes),
                    self._host,
                    self._port,
                    ssl=self._ssl,
                    happy_eyeballs_delay=0.25,
                )
        except TimeoutError as exc:
            raise TimedOut from exc
        except OSError as exc:
            raise Unreachable from exc
        return connection

    def _settle(self, exchange: HttpExchange, outcome: Outcome) -> None:
        if not exchange.is_done:
            exchange.is_done = True
            self._unfinished.discard(exchange)
            exchange.on_done(outcome)

    def _abort(self, exchange: HttpExchange, outcome: Outcome) -> None:
        """Its connection is closed, as a response may still be on its way; closing it frees the place."""
        self._settle(exchange, outcome)
        if exchange.connection is not None and exchange.connection.exchange is exchange:
            exchange.connection.close()

    def _set_timer(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for exchange in [one for one in self._unfinished if one.deadline <= now]:
            self._abort(exchange, TimedOut())
        if self._unfinished and self._timer is None:
            self._set_timer(min(one.deadline for one in self._unfinished))
