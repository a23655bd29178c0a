"""The poller process: thousands of sessions that wait for their phones, on one asyncio loop, without a worker.

`python -m tasks.processes.poller`. A poll is a LoginCheck, which brings nothing but yes or no; a worker then fetches
the data. Where the provider has no LoginCheck the poll is a data call, and the one that succeeds has brought (and paid
for) the checkups: they are on disk before the approval is recorded. Several pollers share the sessions; those of a
poller that died are taken by the others. SIGTERM hands everything back.
"""

import asyncio
import gc
import signal
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.clock import clock
from core.logs import configure_logs, get_logger
from core.names import ProcessKind, Step
from core.settings import Settings
from models.collection.run_states import APPROVAL_PROPAGATION_DELAY, FAST_POLLS, is_past_last_check, lacks_consent
from services.collection.waiting import asked_now, expire_waiting, give_back, let_go
from services.processes.leases import LeaseLost
from spool import SpoolError
from tasks.app import app, settings
from tasks.collection.step_events import StepEvents, poll_id
from tasks.opening import require_direct_database
from tasks.processes.data_call_preparation import DataCallPreparation
from tasks.processes.database_threads import DatabaseThreads
from tasks.processes.poll_schedule import PendingPoll, PollSchedule
from tasks.processes.poll_settlement import PollSettlement
from tasks.processes.taken_sessions import TakenSessions
from tasks.runtime import Runtime, build_runtime
from upstream.http.exchange import HttpResponse
from upstream.tilko.approval_paths import ApprovalPath, ApprovalPaths
from upstream.tilko.async_client import Answer, AsyncTilkoClient
from upstream.tilko.client import Timeouts
from upstream.tilko.errors import Declined, EndpointMissing, NotApproved, NotRegistered, TilkoError, WrongPersonalData

log = get_logger(__name__)

_REFRESH_SECONDS = 0.25
# What falls due within this leaves together: waking up for each poll would cost a tenth of it.
_BATCH_SECONDS = 0.005
_MAX_CONNECTIONS = 500
_AFTER_MISTAKE_SECONDS = 30.0
_BLOCKED_SECONDS = 0.05
_STOP_GRACE_SECONDS = 4
# A change is committed within so long after its moment in the row; a refresh that failed for longer loses the lease.
_CHANGES_SECONDS = 10.0
# What the provider may say of the person. Nothing else ends a wait before its time.
_VERDICTS = (Declined, WrongPersonalData, NotRegistered)


