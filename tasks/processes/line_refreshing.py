"""The thread of the sweeper process that follows the hospital's lines: woken through Redis, by its own clock without.

Of several sweepers the one that leads does it; the others wait for its lease to end.
"""

import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from core.logs import get_logger
from core.names import EXAM_PREFIX, ProcessKind
from services.database import find_unsuitable
from services.journey.estimates import RuleBasedEstimator
from services.journey.refresher import LineRefresher, list_exams, list_lively
from services.processes.leases import ProcessLeaseHolder, find_leader
from services.stores import Stores
from streams import StreamsError
from streams.wake import WakeChannel, WakeListener
from tasks.processes.refresh_schedule import RefreshSchedule

log = get_logger(__name__)

_LOOK_SECONDS = 1.0
_PREFIX = f"{EXAM_PREFIX}:"


class LineFollower:
    """One thread. `on_end` is called when it ends, however it does."""

    def __init__(self, stores: Stores, on_end: Callable[[], object]) -> None:
        self._stores = stores
        self._on_end = on_end
        self._lease = ProcessLeaseHolder(stores.engine, ProcessKind.REFRESHER, stores.settings.processes.lease_seconds)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line-follower", daemon=True)
        self._schedule = RefreshSchedule()
        self._refresher: LineRefresher | None = None
        self._looked_around_at = 0.0

    def start(self) -> bool:
        """False where it cannot work: its lease needs a session of the database."""
        if reason := find_unsuitable(self._stores.engine, needs_session=True):
            log.error("lines_not_followed", reason=reason)
            return False
        self._lease.start()
        self._thread.start()
        return True

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._lease.stop()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    with WakeChannel(self._stores.redis).listen() as listener:
                        self._follow(listener)
                except StreamsError as exc:
                    log.warning("lines_followed_by_clock", error=type(exc).__name__)
                    self._follow_alone()
        finally:
            self._on_end()

    def _follow(self, listener: WakeListener) -> None:
        """Raises StreamsError."""
        while not self._stopping.is_set():
            pause = self._schedule.pause_seconds(self._now(), _LOOK_SECONDS)
            while (name := listener.next_name(pause)) is not None:
                if name.startswith(_PREFIX):
                    self._schedule.wake(name.removeprefix(_PREFIX))
                pause = 0.0
            # One line a turn: whoever is called meanwhile does not wait behind all that the clock has found.
            self._turn(is_alone=False, most=1)

    def _follow_alone(self) -> None:
        """Until it is worth asking for Redis again."""
        self._turn(is_alone=True)
        self._stopping.wait(_LOOK_SECONDS)

    def _turn(self, *, is_alone: bool, most: int | None = None) -> None:
        """A database that is away ends the turn; the lines stay due by the clock."""
        try:
            if not self._leads():
                # What is due is the leader's: it would leave us no pause.
                self._schedule = RefreshSchedule()
                return
            for exam_id in self._schedule.take_due(self._now(), is_alone=is_alone, most=most):
                self._look_at(exam_id)
        except SQLAlchemyError as exc:
            log.warning("lines_not_refreshed", error=type(exc).__name__)
            self._stopping.wait(_LOOK_SECONDS)

    def _leads(self) -> bool:
        """Asked once a second; whoever has just become the leader begins with all lines."""
        if self._now() - self._looked_around_at < _LOOK_SECONDS:
            return self._refresher is not None and self._lease.is_held(self._lease.id)
        with self._stores.sessions() as session:
            leads = self._lease.is_held(find_leader(session, ProcessKind.REFRESHER))
            is_new = leads and self._refresher is None
            lively = list_lively(session) if leads else set()
            known = list_exams(session) if is_new else set()
        self._looked_around_at = self._now()
        if not leads:
            self._refresher = None
        if is_new:
            log.info("lines_followed", lines=len(known))
            self._refresher, self._schedule = self._build(), RefreshSchedule()
        self._schedule.note_lively(lively | known)
        return leads

    def _look_at(self, exam_id: str) -> None:
        if self._refresher is None:
            raise AssertionError("built when it became the leader")
        is_lively = self._refresher.refresh(exam_id)
        self._schedule.note_looked(exam_id, self._now(), is_lively=is_lively)

    def _build(self) -> LineRefresher:
        here = self._stores
        return LineRefresher(here.unit_of_work, here.settings.journey, here.clock, RuleBasedEstimator())

    def _now(self) -> float:
        return self._stores.clock.monotonic()
