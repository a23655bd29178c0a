"""A browser with one socket for all its threads, which comes back with its places."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

from dev.bench.chaos.workloads.threads.thread_history import NumberedItem

_RETRY_SECONDS = 0.3
_HEARTBEAT_SECONDS = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)


class ThreadSocketReader:
    """From the beginning of an epoch on. `items` is what came of each thread; `oddities` what should not have come."""

    def __init__(self, url: str, token: str, thread_ids: Sequence[str], epoch: str) -> None:
        self._url = f"{url}/ws/threads"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._epoch = epoch
        self.items: dict[str, list[NumberedItem]] = {one: [] for one in thread_ids}
        self.oddities: list[str] = []
        self.connections = 0

    def last_seq(self, thread_id: str) -> int:
        items = self.items[thread_id]
        return items[-1].seq if items else 0

    async def follow(self) -> None:
        """Until it is cancelled."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=self._headers) as http:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._follow_once(http)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow_once(self, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(self._url, heartbeat=_HEARTBEAT_SECONDS, max_msg_size=0) as socket:
            self.connections += 1
            places = [{"threadId": one, "after": f"{self._epoch}:{self.last_seq(one)}"} for one in self.items]
            await socket.send_json({"type": "subscribe", "threads": places})
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT or not self._note(orjson.loads(message.data)):
                    return

    def _note(self, frame: dict[str, Any]) -> bool:
        """False: come again. A store that is away ends a subscription, or refuses it."""
        if "seq" in frame:
            dedupe_id = frame["envelope"]["dedupeId"] if "envelope" in frame else None
            self.items[frame["threadId"]].append(NumberedItem(frame["seq"], dedupe_id))
        elif frame["type"] == "resync":
            self.oddities.append(f"{frame['threadId']}: its socket was told to start anew ({frame['reason']})")
        elif frame["type"] == "unsubscribed" and frame["reason"] != "unavailable":
            self.oddities.append(f"{frame['threadId']}: its reader was {frame['reason']}")
        return frame["type"] not in {"error", "unsubscribed"}
