"""The sweeper process: every half second it takes up what stands still. Several do no harm.

`python -m tasks.processes.sweeper`; SIGTERM ends it after the sweep under way.
"""

import signal
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from core.clock import clock
from core.logs import configure_logs, get_logger
from core.names import Queue
from services.collection.sealed_rows import count_row_keys
from services.collection.sweep import (
    expire_sessions,
    forget_dead_processes,
    resend_lost,
    resume_stopped,
    take_from_dead,
)
from services.delivery.event_sweep import StreamSweep
from services.delivery.partitions import keep_partitions
from services.delivery.unit_of_work import Work
from services.interviews.statistics import LATE_AFTER_SECONDS, read_statistics
from services.interviews.sweep import fail_hopeless, give_up_unsettled, send_unsettled
from services.interviews.sweep import send_due as send_due_interviews
from services.interviews.sweep import take_from_dead as take_interviews_from_dead
from services.patients.access_days import keep_access_days
from services.patients.consents import expire_consents
from services.patients.erasing import resend_erasures
from services.patients.exports import resend_exports
from services.sealed_columns import SECOND_FACTORS, count_keys
from services.stores import Stores
from streams import StreamsError
from tasks.app import app, settings
from tasks.broker import QueueGauge
from tasks.opening import open_stores
from tasks.processes.line_refreshing import LineFollower
from tasks.processes.round_schedule import RoundSchedule
from tasks.processes.stop_signal import StopSignal

log = get_logger(__name__)

_FORGET_EVERY = 1200  # sweeps
_RETRY_FORGETTING_AFTER = 120


class Sweeper:
    """One round after another until it is told to stop."""

    def __init__(self, stores: Stores, interval_seconds: float) -> None:
        self._stores = stores
        self._interval_seconds = interval_seconds
        self.stopping = StopSignal()
        self._housekeeping = RoundSchedule(_FORGET_EVERY, _RETRY_FORGETTING_AFTER)
        self._streams = StreamSweep(stores.sessions, stores.streams, stores.kinds, stores.sender)
        self._filled_at = time.monotonic()
        self._queue = QueueGauge(app, Queue.COLLECTION)
        self._interviews = QueueGauge(app, Queue.INTERVIEWS)
        self._has_late_interviews = False

    def run(self) -> None:
        while not self.stopping.is_set():
            self.sweep()
            self.stopping.wait(self._interval_seconds)

    def sweep(self) -> None:
        """One round. A store that is away ends the round; the next one tries again."""
        try:
            taken = self._part(take_from_dead)
            sent = self._part(partial(resend_lost, queue_is_empty=self._queue.is_empty()))
            resumed = self._part(resume_stopped)
            expired = self._part(expire_sessions)
            self._part(resend_erasures)
            self._part(resend_exports)
            self._sweep_interviews()
            filled = self._fill_streams()
            if self._housekeeping.is_due():
                self._keep_house()
                self._housekeeping.note_done()
        except (SQLAlchemyError, StreamsError) as exc:
            log.warning("sweep_failed", error=type(exc).__name__)
            return
        if taken or sent or resumed or expired or filled:
            log.info(
                "swept", taken_from_dead=taken, sent_again=sent, resumed=resumed, expired=expired, streams_filled=filled
            )

    def _part(self, part: Callable[[Work, datetime], int]) -> int:
        with self._stores.unit_of_work() as work:
            return part(work, clock.now())

    def _sweep_interviews(self) -> None:
        taken = self._part(take_interviews_from_dead)
        queue_is_empty = self._interviews.is_empty()
        sent = self._part(partial(send_due_interviews, queue_is_empty=queue_is_empty))
        sent += self._part(partial(send_unsettled, queue_is_empty=queue_is_empty))
        failed = fail_hopeless(self._stores.unit_of_work, clock.now())
        if taken or sent or failed:
            log.info("interviews_swept", taken_from_dead=taken, sent=sent, failed=failed)
        self._tell_of_late_interviews()

    def _tell_of_late_interviews(self) -> None:
        """Once, until none is late any more: nothing has failed, but somebody should look."""
        with self._stores.unit_of_work() as work:
            statistics = read_statistics(work.session, clock.now())
        is_late = statistics.oldest_waiting_seconds > LATE_AFTER_SECONDS
        if is_late and not self._has_late_interviews:
            log.error("interviews_wait_too_long", waiting=statistics.waiting)
        self._has_late_interviews = is_late

    def _keep_house(self) -> None:
        with self._stores.unit_of_work() as work:
            forget_dead_processes(work)
            expire_consents(work.session)
            give_up_unsettled(work, clock.now())
            used = count_row_keys(work.session) + count_keys(work.session, [SECOND_FACTORS])
        if missing := {name: rows for name, rows in used.items() if name not in self._stores.sealer.key_ids}:
            log.error("sealing_keys_missing", rows_by_key_id=missing)
        # Each by itself, and last: who dumps the database holds the locks for as long as that takes.
        with self._stores.unit_of_work() as work:
            keep_partitions(work.session, self._stores.kinds, clock.now().date())
        with self._stores.unit_of_work() as work:
            keep_access_days(work.session, clock.now().date(), self._stores.settings.stores.access_log_keep_days)

    def _fill_streams(self) -> int:
        filled = self._streams.run(time.monotonic() - self._filled_at)
        self._filled_at = time.monotonic()
        return filled


def main() -> None:
    configure_logs(settings.processes.log_level, "sweeper")
    stores = open_stores()
    sweeper = Sweeper(stores, settings.processes.sweep_interval_seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sweeper.stopping.set())
    follower = LineFollower(stores, sweeper.stopping.set)
    if settings.journey.is_on:
        follower.start()
    log.info("sweeper_started")
    sweeper.run()
    follower.stop()
    stores.close()


if __name__ == "__main__":
    main()
