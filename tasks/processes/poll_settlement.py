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
from services.collection.run_engine import record_approval
from services.collection.waiting import end_without_consent, is_waiting, note_not_approved, record_poll_error
from spool import Call, DataType, Overtaken, SpoolError
from tasks.collection.step_events import StepEvents, poll_id
from tasks.processes.database_threads import DatabaseThreads
from tasks.processes.poll_schedule import PendingPoll, PollSchedule
from tasks.runtime import Runtime
from upstream.tilko.answers import DataAnswer
from upstream.tilko.errors import TilkoError

log = get_logger(__name__)

_MAX_FAULT_DELAY_SECONDS = 30.0
# A retryable fault of the provider is retried this often in a row, with growing delays, before the person is told.
_FAULT_ATTEMPTS = 8


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
        self._fault_retry = Retry(
            max_attempts=_FAULT_ATTEMPTS,
            base_seconds=settings.collection.step_retry_base_seconds,
            max_seconds=min(settings.collection.step_retry_max_seconds, _MAX_FAULT_DELAY_SECONDS),
        )

    async def settle_answer(self, poll: PendingPoll, call: Call, answer: DataAnswer) -> float | None:
        try:
            await self._store_answer(poll.session_text, answer.raw, call)
        finally:
            call.end()
        return await self.settle_answered(poll)

    async def settle_answered(self, poll: PendingPoll) -> float | None:
        poll.answer_on_disk = True
        self._schedule.mark_answered(poll.claim.session_id)
        return await self.settle_approval(poll)

    async def settle_approval(self, poll: PendingPoll) -> float | None:
        poll.answer_on_disk = await self._threads.run(self._record_approval, poll)
        if not poll.answer_on_disk:
            return self._settings.collection.poll_interval_seconds
        self._events.succeed(poll_id(poll.claim.session_id), poll.started, "approved")
        duration_ms = round((time.monotonic() - poll.started) * 1000)
        log.info("step_done", step=Step.POLL_SIMPLE_AUTH, duration_ms=duration_ms)
        return None

    def _record_approval(self, poll: PendingPoll) -> bool:
        """False when the answer on disk turned out to be damaged: then it has to be asked for again.

        An answer that is gone altogether may also have been recorded in a commit whose outcome we never learned, and
        imported since: asking again would cost a second time.
        """
        count = find_count(self._runtime.tools.spool, poll.session_text, DataType.HEALTH)
        with self._runtime.stores.unit_of_work() as work:
            if count is None:
                return not is_waiting(work, poll.claim)
            record_approval(work, poll.claim, count, self._runtime.tools)
        return True

    async def settle_without_consent(self, poll: PendingPoll) -> None:
        await self._threads.in_transaction(partial(end_without_consent, claim=poll.claim, tools=self._runtime.tools))
        self._events.revoke(poll_id(poll.claim.session_id))

    async def settle_not_approved(self, poll: PendingPoll) -> float:
        record = partial(note_not_approved, claim=poll.claim, polls=poll.polls, tools=self._runtime.tools)
        await self._threads.in_transaction(record)
        poll.collect_requested, poll.timeout_announced = False, poll.polls >= FAST_POLLS
        return self.delay_after(poll)

    def delay_after(self, poll: PendingPoll) -> float:
        return poll_delay(
            poll.polls,
            interval_seconds=self._settings.collection.poll_interval_seconds,
            slow_max_seconds=self._settings.collection.poll_slow_max_seconds,
        )

    async def settle_error(self, poll: PendingPoll, error: TilkoError) -> float | None:
        poll.faults += 1
        # Not a secret: the spread keeps many sessions from coming back at once.
        chance, retry_after = random.random(), error.retry_after_seconds  # noqa: S311
        delay = retry_delay(self._fault_retry, poll.faults, chance=chance, asked_seconds=retry_after)
        if error.retryable and delay is not None:
            return delay.total_seconds()
        record = partial(record_poll_error, claim=poll.claim, error=error, tools=self._runtime.tools)
        await self._threads.in_transaction(record)
        self._events.fail(poll_id(poll.claim.session_id), error, retrying=False)
        return None

    async def _store_answer(self, session_id: str, raw: bytes, call: Call) -> None:
        """Kept in memory until it is on disk: it is paid for, so a full disk must not lose it."""
        while True:
            try:
                call.write()
                await self._threads.run(self._runtime.tools.spool.put_incoming, session_id, DataType.HEALTH, raw)
            except Overtaken:
                raise
            except SpoolError as exc:
                log.error("paid_answer_not_on_disk", reason=exc.reason)  # noqa: TRY400 the reason is all there is
                await asyncio.sleep(1)
            else:
                return
