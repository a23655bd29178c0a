"""The line between Chromium and the web server, which a test can cut, hold still, and close to sockets alone."""

import asyncio
import re
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

_SOCKET_PATH = b"GET /api/v1/tilko/ws/"
_EVENTS_PATH = re.compile(rb"GET /api/v1/tilko/session/[^/ ]+/events")


class Buffered(Enum):
    """What a proxy collects of an answer before it passes it on."""

    WHOLE = "whole"
    BODY = "body"


@dataclass
class Asked:
    """What came over a connection last."""

    for_events: bool = False
    has_head: bool = False


class Line:
    """Forwards one port to another. Its methods may be called from any thread and return when they have taken hold."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = True
        self._open_to_sockets = True
        self._buffered: Buffered | None = None
        self._flowing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.sockets_dialled = self.events_asked = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Ends every connection and refuses new ones."""
        self._call(self._set(is_open=False))
        self._call(self._abort())

    def cut_sockets(self) -> None:
        """HTTP goes on; WebSockets end and are refused, as behind some companies' proxies."""
        self._call(self._set(is_open_to_sockets=False))
        self._call(self._abort())

    def buffer_events(self, what: Buffered) -> None:
        """No sockets, and no server-sent event arrives: a proxy collects the answer before it passes it on, whole, or
        after its head."""
        self._call(self._set(is_open_to_sockets=False, buffered=what))
        self._call(self._abort())

    def hold(self) -> None:
        """Nothing ends, nothing moves: a phone that has lost its network without knowing."""
        self._call(self._set(is_flowing=False))

    def restore(self) -> None:
        self._call(self._set())

    def drop(self) -> None:
        """Ends what is open now; new connections are welcome."""
        self._call(self._abort())

    def lead_to(self, port: int) -> None:
        """New connections; those of before stay where they are."""
        self._target_port = port

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(10)

    async def _listen(self) -> int:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _set(
        self,
        *,
        is_open: bool = True,
        is_open_to_sockets: bool = True,
        is_flowing: bool = True,
        buffered: Buffered | None = None,
    ) -> None:
        self._open, self._open_to_sockets, self._buffered = is_open, is_open_to_sockets, buffered
        if is_flowing:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        await self._abort()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            return
        onward, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers.add(back)
        try:
            asked = Asked()
            ways = (self._up(reader, back, asked), self._down(onward, writer, asked))
            pumps = [asyncio.ensure_future(one) for one in ways]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self._writers.discard(back)
            back.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked) -> None:
        while chunk := await reader.read(65_536):
            if self._buffered and _EVENTS_PATH.match(chunk):
                asked.for_events = True
                self.events_asked += 1
            if chunk.startswith(_SOCKET_PATH):
                self.sockets_dialled += 1
                if not self._open_to_sockets:
                    return
            await self._pass_on(chunk, writer)

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked) -> None:
        while chunk := await reader.read(65_536):
            if asked.for_events and self._buffered:
                chunk = self._head_of(chunk, asked)
            await self._pass_on(chunk, writer)

    def _head_of(self, chunk: bytes, asked: Asked) -> bytes:
        head, end, _ = chunk.partition(b"\r\n\r\n")
        if self._buffered is Buffered.WHOLE or asked.has_head or not end:
            return b""
        asked.has_head = True
        return head + end

    async def _pass_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        writer.write(chunk)
        await writer.drain()
