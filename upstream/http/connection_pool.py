"""Kept HTTP/1.1 connections to one host on one asyncio loop, for thousands of small exchanges a second.

A general client spends more on one poll than encrypting it costs; this one does what a poll needs: no redirects,
cookies, compression, proxies, and never a second try.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from upstream.http.exchange import BrokenResponse, ExchangeError, HttpResponse, TimedOut, Unreachable
from upstream.http.response_parser import ResponseParser

# Servers close connections that rest: one that has rested for longer is not used again.
_KEEP_ALIVE_SECONDS = 15.0


class HttpConnection(asyncio.Protocol):
    """One exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, open_ones: "set[HttpConnection]") -> None:
        self._loop = loop
        self._open_ones = open_ones
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None
        self._answer: asyncio.Future[HttpResponse] | None = None
        self.usable = True
        self.rests_since = 0.0
        self.lost = loop.create_future()

    async def exchange(self, request: bytes, max_response_bytes: int, deadline: float) -> HttpResponse:
        """Until a moment of the loop's clock. Raises ExchangeError. A caller that is cancelled leaves it unusable."""
        assert self._transport is not None
        assert self._answer is None
        self._parser = ResponseParser(max_response_bytes)
        self._answer = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._expire)
        self._transport.write(request)
        try:
            reply = await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._answer = None
        if not self._parser.keeps:
            self.close()
        return reply

    def _expire(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimedOut())

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open_ones.add(self)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done() or self._parser is None:
            self.close()  # nothing was asked
            return
        try:
            reply = self._parser.feed(data)
        except ExchangeError as exc:
            self._answer.set_exception(exc)
            return
        if reply is not None:
            self._answer.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._open_ones.discard(self)
        self.lost.set_result(None)
        if self._answer is None or self._answer.done() or self._parser is None:
            return
        if exc is not None:
            self._answer.set_exception(BrokenResponse())
            return
        try:
            self._answer.set_result(self._parser.end())
        except ExchangeError as error:
            self._answer.set_exception(error)


class HttpConnectionPool:
    """At most so many at once; whoever comes later waits for a free one, the most recently used first. Made on the loop
    that uses it: asking for the loop is a system call, and a poll would ask six times."""

    def __init__(self, base_url: str, *, max_connections: int, connect_seconds: float, max_response_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        parts = urlsplit(base_url)
        self._host, self._secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path
        self._authority = parts.netloc.rpartition("@")[2]
        self._connect_seconds = connect_seconds
        self._max_response_bytes = max_response_bytes
        self._context = ssl.create_default_context() if self._secure else None
        self._free: list[HttpConnection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._places = max_connections
        self._all: set[HttpConnection] = set()

    def build(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """The request's bytes; neither path nor headers may hold a line's end."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        head = f"{method} {self._path}{path} HTTP/1.1\r\nHost: {self._authority}\r\nAccept-Encoding: identity\r\n"
        return f"{head}{lines}{length}\r\n".encode("latin-1") + body

    async def exchange(
        self, request: bytes, total_seconds: float, before_send: Callable[[], None] | None = None
    ) -> HttpResponse:
        """Raises ExchangeError. The total counts from now: waiting for a free connection is part of it. `before_send`
        comes after all that takes time, right before the request leaves; it keeps it back by raising."""
        deadline = self._loop.time() + total_seconds
        if self._places > 0:
            self._places -= 1
        else:
            await self._wait_for_place(deadline)
        try:
            connection = self._take_rested() or await self._open(deadline)
            try:
                if before_send is not None:
                    before_send()
                return await connection.exchange(request, self._max_response_bytes, deadline)
            finally:
                self._put_back(connection)
        finally:
            self._leave_place()

    async def close(self) -> None:
        """Returns when every socket is closed."""
        self._free.clear()
        losses = [connection.lost for connection in self._all]
        for connection in list(self._all):
            connection.close()
        await asyncio.gather(*losses)

    async def _wait_for_place(self, deadline: float) -> None:
        turn = self._loop.create_future()
        self._waiting.append(turn)
        timer = self._loop.call_at(deadline, _give_up, turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave_place()
            raise
        finally:
            timer.cancel()

    def _leave_place(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1

    def _take_rested(self) -> HttpConnection | None:
        oldest = self._loop.time() - _KEEP_ALIVE_SECONDS
        while self._free:
            connection = self._free.pop()
            if connection.usable and connection.rests_since > oldest:
                return connection
            connection.close()
        return None

    def _put_back(self, connection: HttpConnection) -> None:
        if connection.usable:
            connection.rests_since = self._loop.time()
            self._free.append(connection)

    async def _open(self, deadline: float) -> HttpConnection:
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + self._connect_seconds)):
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self._loop, self._all),
                    self._host,
                    self._port,
                    ssl=self._context,
                    happy_eyeballs_delay=0.25,
                )
        except TimeoutError as exc:
            raise TimedOut from exc
        except OSError as exc:
            raise Unreachable from exc
        return connection


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimedOut())
