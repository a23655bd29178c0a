"""Actions at a steady rate: each is due at its moment, and what it waits behind others counts as its time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp

from dev.bench.journey.plain_sql import WrongState, act
from dev.bench.journey.ward import BenchWard, Walker
from dev.bench.results import Metrics, percentiles_ms
from models.journey import JourneyRole
from services.journey.actions import perform_action
from services.journey.actors import JourneyActor
from services.journey.work import JourneyWork

_SECONDS = aiohttp.ClientTimeout(total=60)
Act = Callable[[Walker, str, dict[str, str]], Awaitable[None]]


class ActionRefused(Exception):
    """An action that must be done was refused."""

    retryable = False


@dataclass(frozen=True)
class ActionTimes:
    """Seconds of each action, and how long all of them took."""

    seconds: Sequence[float]
    whole_seconds: float

    def metrics(self) -> Metrics:
        return percentiles_ms(self.seconds, "action") | {"actions_per_s": len(self.seconds) / self.whole_seconds}


async def over_http(base_url: str, path: str, walkers: Sequence[Walker], per_second: float) -> ActionTimes:
    """`path` takes the product's body."""
    async with aiohttp.ClientSession(timeout=_SECONDS, connector=aiohttp.TCPConnector(limit=0)) as http:

        async def perform(walker: Walker, action: str, payload: dict[str, str]) -> None:
            headers = {"Authorization": f"Bearer {walker.login.token}"}
            body = {"action_type": action, "payload": payload}
            async with http.post(base_url + path, json=body, headers=headers) as reply:
                if reply.status != 200:
                    raise ActionRefused(f"{action}: {reply.status} {await reply.text()}")
                await reply.read()

        return await _walk_all(walkers, per_second, perform)


async def over_sockets(base_url: str, walkers: Sequence[Walker], per_second: float) -> ActionTimes:
    """Each walker's own socket, open before the first action and read all the while, as a browser does: else no ping
    would be answered."""
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        sockets: dict[UUID, _WalkerSocket] = {}
        for walker in walkers:
            headers = {"Authorization": f"Bearer {walker.login.token}"}
            dialled = http.ws_connect(f"{base_url}/ws/patient-journey/", headers=headers)
            socket = _WalkerSocket(await opened.enter_async_context(dialled))
            await socket.greeting()
            sockets[walker.user_id] = socket
            opened.callback(asyncio.create_task(socket.read()).cancel)

        async def perform(walker: Walker, action: str, payload: dict[str, str]) -> None:
            frame = await sockets[walker.user_id].ask(action, payload)
            if not frame["success"]:
                raise ActionRefused(f"{action}: {frame['code']}")

        return await _walk_all(walkers, per_second, perform)


class _WalkerSocket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._results: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def greeting(self) -> None:
        await self._socket.receive_json(timeout=_SECONDS.total)

    async def read(self) -> None:
        """Until the socket ends."""
        async for message in self._socket:
            frame = message.json()
            if frame["type"] == "action_result":
                self._results.put_nowait(frame)

    async def ask(self, action: str, payload: dict[str, str]) -> dict[str, Any]:
        await self._socket.send_json({"command": "perform_action", "action_type": action, "payload": payload})
        return await asyncio.wait_for(self._results.get(), _SECONDS.total)


async def _walk_all(walkers: Sequence[Walker], per_second: float, perform: Act) -> ActionTimes:
    """First everybody's first step, then everybody's second: a walker's own lie far apart."""
    began = time.perf_counter()
    done: dict[Walker, asyncio.Task[float]] = {}
    steps = []
    for number in range(len(walkers[0].steps())):
        for place, walker in enumerate(walkers):
            due = began + (number * len(walkers) + place) / per_second
            action, payload = walker.steps()[number]
            step = _take_step(due, done.get(walker), perform, walker, (str(action), payload))
            done[walker] = asyncio.create_task(step)
            steps.append(done[walker])
    seconds = await asyncio.gather(*steps)
    return ActionTimes(seconds, time.perf_counter() - began)


async def _take_step(
    due: float, before: asyncio.Task[float] | None, perform: Act, walker: Walker, step: tuple[str, dict[str, str]]
) -> float:
    """Seconds since it was due."""
    if before is not None:
        await asyncio.wait([before])
    await asyncio.sleep(max(due - time.perf_counter(), 0))
    await perform(walker, *step)
    return time.perf_counter() - due


def by_the_service(ward: BenchWard, walkers: Sequence[Walker]) -> ActionTimes:
    """The product's own statements, one after the other in this process: no HTTP, no token."""
    seconds, began = [], time.perf_counter()
    for walker in walkers:
        for action, payload in walker.steps():
            started = time.perf_counter()
            do = partial(_perform, user_id=walker.user_id, action=action, payload=payload)
            ward.stores.journeys.run(do)
            seconds.append(time.perf_counter() - started)
    return ActionTimes(seconds, time.perf_counter() - began)


def _perform(journey: JourneyWork, *, user_id: UUID, action: str, payload: dict[str, str]) -> None:
    perform_action(journey, user_id, action, payload, JourneyActor(JourneyRole.PATIENT, user_id))


def by_plain_sql(connection: Any, walkers: Sequence[Walker]) -> ActionTimes:
    """The floor: the peer's statements in this process, one transaction each."""
    seconds, began = [], time.perf_counter()
    for walker in walkers:
        for action, payload in walker.steps():
            started = time.perf_counter()
            with connection, connection.cursor() as cursor:
                try:
                    act(cursor, str(walker.user_id), action, payload.get("exam_id"))
                except WrongState as exc:
                    raise ActionRefused(action) from exc
            seconds.append(time.perf_counter() - started)
    return ActionTimes(seconds, time.perf_counter() - began)
