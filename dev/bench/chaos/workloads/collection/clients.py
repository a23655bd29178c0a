"""Clients that come all the time over HTTP; each begins a session and polls until it has seen the end."""

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

import aiohttp

from dev.bench.chaos.workloads.collection.client_session import ClientSession
from dev.bench.chaos.workloads.collection.persons import PersonGenerator

_API = "/api/v1/tilko/session"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_RETRY_SECONDS, _POLL_SECONDS, _AFTERMATH_SECONDS = 0.2, 0.7, 2.0
_PROBE_RETRY_SECONDS = 0.05
# Who is not answered asks again ever later; and on a machine that falls behind, nobody new comes for a while. Else the
# bench would measure its own load.
_RETRY_MAX_SECONDS, _RETRY_GROWTH, _MAX_UNFINISHED = 2.0, 1.3, 50
# By another session of the same person, for a minute at most.
_PHONE_IS_TAKEN = "PUSH_PENDING"
_REPORT_SHARE = 0.3
_IMPATIENT_SHARE = 0.3


class SessionClients:
    """A thread with a loop of its own, so that the nemesis never waits for anybody."""

    def __init__(self, web_url: str, sandbox_url: str, rng: random.Random, arrivals_per_second: float) -> None:
        self._web = web_url
        self._sandbox = sandbox_url
        self._rng = rng
        self._persons = PersonGenerator(rng)
        self._arrivals_per_second = arrivals_per_second
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients", daemon=True)
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._arrivals: Future[None] | None = None
        self.sessions: list[ClientSession] = []

    def open(self) -> None:
        self._thread.start()
        self.run(self._open()).result(10)
        self._arrivals = self.run(self._arrive())

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """In the clients' loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop_arrivals(self) -> None:
        if self._arrivals is not None:
            self._arrivals.cancel()

    def close(self) -> None:
        self.run(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def probe(self) -> ClientSession:
        """One more, which tries ceaselessly until the web answers."""
        session = self._invent()
        self._loop.call_soon_threadsafe(self._begin, session, _PROBE_RETRY_SECONDS)
        return session

    @property
    def has_unfinished(self) -> bool:
        return any(session.is_unfinished for session in self.sessions)

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
            if sum(session.is_unfinished for session in self.sessions) < _MAX_UNFINISHED:
                self._begin(self._invent(), _RETRY_SECONDS)
            await asyncio.sleep(self._rng.expovariate(self._arrivals_per_second))

    def _invent(self) -> ClientSession:
        return ClientSession(self._persons.next(), self._rng.random() < _REPORT_SHARE, time.time())

    def _begin(self, session: ClientSession, pause: float) -> None:
        self.sessions.append(session)
        task = self._loop.create_task(self._watched(session, pause))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, session: ClientSession, pause: float) -> None:
        try:
            await self._collect(session, pause)
        except (UnexpectedRefusal, KeyError) as exc:
            session.errors.append(f"a refusal: {exc}")

    async def _collect(self, session: ClientSession, pause: float) -> None:
        await self._ask("POST", f"{self._sandbox}/control/people", pause, json=session.person.to_sandbox())
        asked = session.person.to_start(wants_report=session.wants_report)
        started = await self._ask("POST", f"{self._web}{_API}/start", pause, json=asked)
        session.session_id, session.token = started["session_id"], started["session_token"]
        await self._ask_for_push(session, pause)
        if self._rng.random() < _IMPATIENT_SHARE:
            await asyncio.sleep(self._rng.uniform(1, 3))
            await self._ask("POST", self._url(session, "/collect-data"), pause, headers=session.headers)
        await self._follow(session)

    async def _ask_for_push(self, session: ClientSession, pause: float) -> None:
        query = f"?session_id={session.session_id}"
        await self._ask("POST", f"{self._web}{_API}/simple-auth{query}", pause, headers=session.headers)
        session.asked_at = session.asked_at or time.time()

    async def _follow(self, session: ClientSession) -> None:
        while not session.completed_in and session.status != "completed":
            await asyncio.sleep(_POLL_SECONDS)
            await self._poll(session)
            if session.was_told_to_ask_again:
                session.status, session.asked_again = "", session.asked_again + 1
                # Before the approval the first is heard, after it the second.
                await self._ask_for_push(session, _RETRY_SECONDS)
                await self._ask("POST", self._url(session, "/collect-data"), _RETRY_SECONDS, headers=session.headers)
        session.ended_at = time.time()
        self._persons.may_return(session.person)
        await asyncio.sleep(_AFTERMATH_SECONDS)
        await self._poll(session)

    async def _poll(self, session: ClientSession) -> None:
        query = f"/messages?after_seq={session.seq}&epoch={session.epoch}"
        before = session.resyncs
        session.read_page(await self._ask("GET", self._url(session, query), _RETRY_SECONDS, headers=session.headers))
        if session.resyncs > before or (not session.seq and self._rng.random() < 0.2):
            # The history is gone: the state tells what the missing events would have told.
            status = await self._ask("GET", self._url(session, "/status"), _RETRY_SECONDS, headers=session.headers)
            session.status = status["status"]

    def _url(self, session: ClientSession, rest: str) -> str:
        return f"{self._web}{_API}/{session.session_id}{rest}"

    async def _ask(self, method: str, url: str, pause: float, **options: Any) -> dict[str, Any]:
        """As a patient browser does: again and again until it is answered."""
        if self._http is None:
            raise AssertionError("the clients are open")
        while True:
            try:
                async with self._http.request(method, url, **options) as reply:
                    body: dict[str, Any] = await reply.json(content_type=None)
                    is_too_soon = reply.status == 429 or body.get("error", {}).get("code") == _PHONE_IS_TAKEN
                    if reply.status < 300 or (reply.status == 409 and not is_too_soon):
                        return body
                    if reply.status < 500 and not is_too_soon:
                        raise UnexpectedRefusal(reply.status, url.rpartition("/")[2].partition("?")[0])
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(pause)
            pause = min(pause * _RETRY_GROWTH, _RETRY_MAX_SECONDS)


class UnexpectedRefusal(Exception):
    """The product refuses what it must not refuse."""

    retryable = False

    def __init__(self, status: int, call: str) -> None:
        super().__init__(f"{call} was answered by {status}")
