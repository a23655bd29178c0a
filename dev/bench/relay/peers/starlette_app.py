"""Starlette with one Redis subscription for all sockets, fanned out to a queue each.

`uvicorn starlette_app:application`, with BENCH_REDIS_URL. With the packages of `dev/requirements/bench-relay.txt`;
imports nothing of ours.
"""

# mypy: disable-error-code="import-not-found"
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis.asyncio
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

REDIS_URL = os.environ["BENCH_REDIS_URL"]
_QUEUE_EVENTS = 1000
Queue = asyncio.Queue[tuple[int, str]]

# A pool that lets callers wait: the ordinary one opens a connection for each and fails when all come at once.
store: Any = redis.asyncio.Redis(
    connection_pool=redis.asyncio.BlockingConnectionPool.from_url(REDIS_URL, max_connections=50, timeout=60)
)


class SharedSubscription:
    """Who follows what, and the one subscription."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Queue]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: Any = None

    async def listen(self) -> None:
        async for message in self._pubsub.listen():
            stream = message["channel"].decode()
            if message["type"] == "subscribe" and stream in self._confirmed:
                self._confirmed[stream].set()
            elif message["type"] == "message":
                text = message["data"].decode()
                item = (int(text[7 : text.index(",")]), text)
                for queue in self._followers.get(stream, ()):
                    queue.put_nowait(item)

    async def start(self) -> asyncio.Task[None]:
        self._pubsub = store.pubsub()
        await self._pubsub.subscribe("bench:nothing")
        return asyncio.create_task(self.listen())

    async def join(self, stream: str) -> Queue:
        queue = Queue(_QUEUE_EVENTS)
        if stream not in self._followers:
            self._followers[stream] = set()
            self._confirmed[stream] = asyncio.Event()
            await self._pubsub.subscribe(stream)
        self._followers[stream].add(queue)
        await self._confirmed[stream].wait()
        return queue

    async def leave(self, stream: str, queue: Queue) -> None:
        followers = self._followers[stream]
        followers.discard(queue)
        if not followers:
            del self._followers[stream], self._confirmed[stream]
            await self._pubsub.unsubscribe(stream)


shared = SharedSubscription()


async def follow(socket: WebSocket) -> None:
    stream = socket.path_params["stream"]
    presented = socket.headers.get("authorization", "").removeprefix("Bearer ")
    if (await store.get(f"bench:token:{stream}") or b"").decode() != presented:
        await socket.close(4401)
        return
    await socket.accept()
    queue = await shared.join(stream)
    sender = asyncio.create_task(send(socket, stream, queue, int(socket.query_params.get("after", "0"))))
    try:
        with suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
    finally:
        sender.cancel()
        await shared.leave(stream, queue)


async def send(socket: WebSocket, stream: str, queue: Queue, seq: int) -> None:
    await socket.send_text('{"type":"hello"}')
    for entry_id, fields in await store.xrange(f"bench:log:{stream}", min=f"({seq}-0"):
        seq = int(entry_id.partition(b"-")[0])
        await socket.send_text(fields[b"body"].decode())
    while True:
        number, text = await queue.get()
        if number > seq:
            seq = number
            await socket.send_text(text)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    listening = await shared.start()
    yield
    listening.cancel()


application = Starlette(routes=[WebSocketRoute("/ws/{stream}", follow)], lifespan=lifespan)
