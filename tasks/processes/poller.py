"""The poller process: thousands of sessions that wait for their phones, on one asyncio loop and no worker.

`python -m tasks.processes.poller`. There is no endpoint that tells whether a phone has approved: the poll is a data
call, and the one that succeeds has brought (and paid for) the checkups. They are on disk before the database is told.
Several pollers share the sessions; those of a poller that died are taken by the others. SIGTERM hands everything back.
"""

import asyncio
import gc
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.clock import clock
from core.logs import configure_logs, get_logger
from core.names import ProcessKind, Step
from models.collection.run_states import FAST_POLLS, Retry, poll_delay, retry_delay
from services.collection.answers import find_count
from services.collection.run import record_approval
from services.collection.waiting import (
    asked_now,
    give_back,
    is_waiting,
    let_go,
    note_not_approved,
    record_poll_error,
    take_waiting,
)
from services.delivery.unit_of_work import Work
from services.processes.leases import LeaseLost
from spool import Call, DataType, Overtaken, SpoolError
from tasks.app import app, settings
from tasks.collection.display import StepDisplay, poll_id
from tasks.processes.poll_schedule import Schedule, Waiter
from tasks.runtime import Runtime, build_runtime
from upstream.tilko.async_client import AsyncTilkoClient
from upstream.tilko.client import Timeouts
from upstream.tilko.errors import NotApproved, TilkoError

log = get_logger(__name__)

T = TypeVar("T")

_BATCH = 1000
_LOOK_SECONDS = 0.25
_MAX_CONNECTIONS = 500
_LONGEST_FAULT_PAUSE = 30.0
_BLOCKED_SECONDS = 0.05
# A passing fault of the provider is forgiven this often in a row, with growing pauses, before the person is told.
_FAULTS_FORGIVEN = Retry(
    max_attempts=8,
    base_seconds=settings.collection.step_retry_base_seconds,
    max_seconds=min(settings.collection.step_retry_max_seconds, _LONGEST_FAULT_PAUSE),
)
_STOP_PATIENCE_SECONDS = 4


