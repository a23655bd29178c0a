"""What follows a poll: the answer is kept, the outcome recorded, and the delay until the next poll decided."""

import asyncio
import random
import time
from functools import partial

from core.logs import get_logger
from core.names import Step
from core.settings import Settings
from models.collection.run_states import FAST_POLLS, Retry, poll_delay, retry_delay
from services.collection.answers import find_count
from services.collection.paid_calls import CHECKUPS
from services.collection.run_engine import record_approval
from services.collection.waiting import (
    end_overdue,
    end_without_consent,
    is_waiting,
    note_not_approved,
    record_unreadable,
    record_verdict,
)
from spool import AnswerKind, DamagedFile, Room
from tasks.collection.step_events import StepEvents, poll_id
from tasks.processes.approval_faults import ApprovalFaults
from tasks.processes.database_threads import DatabaseThreads
from tasks.processes.poll_schedule import PendingPoll, PollSchedule
from tasks.runtime import Runtime
from upstream.http.exchange import HttpResponse
from upstream.tilko.errors import AnswerUnreadable, TilkoError

log = get_logger(__name__)

_MAX_FAULT_DELAY_SECONDS = 30.0


class PollSettlement:
    """Each method returns the seconds until the next poll, or None when the session waits no longer."""

    def __init__(
        self,
        runtime: Runtime,
        threads: DatabaseThreads,
        schedule: PollSchedule,
        events: StepEvents,
        settings: Settings,
    ) -> None:
        self._runtime = runtime
        self._threads = threads
        self._schedule = schedule
        self._events = events
        self._settings = settings
        self._faults = ApprovalFaults()
        collection = settings.collection
        base_seconds = max(collection.step_retry_base_seconds, collection.poll_interval_seconds)
        longest = max(base_seconds, min(collection.step_retry_max_seconds, _MAX_FAULT_DELAY_SECONDS))
        self._fault_retry = Retry(max_attempts=None, base_seconds=base_seconds, max_seconds=longest)

    async def settle_answer(self, poll: PendingPoll, response: HttpResponse, room: Room | None) -> float | None:
        """Keep it, then judge it."""
        # In a thread of its own: the disk may refuse for long, and the database's two are for all sessions.
        await asyncio.to_thread(self._runtime.tools.calls.keep, poll.claim, CHECKUPS, room, response)
        return await self.settle_answered(poll)

    async def settle_answered(self, poll: PendingPoll) -> float | None:
        poll.answer_on_disk = True
        self._schedule.mark_answered(poll)
        return await self.settle_approval(poll)

    async def settle_login(self, poll: PendingPoll) -> float | None:
        """The phone has approved, and a worker fetches the data."""
        record = partial(record_approval, claim=poll.claim, health_count=None, tools=self._runtime.tools)
        if await self._threads.in_transaction(record):
            self._tell_approved(poll)
        return None

    async def settle_approval(self, poll: PendingPoll) -> float | None:
        """Raises TilkoError for what is on disk and turns out to be no answer: it is dropped, and counts as a poll."""
        try:
            # Off the database's threads, too: a store that is away holds them up for seconds.
            count = await asyncio.to_thread(find_count, self._runtime.tools.spool, poll.session_text, AnswerKind.HEALTH)
            poll.answer_on_disk = await self._threads.run(self._record_approval, poll, count)
        except (AnswerUnreadable, DamagedFile) as exc:
            await self._settle_unreadable(poll, exc)
            return None
        except TilkoError:
            await asyncio.to_thread(self._runtime.tools.spool.drop_incoming, poll.session_text, AnswerKind.HEALTH)
            poll.answer_on_disk = False
            raise
        if not poll.answer_on_disk:
            return self._settings.collection.poll_interval_seconds
        self._tell_approved(poll)
        return None

    def _tell_approved(self, poll: PendingPoll) -> None:
        self._events.succeed(poll_id(poll.claim.session_id), poll.started, "approved")
        duration_ms = round((time.monotonic() - poll.started) * 1000)
        log.info("step_done", step=Step.POLL_SIMPLE_AUTH, duration_ms=duration_ms)

    def _record_approval(self, poll: PendingPoll, count: int | None) -> bool:
        """False when the answer is gone, and has to be asked for again.

        It may also have been recorded in a commit whose outcome we never learned, and imported since: asking again
        would cost a second time.
        """
        with self._runtime.stores.unit_of_work() as work:
            if count is None:
                return not is_waiting(work, poll.claim)
            record_approval(work, poll.claim, count, self._runtime.tools)
        return True

    async def _settle_unreadable(self, poll: PendingPoll, error: AnswerUnreadable | DamagedFile) -> None:
        record = partial(record_unreadable, claim=poll.claim, error=error, tools=self._runtime.tools)
        await self._threads.in_transaction(record)
        reason = error.reason if isinstance(error, AnswerUnreadable) else f"damaged_{error.reason}"
        park = self._runtime.tools.spool.park_incoming
        parked = await self._threads.run(park, poll.session_text, AnswerKind.HEALTH, reason)
        log.error("paid_answer_parked", call=CHECKUPS.name, reason=reason, file=parked.name)
        self._events.fail(poll_id(poll.claim.session_id), error, retrying=False)

    async def settle_without_consent(self, poll: PendingPoll) -> None:
        await self._threads.in_transaction(partial(end_without_consent, claim=poll.claim, tools=self._runtime.tools))
        self._events.revoke(poll_id(poll.claim.session_id))

    async def settle_overdue(self, poll: PendingPoll) -> None:
        await self._threads.in_transaction(partial(end_overdue, claim=poll.claim, tools=self._runtime.tools))
        self._events.revoke(poll_id(poll.claim.session_id))

    async def settle_not_approved(self, poll: PendingPoll, delay: float) -> float:
        """Tell the person, and ask again after the delay."""
        record = partial(note_not_approved, claim=poll.claim, polls=poll.polls, tools=self._runtime.tools)
        await self._threads.in_transaction(record)
        poll.collect_requested, poll.timeout_announced = False, poll.polls >= FAST_POLLS
        return delay

    def delay_after(self, poll: PendingPoll) -> float:
        return poll_delay(
            poll.polls,
            interval_seconds=self._settings.collection.poll_interval_seconds,
            slow_max_seconds=self._settings.collection.poll_slow_max_seconds,
        )

    def delay_after_fault(self, poll: PendingPoll, error: TilkoError) -> float:
        """Nothing was said of the person, so nothing ends here: ask again, less and less often."""
        self._faults.note(error)
        poll.faults += 1
        # Not a secret: the spread keeps many sessions from coming back at once.
        chance, retry_after = random.random(), error.retry_after_seconds  # noqa: S311
        delay = retry_delay(self._fault_retry, poll.faults, chance=chance, asked_seconds=retry_after)
        if delay is None:
            raise AssertionError("these are tried for as long as it takes")
        return delay.total_seconds()

    async def settle_verdict(self, poll: PendingPoll, error: TilkoError) -> None:
        """The wait ends with what the provider says of the person."""
        record = partial(record_verdict, claim=poll.claim, error=error, tools=self._runtime.tools)
        await self._threads.in_transaction(record)
        self._events.fail(poll_id(poll.claim.session_id), error, retrying=False)
