"""Clients of the bench, on asyncio's own streams: readers of server-sent events that only count, and polls."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: *([^\r]+)\r\n", re.IGNORECASE)
_SEQ = re.compile(rb'"seq":(\d+)')
_PING = b'{"type":"ping"}'
_OPENING = 50
_WITHIN_SECONDS = 60.0


class ClientFailed(Exception):
    """A server did not do what is measured."""

    retryable = False


@dataclass(eq=False)
class SseReader:
    """`heard` has the moment at which each event came, by its number."""

    received_bytes: int = 0
    events: int = 0
    pings: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    _rest: bytes = b""

    def take(self, piece: bytes) -> None:
        self.received_bytes += len(piece)
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        for block in blocks:
            if _PING in block:
                self.pings += 1
            elif found := _SEQ.search(block):
                self.events += 1
                self.heard[int(found[1])] = time.monotonic()


class SseReaders:
    """Many of them in this loop. Leave it to close them."""

    def __init__(self, url: str) -> None:
        self._host, self._port = _place(url)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.all: list[SseReader] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self, path: str, headers: Sequence[str]) -> None:
        """One for each header. Raises ClientFailed."""
        for start in range(0, len(headers), _OPENING):
            await asyncio.gather(*(self._open(path, header) for header in headers[start : start + _OPENING]))

    async def wait(self, is_done: Callable[[SseReader], bool]) -> None:
        """Until it is so of all. Raises ClientFailed."""
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                while not all(map(is_done, self.all)):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as exc:
            left = sum(not is_done(reader) for reader in self.all)
            raise ClientFailed(f"{left} of {len(self.all)} readers did not hear all") from exc

    async def _open(self, path: str, header: str) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        self._writers.append(writer)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n{header}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        _require(head, 200)
        counted = SseReader(received_bytes=len(head))
        await _read_some(reader, counted)
        self.all.append(counted)
        self._tasks.append(asyncio.create_task(self._follow(reader, counted)))

    async def _follow(self, reader: asyncio.StreamReader, counted: SseReader) -> None:
        while await _read_some(reader, counted):
            self._changed.set()


async def _read_some(reader: asyncio.StreamReader, counted: SseReader) -> bool:
    try:
        piece = await reader.read(65_536)
    except ConnectionError:
        return False
    counted.take(piece)
    return bool(piece)


@dataclass
class PollClient:
    """Asks for the same again and again, over one connection; with `has_etag` it says what it has already."""

    url: str
    request: str
    has_etag: bool = False
    requests: int = 0
    received_bytes: int = 0
    not_modified: int = 0
    _etag: bytes = b""
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def poll(self) -> None:
        """Raises ClientFailed."""
        reader, writer = self._streams or await asyncio.open_connection(*_place(self.url))
        self._streams = reader, writer
        known = b"If-None-Match: %b\r\n" % self._etag if self.has_etag and self._etag else b""
        writer.write(self.request.encode() + known + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        status = _require(head, 200, 304)
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length and status == 200 else b""
        if etag := _ETAG.search(head):
            self._etag = etag[1]
        self.requests += 1
        self.received_bytes += len(head) + len(body)
        self.not_modified += status == 304

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()


async def at_once(calls: Sequence[Awaitable[None]]) -> None:
    await asyncio.gather(*calls)


def _require(head: bytes, *statuses: int) -> int:
    found = _STATUS.match(head)
    if found is None or int(found[1]) not in statuses:
        raise ClientFailed(f"the server answered {head[:60]!r}")
    return int(found[1])


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80
