"""Sessions that arrive all the time over HTTP, each followed by a client that polls until it has seen the end."""

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from dev.bench.chaos.people import Guest, Guests

_API = "/api/v1/tilko/session"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_PAUSE, _POLL_PAUSE, _AFTERMATH = 0.2, 0.7, 2.0
_PROBE_PAUSE = 0.05
# Who is not answered asks again ever later; and on a machine that falls behind, nobody new comes for a while. Else the
# bench would measure its own crowd.
_LONGEST_PAUSE, _GROWTH, _CROWD = 2.0, 1.3, 50
_REPORT_SHARE = 0.3
_HURRIED_SHARE = 0.3


@dataclass
class Visit:
    """One session as its client saw it."""

    guest: Guest
    wants_report: bool
    began_at: float
    session_id: str = ""
    token: str = ""
    asked_at: float | None = None
    ended_at: float | None = None
    status: str = ""
    epoch: str = ""
    seq: int = 0
    resyncs: int = 0
    completed_in: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def take(self, page: dict[str, Any]) -> None:
        """One answer of the polling fallback: numbers without holes within an epoch, nothing after `completed`."""
        if page["resync"]:
            self.resyncs += 1
            self.epoch, self.seq = page["epoch"], page["last_seq"]
            return
        for event in page["messages"]:
            self._take_event(event)

    def _take_event(self, event: dict[str, Any]) -> None:
        if event["epoch"] != self.epoch:
            if self.epoch and self.seq:
                self.violations.append("a new epoch without resync")
            self.epoch, self.seq = event["epoch"], 0
        if event["seq"] != self.seq + 1:
            self.violations.append("a hole in the numbers")
        if self.epoch in self.completed_in:
            self.violations.append("an event after completed")
        self.seq = event["seq"]
        if event["type"] == "streaming_status" and event["status"] == "completed":
            self.completed_in.append(self.epoch)


class Town:
    """Its own thread with its own loop, so that the killer never waits for anybody."""

    def __init__(self, web_url: str, sandbox_url: str, dice: random.Random, arrivals_per_second: float) -> None:
        self._web = web_url
        self._sandbox = sandbox_url
        self._dice = dice
        self._guests = Guests(dice)
        self._pause = 1 / arrivals_per_second
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="town", daemon=True)
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._arrivals: Future[None] | None = None
        self.visits: list[Visit] = []

    def open(self) -> None:
        self._thread.start()
        self.do(self._open()).result(10)
        self._arrivals = self.do(self._arrive())

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop_arrivals(self) -> None:
        if self._arrivals is not None:
            self._arrivals.cancel()

    def close(self) -> None:
        self.do(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def probe(self) -> Visit:
        """One more session, started as soon as the web answers; its first step shows that the service is back."""
        visit = self._new_visit()
        self._loop.call_soon_threadsafe(self._begin, visit, _PROBE_PAUSE)
        return visit

    @property
    def unfinished(self) -> list[Visit]:
        """Also those that nobody has answered yet."""
        return [visit for visit in self.visits if visit.ended_at is None and not visit.violations]

    async def _open(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _arrive(self) -> None:
        while True:
            if len(self.unfinished) < _CROWD:
                self._begin(self._new_visit(), _PAUSE)
            await asyncio.sleep(self._dice.expovariate(1 / self._pause))

    def _new_visit(self) -> Visit:
        guest, _ = self._guests.next()
        return Visit(guest, self._dice.random() < _REPORT_SHARE, time.time())

    def _begin(self, visit: Visit, pause: float) -> None:
        self.visits.append(visit)
        task = self._loop.create_task(self._watched(visit, pause))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, visit: Visit, pause: float) -> None:
        try:
            await self._live(visit, pause)
        except (RefusedError, KeyError) as exc:
            visit.violations.append(f"a refusal: {exc}")

    async def _live(self, visit: Visit, pause: float) -> None:
        await self._ask("POST", f"{self._sandbox}/control/people", pause, json=visit.guest.as_sandbox_person())
        asked = visit.guest.as_start(wants_report=visit.wants_report)
        started = await self._ask("POST", f"{self._web}{_API}/start", pause, json=asked)
        visit.session_id, visit.token = started["session_id"], started["session_token"]
        query = f"?session_id={visit.session_id}"
        await self._ask("POST", f"{self._web}{_API}/simple-auth{query}", pause, headers=visit.headers)
        visit.asked_at = time.time()
        if self._dice.random() < _HURRIED_SHARE:
            await asyncio.sleep(self._dice.uniform(1, 3))
            await self._ask("POST", self._url(visit, "/collect-data"), pause, headers=visit.headers)
        await self._follow(visit)

    async def _follow(self, visit: Visit) -> None:
        while not visit.completed_in and visit.status != "completed":
            await asyncio.sleep(_POLL_PAUSE)
            await self._look(visit)
        visit.ended_at = time.time()
        await asyncio.sleep(_AFTERMATH)
        await self._look(visit)

    async def _look(self, visit: Visit) -> None:
        query = f"/messages?after_seq={visit.seq}&epoch={visit.epoch}"
        before = visit.resyncs
        visit.take(await self._ask("GET", self._url(visit, query), _PAUSE, headers=visit.headers))
        if visit.resyncs > before or (not visit.seq and self._dice.random() < 0.2):
            # The history is gone: the state tells what the missing events would have told.
            visit.status = (await self._ask("GET", self._url(visit, "/status"), _PAUSE, headers=visit.headers))[
                "status"
            ]

    def _url(self, visit: Visit, rest: str) -> str:
        return f"{self._web}{_API}/{visit.session_id}{rest}"

    async def _ask(self, method: str, url: str, pause: float, **options: Any) -> dict[str, Any]:
        """As a patient browser does: again and again until it is answered."""
        if self._http is None:
            raise AssertionError("the town is open")
        while True:
            try:
                async with self._http.request(method, url, **options) as reply:
                    body: dict[str, Any] = await reply.json(content_type=None)
                    if reply.status < 300 or reply.status == 409:
                        return body
                    if reply.status < 500 and reply.status != 429:
                        raise RefusedError(reply.status, url.rpartition("/")[2].partition("?")[0])
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


class RefusedError(Exception):
    """The product refuses what it must not refuse."""

    def __init__(self, status: int, call: str) -> None:
        super().__init__(f"{call} was answered by {status}")