class Poller:
    """Keeps the schedule in memory; PostgreSQL knows which sessions wait and whose they are."""

    def __init__(self, here: Runtime, client: AsyncTilkoClient, display: StepDisplay) -> None:
        self._here = here
        self._client = client
        self._display = display
        self._schedule = Schedule()
        self._calls: set[asyncio.Task[None]] = set()
        self._owner_id: int | None = None
        # Two threads: one for looking around, one for writing down; more would only queue at the database.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="poller")
        self._changed = asyncio.Event()
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        loops = [asyncio.create_task(self._look_around()), asyncio.create_task(self._poll_when_due())]
        stopped = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
        broken = [task for task in loops if task.done()]
        for task in loops:
            task.cancel()
        await self._stop()
        for task in broken:
            task.result()  # a loop that ended by itself is a bug: let the process die of it, visibly

    async def _stop(self) -> None:
        """Let calls under way end if they do so soon: an answer that is on its way may be paid for."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=_STOP_PATIENCE_SECONDS)
        if self._owner_id is not None:
            await self._in_unit(partial(give_back, owner_id=self._owner_id))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._display.flush()

    async def _look_around(self) -> None:
        """Take new sessions; hear of those that were deleted, or whose person says that they have approved."""
        while True:
            try:
                await self._look()
            except (SQLAlchemyError, SpoolError) as exc:
                log.warning("poller_blind", error=type(exc).__name__)
            self._changed.set()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        owner_id = self._here.lease.id
        if owner_id != self._owner_id:
            # A new lease is a new poller: whatever the old one held may be another's by now.
            self._schedule.clear()
            self._owner_id = owner_id
        if owner_id is None:
            return
        for session_id in await self._in_unit(partial(let_go, owner_id=owner_id)):
            if self._schedule.forget(session_id):
                self._display.revoke(poll_id(session_id))
        for session_id in await self._in_unit(lambda work: asked_now(work.session, owner_id)):
            self._schedule.hurry(session_id)
        try:
            taken = await self._in_thread(self._take, owner_id)
        except (SQLAlchemyError, SpoolError):
            # The commit may have gone through all the same: then they are ours, and nobody would ever poll them.
            self._here.lease.renounce()
            raise
        for waiter in taken:
            self._schedule.add(waiter)

    def _take(self, owner_id: int) -> list[Waiter]:
        with self._here.stores.unit_of_work() as work:
            taken = take_waiting(work, owner_id, self._here.tools, _BATCH)
        return [
            Waiter(
                waiting.claim,
                waiting.polls,
                time.monotonic() + max((waiting.due - clock.now()).total_seconds(), 0),
                told=waiting.polls >= FAST_POLLS,
                # A poller before us may have paid for this answer and died before it could say so.
                answered=self._is_on_disk(waiting.claim.session_id),
            )
            for waiting in taken
        ]

    def _is_on_disk(self, session_id: UUID) -> bool:
        return self._here.tools.spool.find_incoming(str(session_id), DataType.HEALTH) is not None

    async def _poll_when_due(self) -> None:
        while True:
            self._changed.clear()
            for waiter in self._schedule.take_due():
                call = asyncio.create_task(self._poll(waiter))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            pause = min(self._schedule.seconds_until_next(_LOOK_SECONDS), _LOOK_SECONDS)
            try:
                await asyncio.wait_for(self._changed.wait(), timeout=max(pause, 0.001))
            except TimeoutError:
                continue

    async def _poll(self, waiter: Waiter) -> None:
        """One poll. Whatever happens, the session is either settled or scheduled again."""
        try:
            pause = await self._ask(waiter)
        except (SQLAlchemyError, SpoolError, LeaseLost) as exc:
            _name_in_logs(waiter)
            log.warning("poll_not_settled", error=type(exc).__name__)
            pause = settings.collection.poll_interval_seconds
        except Exception:
            _name_in_logs(waiter)
            log.exception("poll_broke")
            pause = _LONGEST_FAULT_PAUSE
        self._schedule.put_back(waiter, pause)
        if pause is not None and pause < _LOOK_SECONDS:
            self._changed.set()  # sooner than the schedule is looked at anyway

    async def _ask(self, waiter: Waiter) -> float | None:
        """Seconds until the next poll, or None when this session waits no longer."""
        if waiter.answered:
            return await self._settle_approval(waiter)
        call = self._begin_call(waiter)
        if call is None:
            return _BLOCKED_SECONDS
        try:
            await self._fetch(waiter, call)
        except NotApproved:
            return await self._note_not_approved(waiter)
        except TilkoError as exc:
            return await self._note_error(waiter, exc)
        finally:
            call.end()
        waiter.answered = True
        self._schedule.note_answered(waiter.claim.session_id)
        return await self._settle_approval(waiter)

    def _begin_call(self, waiter: Waiter) -> Call | None:
        """None while another process asks for these checkups, or we still do under a lease that was lost since."""
        now = time.monotonic()
        waiter.blocked_since = waiter.blocked_since or now
        out_of_patience = now - waiter.blocked_since >= settings.collection.call_patience_seconds
        call = self._here.tools.spool.begin_call(waiter.name, DataType.HEALTH, breaking_in=out_of_patience)
        if call is None:
            waiter.looked = False
        else:
            waiter.blocked_since = None
        return call

    async def _fetch(self, waiter: Waiter, call: Call) -> None:
        """Have the answer on disk, the phone permitting."""
        claim = waiter.claim
        # Once nobody else is asking, nobody else begins to: the session is ours.
        if not waiter.looked and self._is_on_disk(claim.session_id):
            return
        waiter.looked = True
        answer = await self._client.poll(claim.person, claim.tokens, self._check_lease)
        _name_in_logs(waiter)
        await self._keep(waiter.name, answer.raw, call)

    def _check_lease(self) -> None:
        """Raises LeaseLost: we were stopped, or cut off, for so long that another may poll our sessions."""
        if not self._here.lease.is_held(self._owner_id):
            raise LeaseLost

    async def _keep(self, session_id: str, raw: bytes, call: Call) -> None:
        """Kept in memory until it is on disk: it is paid for, so a full disk must not lose it."""
        while True:
            try:
                call.write()
                await self._in_thread(self._here.tools.spool.put_incoming, session_id, DataType.HEALTH, raw)
            except Overtaken:
                raise
            except SpoolError as exc:
                log.error("paid_answer_not_on_disk", reason=exc.reason)  # noqa: TRY400 the reason says it all
                await asyncio.sleep(1)
            else:
                return

    async def _settle_approval(self, waiter: Waiter) -> float | None:
        _name_in_logs(waiter)
        waiter.answered = await self._in_thread(self._record_approval, waiter)
        if not waiter.answered:
            return settings.collection.poll_interval_seconds
        self._display.succeed(poll_id(waiter.claim.session_id), waiter.began, "approved")
        duration_ms = round((time.monotonic() - waiter.began) * 1000)
        log.info("step_done", step=Step.POLL_SIMPLE_AUTH, duration_ms=duration_ms)
        return None

    def _record_approval(self, waiter: Waiter) -> bool:
        """False when the answer on disk turned out to be damaged: then it has to be asked for again.

        An answer that is gone altogether may also have been recorded in a commit of which we never heard, and imported
        since: asking again would cost a second time.
        """
        count = find_count(self._here.tools.spool, waiter.name, DataType.HEALTH)
        with self._here.stores.unit_of_work() as work:
            if count is None:
                return not is_waiting(work, waiter.claim)
            record_approval(work, waiter.claim, count, self._here.tools)
        return True

    async def _note_not_approved(self, waiter: Waiter) -> float:
        waiter.polls += 1
        waiter.faults = 0
        if waiter.asked or (waiter.polls >= FAST_POLLS and not waiter.told):
            _name_in_logs(waiter)
            note = partial(note_not_approved, claim=waiter.claim, polls=waiter.polls, tools=self._here.tools)
            await self._in_unit(note)
            waiter.asked, waiter.told = False, waiter.polls >= FAST_POLLS
        return poll_delay(
            waiter.polls,
            interval_seconds=settings.collection.poll_interval_seconds,
            slow_max_seconds=settings.collection.poll_slow_max_seconds,
        )

    async def _note_error(self, waiter: Waiter, error: TilkoError) -> float | None:
        waiter.faults += 1
        # Not a secret: the spread keeps many sessions from coming back at once.
        chance, asked = random.random(), error.retry_after_seconds  # noqa: S311
        pause = retry_delay(_FAULTS_FORGIVEN, waiter.faults, chance=chance, asked_seconds=asked)
        if error.retryable and pause is not None:
            return pause.total_seconds()
        _name_in_logs(waiter)
        await self._in_unit(partial(record_poll_error, claim=waiter.claim, error=error, tools=self._here.tools))
        self._display.fail(poll_id(waiter.claim.session_id), error, retrying=False)
        return None

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        in_context = partial(copy_context().run, function, *args)
        return await asyncio.get_running_loop().run_in_executor(self._threads, in_context)

    async def _in_unit(self, function: Callable[[Work], T]) -> T:
        """Run a service function in a transaction, off the loop."""

        def unit() -> T:
            with self._here.stores.unit_of_work() as work:
                return function(work)

        return await self._in_thread(unit)


def _name_in_logs(waiter: Waiter) -> None:
    """Each poll is an asyncio task with a context of its own; few have anything to say."""
    claim = waiter.claim
    structlog.contextvars.bind_contextvars(session_id=waiter.name, request_id=claim.request_id)


async def serve() -> None:
    """Poll until SIGTERM."""
    here = build_runtime(settings, app, ProcessKind.POLLER)
    timeouts = Timeouts(checkups_seconds=settings.providers.tilko_checkups_timeout_seconds)
    client = AsyncTilkoClient(
        settings.providers.tilko_base_url,
        settings.providers.tilko_api_key,
        timeouts=timeouts,
        max_connections=_MAX_CONNECTIONS,
    )
    try:
        async with client:
            poller = Poller(here, client, StepDisplay(app, "poller@welno"))
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, poller.stopping.set)
            log.info("poller_started")
            await poller.run()
    finally:
        here.close()


def main() -> None:
    configure_logs(settings.processes.log_level, "poller")
    # Ten thousand sessions are a hundred thousand objects that stay, and each poll leaves a few behind: at the usual
    # thresholds a quarter of the time went into looking through them all.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
