"""A browser that stays: follows a stream of server-sent events, and comes back from where it was."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=40)
_RETRY_SECONDS = 0.3
_LINE_MAX_BYTES = 2**20


class EventStreamClient:
    """Of what `name` stands for, from `place` on. `events` are what came, as numbers and bodies; `oddities` what should
    not have come."""

    def __init__(self, url: str, name: str, token: str, place: str) -> None:
        self._url = url
        self._token = token
        self._place = place
        self.name = name
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.oddities: list[str] = []
        self.connections = 0

    @property
    def last_seq(self) -> int:
        return self.events[-1][0] if self.events else 0

    async def follow(self) -> None:
        """Until it is cancelled."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT, read_bufsize=_LINE_MAX_BYTES) as http:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._follow_once(http)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow_once(self, http: aiohttp.ClientSession) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Last-Event-ID": self._place}
        async with http.get(self._url, headers=headers) as reply:
            if reply.status == 200:
                self.connections += 1
                async for block in _blocks(reply):
                    self._note(block)
            elif reply.status < 500 and reply.status != 429:
                self.oddities.append(f"the stream was answered by {reply.status}")

    def _note(self, block: Mapping[str, str]) -> None:
        self._place = block.get("id", self._place)
        if "data" not in block:
            return
        event = orjson.loads(block["data"])
        if "seq" in event:
            self.events.append((event["seq"], event))
        elif event["type"] == "resync":
            self.oddities.append("its reader was told to start anew")


async def _blocks(reply: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    block: dict[str, str] = {}
    async for line in reply.content:
        text = line.decode().rstrip("\r\n")
        if not text:
            yield block
            block = {}
        elif not text.startswith(":"):
            name, _, value = text.partition(":")
            block[name] = value.removeprefix(" ")
