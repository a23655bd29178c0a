"""Clients of the bench: a socket that notes when each envelope came, and batches pushed over HTTP."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from dev.bench.chaos.workloads.threads.members import BenchMember

_WITHIN_SECONDS = 300.0
_FOLLOWED_AT_ONCE = 100
_LOST = frozenset({"resync", "unsubscribed", "error"})
_ENDED = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


class ThreadClientFailed(Exception):
    """The server did not do what is measured."""

    retryable = False


class ThreadSocket:
    """`heard` has the moment at which each envelope came, by its dedupeId; `items` counts whatever was numbered."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self.heard: dict[str, float] = {}
        self.items = 0
        self.followed = 0

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str, member: BenchMember) -> "ThreadSocket":
        headers = {"Authorization": f"Bearer {member.token}"}
        return cls(await http.ws_connect(f"{url}/ws/threads", headers=headers, max_msg_size=0))

    async def follow(self, thread_ids: Sequence[str], after: str | None = None) -> None:
        """Returns when all are. Raises ThreadClientFailed."""
        place = {} if after is None else {"after": after}
        for first in range(0, len(thread_ids), _FOLLOWED_AT_ONCE):
            some = thread_ids[first : first + _FOLLOWED_AT_ONCE]
            asked = [{"threadId": one, **place} for one in some]
            await self._socket.send_json({"type": "subscribe", "threads": asked})
            await self._wait_until(lambda: self.followed, self.followed + len(some))

    async def wait_for(self, items: int) -> None:
        """Raises ThreadClientFailed."""
        await self._wait_until(lambda: self.items, items)

    async def close(self) -> None:
        self._reading.cancel()
        await self._socket.close()

    async def _wait_until(self, count: Any, wanted: int) -> None:
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                while count() < wanted:
                    if self._reading.done():
                        raise ThreadClientFailed(f"the socket has ended: {self._reading.exception()}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as exc:
            raise ThreadClientFailed(f"{count()} of {wanted} came") from exc

    async def _read(self) -> None:
        try:
            while True:
                self._note(await self._socket.receive())
                self._changed.set()
        finally:
            self._changed.set()

    def _note(self, message: aiohttp.WSMessage) -> None:
        if message.type in _ENDED:
            raise ThreadClientFailed(f"closed by {message.data}")
        frame: dict[str, Any] = orjson.loads(message.data)
        if frame["type"] in _LOST:
            raise ThreadClientFailed(f"told {message.data}")
        if frame["type"] == "subscribed":
            self.followed += 1
        elif "seq" in frame:
            self.items += 1
            if "envelope" in frame:
                self.heard[frame["envelope"]["dedupeId"]] = time.perf_counter()


async def push(http: aiohttp.ClientSession, url: str, member: BenchMember, envelopes: Sequence[dict[str, Any]]) -> None:
    """Raises ThreadClientFailed unless all are taken."""
    headers = {"Authorization": f"Bearer {member.token}"}
    async with http.post(f"{url}/api/threads/push-batch", json={"envelopes": envelopes}, headers=headers) as reply:
        answer = await reply.json()
    if reply.status != 200 or any(one["status"] != "accepted" for one in answer["results"]):
        raise ThreadClientFailed(f"{reply.status} {answer}")