class Poller:
    """Keeps the schedule in memory; PostgreSQL knows which sessions wait and which poller holds them."""

    def __init__(self, runtime: Runtime, client: AsyncTilkoClient, events: StepEvents, settings: Settings) -> None:
        self._runtime = runtime
        self._client = client
        self._events = events
        self._settings = settings
        self._schedule = PollSchedule()
        self._paths = ApprovalPaths(settings.providers.tilko_approval_check)
        self._threads = DatabaseThreads(runtime.stores)
        self._settlement = PollSettlement(runtime, self._threads, self._schedule, events, settings)
        self._taken = TakenSessions(runtime.stores, runtime.tools)
        self._preparation = DataCallPreparation(runtime.tools.spool)
        self._calls: set[asyncio.Future[Any]] = set()  # polls under way, and what settles them
        self._paid: set[asyncio.Future[Any]] = set()  # those of them that may be paid for
        self._asked: set[str] = set()  # sessions of those, also of an earlier lease
        self._owner_id: int | None = None
        self._may_own_some = False  # sessions: taken since, or there at the last look, also some that had ended
        self._has_taken = asyncio.Event()  # sessions whose answers are to be looked for
        self._woken: asyncio.Future[None] | None = None
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        loops = [asyncio.create_task(loop()) for loop in (self._refresh_loop, self._look_loop, self._dispatch_loop)]
        stopped = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
        broken = [task for task in loops if task.done()]
        for task in loops:
            task.cancel()
        await self._stop()
        for task in broken:
            task.result()  # a loop that ended by itself is a bug: let the process die of it, visibly

    async def _stop(self) -> None:
        """Let everything under way end that does so soon, and what may be paid for however long it takes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STOP_GRACE_SECONDS
        if self._paid:
            log.info("waits_for_calls_under_way", count=len(self._paid))
        while self._calls and loop.time() < deadline:  # one that brings an answer is followed by one that keeps it
            await asyncio.wait(self._calls, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED)
        while self._paid:
            await asyncio.wait(self._paid, return_when=asyncio.FIRST_COMPLETED)
        self._preparation.close()
        if self._owner_id is not None:
            await self._threads.in_transaction(partial(give_back, owner_id=self._owner_id))
        self._threads.shutdown()
        self._events.flush()

    async def _refresh_loop(self) -> None:
        """Take new sessions; learn of those that were deleted or asked anew, or whose person says to have approved."""
        while True:
            try:
                await self._refresh()
            except SQLAlchemyError as exc:
                log.warning("poller_refresh_failed", error=type(exc).__name__)
            self._wake()
            await asyncio.sleep(_REFRESH_SECONDS)

    async def _look_loop(self) -> None:
        """Not of the refresh: a store that is away holds up a look for seconds, and what has ended is not polled
        meanwhile. Woken by each refresh, which is the pause after a fault, too."""
        while True:
            await self._has_taken.wait()
            self._has_taken.clear()
            found = await asyncio.to_thread(self._taken.look_for_answers, self._taken.waiting)
            for poll in self._taken.release(found):
                self._schedule.add(poll)
            self._wake()

    async def _refresh(self) -> None:
        owner_id = self._runtime.lease.id
        if owner_id != self._owner_id:
            # A new lease is a new poller: whatever the old one held may be another's by now.
            self._schedule.clear()
            self._taken.clear()
            self._owner_id = owner_id
        if owner_id is None:
            return
        if self._may_own_some:  # a look for nothing, each quarter of a second, costs a lot
            has_some = len(self._schedule) > 0 or bool(self._taken.session_ids)
            self._may_own_some = await self._drop_ended(owner_id) or has_some
        try:
            self._taken.add(await self._threads.run(self._taken.take, owner_id))
        except SQLAlchemyError:
            # The commit may have gone through all the same: then they are ours, and nobody would ever poll them.
            self._runtime.lease.renounce()
            raise
        if self._taken.session_ids:
            self._may_own_some = True
            self._has_taken.set()

    async def _drop_ended(self, owner_id: int) -> bool:
        """Sessions that wait no longer, and whether there were any; their rows are let go by the next look. Those whose
        person says to have approved are asked about at once."""
        window = _CHANGES_SECONDS + self._settings.processes.lease_seconds
        # Whose answer may be on the disk, and cannot be looked for just now, does not end either.
        asked = self._schedule.asked(clock.now()) | self._taken.session_ids
        (ended, moved_on), expired, requested = await self._threads.in_transaction(
            lambda work: (
                let_go(work, owner_id, within_seconds=window),
                expire_waiting(work, owner_id, asked, clock.now()),
                asked_now(work.session, owner_id),
            )
        )
        over = (*ended, *expired, *moved_on)
        dropped = self._taken.drop(over)
        for session_id in over:
            if self._schedule.remove(session_id) or session_id in dropped:
                self._events.revoke(poll_id(session_id))
        for session_id in requested:
            self._schedule.poll_now(session_id)
        return bool(over)

    async def _dispatch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for poll in self._schedule.take_due():
                self._start(poll)
            delay = min(self._schedule.seconds_until_next(_REFRESH_SECONDS), _REFRESH_SECONDS)
            self._woken = loop.create_future()
            timer = loop.call_later(max(delay, _BATCH_SECONDS), self._wake)
            await self._woken
            timer.cancel()

    def _wake(self) -> None:
        """Something may be due sooner than was known."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _start(self, poll: PendingPoll) -> None:
        """Whatever happens, the session is either settled or scheduled again.

        A poll that finds nothing new has no task of its own: at thousands a second that would cost as much as sending
        it.
        """
        try:
            self._send_or_settle(poll)
        except Exception as exc:  # noqa: BLE001 logged there
            self._reschedule_after(exc, poll)

    def _send_or_settle(self, poll: PendingPoll) -> None:
        if poll.answer_on_disk:
            self._spawn(poll, self._settlement.settle_approval(poll))
            return
        if lacks_consent(Step.POLL_SIMPLE_AUTH, poll.claim.consents_until, clock.now()):
            self._spawn(poll, self._end_without_consent(poll))
            return
        if poll.last_checked:
            self._spawn(poll, self._settlement.settle_overdue(poll))
            return
        path = self._paths.choose()
        if path is ApprovalPath.DATA_CALL:
            self._send_data_call(poll)
            return
        claim = poll.claim
        poll.last_checked = self._is_past_last_check(poll)
        outcome = self._client.check_login(claim.person, claim.tokens, path.value, self._require_lease)
        self._calls.add(outcome)
        outcome.add_done_callback(partial(self._on_login_check, poll, path))

    def _on_login_check(self, poll: PendingPoll, path: ApprovalPath, outcome: asyncio.Future[Answer]) -> None:
        self._calls.discard(outcome)
        if outcome.cancelled():
            return
        error = outcome.exception()
        if isinstance(error, EndpointMissing):
            self._look_elsewhere(poll, path, error)
            return
        if error is not None:
            self._on_error(poll, error)
            return
        self._paths.note_present(path)
        if outcome.result():
            poll.last_checked = False  # while this cannot be written the phone is asked again, for nothing
            self._spawn(poll, self._settlement.settle_login(poll))
        else:
            self._on_not_approved(poll)

    def _look_elsewhere(self, poll: PendingPoll, path: ApprovalPath, error: EndpointMissing) -> None:
        if self._paths.note_missing(path):
            log.warning("approval_path_missing", path=path.value)
        if self._paths.all_missing:
            self._on_error(poll, error)
        else:
            poll.last_checked = False
            self._reschedule(poll, 0)

    def _send_data_call(self, poll: PendingPoll) -> None:
        if not self._preparation.is_ready(poll):
            self._spawn(poll, self._prepare_data_call(poll))
            return
        if not self._may_ask(poll):
            self._reschedule(poll, _BLOCKED_SECONDS)
            return
        poll.last_checked = self._is_past_last_check(poll)
        outcome = self._client.poll(poll.claim.person, poll.claim.tokens, self._require_lease)
        self._calls.add(outcome)
        self._paid.add(outcome)
        self._asked.add(poll.session_text)
        outcome.add_done_callback(partial(self._on_data, poll))

    async def _prepare_data_call(self, poll: PendingPoll) -> float | None:
        if await self._preparation.finds_answer(poll, self._may_ask):
            return await self._settlement.settle_answered(poll)
        return 0 if poll.incoming_checked else _BLOCKED_SECONDS

    async def _end_without_consent(self, poll: PendingPoll) -> float | None:
        """Unless the checkups are on disk, or may still come there by another process: they were paid for while the
        consents held, so they are saved, and nobody is asked."""
        may_come = self._may_be_under_way(poll)
        if await self._preparation.finds_answer(poll, lambda _: False):
            return await self._settlement.settle_answered(poll)
        if may_come:
            return _BLOCKED_SECONDS
        await self._settlement.settle_without_consent(poll)
        return None

    def _on_data(self, poll: PendingPoll, outcome: asyncio.Future[Answer]) -> None:
        self._calls.discard(outcome)
        self._paid.discard(outcome)
        self._asked.discard(poll.session_text)
        error = None if outcome.cancelled() else outcome.exception()
        if error is None and not outcome.cancelled():
            answer = outcome.result()
            assert isinstance(answer, HttpResponse)
            kept = self._spawn(poll, self._settlement.settle_answer(poll, answer, self._preparation.take_room()))
            self._paid.add(kept)
            kept.add_done_callback(self._paid.discard)
            return
        if error is not None:
            self._on_error(poll, error)

    def _on_error(self, poll: PendingPoll, error: BaseException) -> None:
        if isinstance(error, NotApproved):
            self._on_not_approved(poll)
        elif isinstance(error, _VERDICTS):
            self._spawn(poll, self._settlement.settle_verdict(poll, error))
        elif isinstance(error, TilkoError):
            poll.polls += 1  # asked, whatever came of it: the person hears after five that it takes long
            self._tell_or_reschedule(poll, self._settlement.delay_after_fault(poll, error))
        else:
            self._reschedule_after(error, poll)

    def _on_not_approved(self, poll: PendingPoll) -> None:
        poll.polls += 1
        poll.faults = 0
        self._tell_or_reschedule(poll, self._settlement.delay_after(poll))

    def _tell_or_reschedule(self, poll: PendingPoll, delay: float) -> None:
        if poll.last_checked:
            self._spawn(poll, self._settlement.settle_overdue(poll))
        elif self._is_past_last_check(poll):  # asked before its last moment, which has passed meanwhile
            self._reschedule(poll, 0)
        elif poll.collect_requested or (poll.polls >= FAST_POLLS and not poll.timeout_announced):
            self._spawn(poll, self._settlement.settle_not_approved(poll, delay))
        else:
            self._reschedule(poll, delay)

    def _spawn(self, poll: PendingPoll, settling: Coroutine[None, None, float | None]) -> asyncio.Task[None]:
        """Settle in a task, and schedule the next poll as it says."""
        task = asyncio.create_task(self._settle(poll, settling))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    async def _settle(self, poll: PendingPoll, settling: Coroutine[None, None, float | None]) -> None:
        _bind_log_context(poll)
        try:
            delay = await settling
        except TilkoError as exc:  # what was kept says no more than any other poll
            self._on_error(poll, exc)
        except Exception as exc:  # noqa: BLE001 logged there
            self._reschedule_after(exc, poll)
        else:
            self._reschedule(poll, delay)

    def _reschedule_after(self, error: BaseException, poll: PendingPoll) -> None:
        with structlog.contextvars.bound_contextvars(**_log_context(poll)):
            if isinstance(error, LeaseLost):
                poll.last_checked = False  # nothing was sent: the last check is that of whoever takes the session
            if isinstance(error, SQLAlchemyError | SpoolError | LeaseLost):
                log.warning("poll_not_settled", error=type(error).__name__)
                self._reschedule(poll, self._settings.collection.poll_interval_seconds)
            else:
                log.error("poll_failed_unexpectedly", exc_info=error)
                self._reschedule(poll, _AFTER_MISTAKE_SECONDS)

    def _reschedule(self, poll: PendingPoll, delay: float | None) -> None:
        """None when this session waits no longer. When the request ends, and once all that was approved until then has
        been heard of, it is looked for, however long the pause was to be."""
        if delay is not None and poll.claim.approve_by is not None:
            left = (poll.claim.approve_by - clock.now()).total_seconds()
            ahead = [seconds for seconds in (left, left + APPROVAL_PROPAGATION_DELAY.total_seconds()) if seconds > 0]
            delay = min(delay, *(ahead or [self._settings.collection.poll_interval_seconds]))
        self._schedule.reschedule(poll, delay)
        if delay is not None and delay < _REFRESH_SECONDS:
            self._wake()  # sooner than the schedule is read anyway

    def _is_past_last_check(self, poll: PendingPoll) -> bool:
        return is_past_last_check(poll.claim.approve_by, clock.now())

    def _may_be_under_way(self, poll: PendingPoll) -> bool:
        """Whether a call of another process may be, or one of ours under a lease that was lost since."""
        if poll.session_text not in self._asked and time.monotonic() >= poll.blocked_until:
            return False
        poll.incoming_checked = False
        return True

    def _may_ask(self, poll: PendingPoll) -> bool:
        """Not while such a call may be under way; nor before all others know that ours may be."""
        if self._may_be_under_way(poll):
            return False
        collection, providers = self._settings.collection, self._settings.providers
        return self._runtime.lease.announce_calls(
            providers.tilko_checkups_timeout_seconds + collection.call_margin_seconds
        )

    def _require_lease(self) -> None:
        """Raises LeaseLost: we were stopped, or cut off, for so long that another may poll our sessions."""
        if not self._runtime.lease.is_held(self._owner_id):
            raise LeaseLost


def _bind_log_context(poll: PendingPoll) -> None:
    """Each task has a context of its own."""
    structlog.contextvars.bind_contextvars(**_log_context(poll))


def _log_context(poll: PendingPoll) -> dict[str, str]:
    return {"session_id": poll.session_text, "request_id": poll.claim.request_id}


async def serve(settings: Settings) -> None:
    """Poll until SIGTERM."""
    runtime = build_runtime(settings, app, ProcessKind.POLLER)
    timeouts = Timeouts(checkups_seconds=settings.providers.tilko_checkups_timeout_seconds)
    client = AsyncTilkoClient(
        settings.providers.tilko_base_url,
        settings.providers.tilko_api_key,
        timeouts=timeouts,
        max_connections=_MAX_CONNECTIONS,
    )
    try:
        async with client:
            poller = Poller(runtime, client, StepEvents(app, "poller@welno"), settings)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, poller.stopping.set)
            log.info("poller_started")
            await poller.run()
    finally:
        runtime.close()


def main() -> None:
    configure_logs(settings.processes.log_level, "poller")
    require_direct_database()
    # Ten thousand sessions are a hundred thousand objects that stay, and each poll leaves a few behind: at the usual
    # thresholds the collector took a quarter of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
