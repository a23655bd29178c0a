"""Clients that act all the time over HTTP, each request again under its key until it is answered."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

from dev.bench.chaos.workloads.journey.actors import PERFORM, Actor

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_RETRY_SECONDS, _RETRY_MAX_SECONDS, _RETRY_GROWTH = 0.2, 2.0, 1.3
# Beyond it a machine that has fallen behind would measure its own load.
_MOST_AT_ONCE = 60


@dataclass
class ActionProbe:
    """A look at a journey; `key` is set with its answer, as nobody holds work that could be recorded before."""

    key: str = ""
    answered_at: float = 0.0


class JourneyClients:
    """A thread with a loop of its own. One actor does one thing at a time; `per_second` are started in all."""

    def __init__(self, url: str, actors: Sequence[Actor], rng: random.Random, per_second: float) -> None:
        self._url = f"{url}/api/v1"
        self._idle = list(actors)
        self._rng = rng
        self._per_second = per_second
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients", daemon=True)
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrivals: Future[None] | None = None
        self.answers: Counter[int] = Counter()
        self.probes: list[ActionProbe] = []
        self.errors: list[str] = []

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    def open(self) -> None:
        self._thread.start()
        self._run(self._open()).result(10)
        self._arrivals = self._run(self._act_on())

    def stop_arrivals(self) -> None:
        if self._arrivals is not None:
            self._arrivals.cancel()

    def close(self) -> None:
        self._run(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def probe(self, actor: Actor) -> ActionProbe:
        probe = ActionProbe()
        self.probes.append(probe)
        self._run(self._look(actor, probe))
        return probe

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _open(self) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=_TIMEOUT)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _act_on(self) -> None:
        while True:
            if self._idle and len(self._tasks) < _MOST_AT_ONCE:
                task = self._loop.create_task(self._act(self._idle.pop(self._rng.randrange(len(self._idle)))))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(self._rng.expovariate(self._per_second))

    async def _act(self, actor: Actor) -> None:
        path, body = actor.next_request(self._rng)
        try:
            status, answer = await self._ask("POST", path, actor, body, {"Idempotency-Key": uuid4().hex})
            self.answers[status] += 1
            actor.note_answer(path, status, answer)
        except KeyError as exc:
            self.errors.append(f"{path} was answered without {exc}")
        finally:
            self._idle.append(actor)

    async def _look(self, actor: Actor, probe: ActionProbe) -> None:
        path = PERFORM.replace("perform-action", "current-state")
        await self._ask("GET", path, actor, None, {})
        probe.key, probe.answered_at = uuid4().hex, time.time()

    async def _ask(
        self, method: str, path: str, actor: Actor, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if self._http is None:
            raise AssertionError("the clients are open")
        headers = headers | {"Authorization": f"Bearer {actor.login.token}"}
        pause = _RETRY_SECONDS
        while True:
            try:
                async with self._http.request(method, self._url + path, json=body, headers=headers) as reply:
                    answer: dict[str, Any] = await reply.json(content_type=None)
                    if reply.status < 500 and reply.status != 429:
                        return reply.status, answer
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(pause)
            pause = min(pause * _RETRY_GROWTH, _RETRY_MAX_SECONDS)
