"""Clients that act all the time over HTTP, each request again under its key until it is answered."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_RETRY_SECONDS, _RETRY_MAX_SECONDS, _RETRY_GROWTH = 0.2, 2.0, 1.3
_OCTETS = frozenset({"application/octet-stream", "application/jose"})
# Beyond it a machine that has fallen behind would measure its own load.
_MOST_AT_ONCE = 60


class ActorRequest(NamedTuple):
    """`body` is sent as JSON; beside a `file`, given as name and content, as its form's fields. `octets` are sent as
    they are, and with `is_cut` the first try breaks off in the middle of them. An answer of octets stands under
    `content`. `also_final` are statuses after which the actor does not ask again."""

    path: str
    body: Mapping[str, Any] = {}
    method: str = "POST"
    file: tuple[str, bytes] | None = None
    octets: bytes | None = None
    is_cut: bool = False
    also_final: frozenset[int] = frozenset()


class ClientActor(Protocol):
    """Somebody with a token, who does one thing at a time."""

    @property
    def token(self) -> str: ...

    def next_request(self, rng: random.Random) -> ActorRequest: ...

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        """`body` is empty when the answer had none. Raises KeyError when it has not what it must have."""


@dataclass
class ActionProbe:
    """A look that somebody takes; `key` is set with its answer, as nobody holds work that could be recorded before."""

    key: str = ""
    answered_at: float = 0.0


class ActingClients:
    """A thread with a loop of its own. `per_second` actions are started in all."""

    def __init__(self, url: str, actors: Sequence[ClientActor], rng: random.Random, per_second: float) -> None:
        self._url = url
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
        self.run(self._open()).result(10)
        self._arrivals = self.run(self._act_on())

    def stop_arrivals(self) -> None:
        if self._arrivals is not None:
            self._arrivals.cancel()

    def close(self) -> None:
        self.run(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def probe(self, actor: ClientActor, path: str) -> ActionProbe:
        probe = ActionProbe()
        self.probes.append(probe)
        self.run(self._look(actor, path, probe))
        return probe

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """In the clients' loop."""
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

    async def _act(self, actor: ClientActor) -> None:
        request = actor.next_request(self._rng)
        try:
            status, answer = await self._ask(request, actor, {"Idempotency-Key": uuid4().hex})
            self.answers[status] += 1
            actor.note_answer(request, status, answer)
        except KeyError as exc:
            self.errors.append(f"{request.path} was answered without {exc}")
        finally:
            self._idle.append(actor)

    async def _look(self, actor: ClientActor, path: str, probe: ActionProbe) -> None:
        await self._ask(ActorRequest(path, method="GET"), actor, {})
        probe.key, probe.answered_at = uuid4().hex, time.time()

    async def _ask(
        self, request: ActorRequest, actor: ClientActor, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if self._http is None:
            raise AssertionError("the clients are open")
        headers = headers | {"Authorization": f"Bearer {actor.token}"}
        pause, is_first = _RETRY_SECONDS, True
        while True:
            try:
                url, sent = self._url + request.path, _content_of(request, is_first=is_first)
                async with self._http.request(request.method, url, headers=headers, **sent) as reply:
                    answer = await _read_answer(reply)
                    is_final = reply.status < 500 and reply.status != 429
                    if is_final or reply.status in request.also_final:
                        return reply.status, answer
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            is_first = False
            await asyncio.sleep(pause)
            pause = min(pause * _RETRY_GROWTH, _RETRY_MAX_SECONDS)


async def _read_answer(reply: aiohttp.ClientResponse) -> dict[str, Any]:
    if reply.content_type in _OCTETS:
        return {"content": await reply.read()}
    answer: dict[str, Any] = await reply.json(content_type=None) or {}
    return answer


async def _break_off(octets: bytes) -> AsyncIterator[bytes]:
    yield octets[: len(octets) // 2]
    raise ConnectionResetError("in the middle")


def _content_of(request: ActorRequest, *, is_first: bool) -> dict[str, Any]:
    """Made anew for each try: a form is sent once."""
    if request.octets is not None:
        return {"data": _break_off(request.octets) if request.is_cut and is_first else request.octets}
    if request.file is None:
        return {"json": request.body} if request.method == "POST" else {}
    name, content = request.file
    form = aiohttp.FormData(dict(request.body))
    form.add_field("file", content, filename=name)
    return {"data": form}
