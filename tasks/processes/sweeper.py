"""The sweeper process: every half second it takes up what stands still. Several do no harm.

`python -m tasks.processes.sweeper`; SIGTERM ends it after the sweep under way.
"""

import signal
import time
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from core.clock import clock
from core.logs import configure_logs, get_logger
from core.names import Queue
from services.collection import sweep as runs
from services.collection.sealed_rows import count_row_keys
from services.delivery.event_sweep import StreamSweep
from services.delivery.partitions import keep_partitions
from services.delivery.unit_of_work import Work
from services.interviews import sweep as interviews
from services.interviews.statistics import LATE_AFTER_SECONDS, read_statistics
from services.patients.access_days import keep_access_days
from services.patients.consents import expire_consents
from services.patients.erasing import resend_erasures, standing_still
from services.patients.exports import built_by_nobody, resend_exports
from services.processes.sweep_parts import SweepPart, find_due, in_one_unit
from services.sealed_columns import SECOND_FACTORS, count_keys
from services.stores import Stores
from streams import StreamsError
from tasks.app import app, settings
from tasks.broker import QueueGauge
from tasks.opening import open_stores
from tasks.processes.interval_schedule import IntervalSchedule
from tasks.processes.line_refreshing import LineFollower
from tasks.processes.stop_signal import StopSignal

log = get_logger(__name__)

_HOUSEKEEPING_EVERY_SECONDS = 600.0
_RETRY_HOUSEKEEPING_AFTER_SECONDS = 60.0
_LATENESS_EVERY_SECONDS = 10.0


class Sweeper:
    """One round after another until it is told to stop."""

    def __init__(self, stores: Stores, interval_seconds: float) -> None:
        self._stores = stores
        self._interval_seconds = interval_seconds
        self.stopping = StopSignal()
        self._housekeeping = IntervalSchedule(_HOUSEKEEPING_EVERY_SECONDS, _RETRY_HOUSEKEEPING_AFTER_SECONDS)
        self._lateness = IntervalSchedule(_LATENESS_EVERY_SECONDS, _LATENESS_EVERY_SECONDS)
        self._streams = StreamSweep(stores.sessions, stores.streams, stores.kinds, stores.sender)
        self._filled_at = time.monotonic()
        self._queue = QueueGauge(app, Queue.COLLECTION)
        self._interviews = QueueGauge(app, Queue.INTERVIEWS)
        self._has_late_interviews = False
        self._parts = self._list_parts()

    def run(self) -> None:
        while not self.stopping.is_set():
            self.sweep()
            self.stopping.wait(self._interval_seconds)

    def sweep(self) -> None:
        """One round. A store that is away ends the round; the next one tries again."""
        try:
            found = self._run_parts()
            if filled := self._fill_streams():
                found["streams_filled"] = filled
            self._tell_of_late_interviews()
            if self._housekeeping.is_due():
                self._keep_house()
                self._housekeeping.note_done()
        except (SQLAlchemyError, StreamsError) as exc:
            log.warning("sweep_failed", error=type(exc).__name__)
            return
        if found:
            log.info("swept", **found)

    def _list_parts(self) -> list[SweepPart]:
        return [
            SweepPart("taken_from_dead", runs.held_by_dead, in_one_unit(runs.take_from_dead)),
            SweepPart("sent_again", runs.due_or_sent, in_one_unit(self._resend_lost)),
            SweepPart("resumed", runs.stopped_while_saving, in_one_unit(runs.resume_stopped)),
            SweepPart("expired", runs.beyond_their_time, in_one_unit(runs.expire_sessions)),
            SweepPart("erasures_sent", standing_still, in_one_unit(resend_erasures)),
            SweepPart("exports_sent", built_by_nobody, in_one_unit(resend_exports)),
            SweepPart("interviews_taken_from_dead", interviews.held_by_dead, in_one_unit(interviews.take_from_dead)),
            SweepPart("interviews_sent", interviews.due, in_one_unit(self._send_interviews)),
            SweepPart("calls_sent", interviews.unsettled, in_one_unit(self._send_unsettled)),
            SweepPart("interviews_failed", interviews.hopeless, interviews.fail_hopeless),
        ]

    def _run_parts(self) -> dict[str, int]:
        """What was found, of the parts that found something."""
        with self._stores.unit_of_work() as work:
            due = find_due(work.session, self._parts, clock.now())
        found: dict[str, int] = {}
        for part in due:
            if count := part.run(self._stores.unit_of_work, clock.now()):
                found[part.name] = count
        return found

    def _resend_lost(self, work: Work, now: datetime) -> int:
        return runs.resend_lost(work, now, queue_is_empty=self._queue.is_empty())

    def _send_interviews(self, work: Work, now: datetime) -> int:
        return interviews.send_due(work, now, queue_is_empty=self._interviews.is_empty())

    def _send_unsettled(self, work: Work, now: datetime) -> int:
        return interviews.send_unsettled(work, now, queue_is_empty=self._interviews.is_empty())

    def _tell_of_late_interviews(self) -> None:
        """Once, until none is late any more: nothing has failed, but somebody should look."""
        if not self._lateness.is_due():
            return
        with self._stores.unit_of_work() as work:
            statistics = read_statistics(work.session, clock.now())
        is_late = statistics.oldest_waiting_seconds > LATE_AFTER_SECONDS
        if is_late and not self._has_late_interviews:
            log.error("interviews_wait_too_long", waiting=statistics.waiting)
        self._has_late_interviews = is_late

    def _keep_house(self) -> None:
        with self._stores.unit_of_work() as work:
            runs.forget_dead_processes(work)
            expire_consents(work.session)
            interviews.give_up_unsettled(work, clock.now())
            used = count_row_keys(work.session) + count_keys(work.session, [SECOND_FACTORS])
        if missing := {name: rows for name, rows in used.items() if name not in self._stores.sealer.key_ids}:
            log.error("sealing_keys_missing", rows_by_key_id=missing)
        with self._stores.unit_of_work() as work:
            self._streams.keep_rewritten(work.session)
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
