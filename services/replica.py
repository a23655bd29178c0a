"""Reads of a streaming replica, where its answer may be older than the primary's; who gets none asks the primary.

How old it is at most is known by the commit that the replica has replayed last: processes renew their leases, so there
is one every few seconds. One that is away, hangs, is too far behind or was promoted is left at once; after a pause one
reader tries it, and the others with it once it has answered. What a read must not miss, and what must be gone, is for
the caller to compare: `is_current`.

Errors: ReplicaUnused (retryable, on the primary).
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")

# Less than a primary's transaction, which may be open meanwhile, may rest.
WITHIN_SECONDS = 2.0
PAUSE_SECONDS = 5.0
_STATE = text("select pg_is_in_recovery(), pg_last_xact_replay_timestamp()")


class FallbackReason(StrEnum):
    """Why the primary has to be asked."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    LAGGING = "lagging"
    PROMOTED = "promoted"
    # Of what was asked for only; other reads go on.
    CHANGED = "changed"


class ReplicaUnused(Exception):
    """The replica gave no answer, or none that may be shown."""

    retryable = True

    def __init__(self, reason: FallbackReason) -> None:
        super().__init__(reason)
        self.reason = reason


def find_fault(
    *, is_standby: bool, replayed_until: datetime | None, now: datetime, max_lag: timedelta
) -> FallbackReason | None:
    """`replayed_until` is None where nothing was replayed since the start."""
    if not is_standby:
        return FallbackReason.PROMOTED
    if replayed_until is None or now - replayed_until > max_lag:
        return FallbackReason.LAGGING
    return None


class CircuitBreaker:
    """Open after a fault. `admits` then lets one try after each pause, and everybody once that has gone well."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next_try_at = 0.0
        self.fault: FallbackReason | None = None

    def admits(self) -> bool:
        with self._lock:
            if self.fault is None:
                return True
            if self._monotonic() < self._next_try_at:
                return False
            self._next_try_at = self._monotonic() + self._pause_seconds
            return True

    def note(self, fault: FallbackReason | None) -> None:
        """How a try went. Each change is logged once."""
        with self._lock:
            before, self.fault = self.fault, fault
            self._next_try_at = self._monotonic() + self._pause_seconds
        if fault is not None and fault is not before:
            log.warning("replica_left", reason=fault.value)
        elif fault is None and before is not None:
            log.info("replica_used_again")


class Replica:
    """Of one process. No connection is opened before the first read."""

    def __init__(self, engine: Engine, clock: Clock, max_lag_seconds: float) -> None:
        self._engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._clock = clock
        self._max_lag = timedelta(seconds=max_lag_seconds)
        self._breaker = CircuitBreaker()
        self._given_up: Future[Any] | None = None

    def read(
        self, read: Callable[[Session], T], is_current: Callable[[Session], bool] | None = None
    ) -> tuple[T, datetime]:
        """What `read` gives, and until when everything that was committed is in it. Both functions are called in a
        thread of their own, each statement in a transaction of its own. Raises ReplicaUnused."""
        if self._is_held_up() or not self._breaker.admits():
            raise ReplicaUnused(self._breaker.fault or FallbackReason.SLOW)
        try:
            found = self._read_in_time(lambda: self._read(read, is_current))
        except ReplicaUnused as exc:
            self._breaker.note(None if exc.reason is FallbackReason.CHANGED else exc.reason)
            raise
        self._breaker.note(None)
        return found

    def close(self) -> None:
        self._engine.dispose()

    def _is_held_up(self) -> bool:
        """While the reading hangs that was given up last, nobody begins another."""
        return self._given_up is not None and not self._given_up.done()

    def _read_in_time(self, read: Callable[[], T]) -> T:
        """In a thread, as libpq heeds no time-out where it does not block (gevent), and none while it waits for an
        answer."""
        reading: Future[T] = Future()
        threading.Thread(target=_settle, args=(reading, read), daemon=True).start()
        try:
            return reading.result(WITHIN_SECONDS)
        except TimeoutError:
            self._given_up = reading
            raise ReplicaUnused(FallbackReason.SLOW) from None

    def _read(self, read: Callable[[Session], T], is_current: Callable[[Session], bool] | None) -> tuple[T, datetime]:
        try:
            with self._sessions() as session:
                replayed_until = self._require_following(session)
                if is_current is not None and not is_current(session):
                    raise ReplicaUnused(FallbackReason.CHANGED)
                return read(session), replayed_until
        except SQLAlchemyError as exc:  # also a column that no migration has brought there yet
            raise ReplicaUnused(FallbackReason.UNREACHABLE) from exc

    def _require_following(self, session: Session) -> datetime:
        is_standby, replayed_until = session.execute(_STATE).one()
        fault = find_fault(
            is_standby=is_standby, replayed_until=replayed_until, now=self._clock.now(), max_lag=self._max_lag
        )
        if fault is not None:
            if fault is FallbackReason.PROMOTED:  # of several hosts another may be the standby now
                self._engine.dispose()
            raise ReplicaUnused(fault)
        at: datetime = replayed_until
        return at


def _settle(reading: "Future[T]", read: Callable[[], T]) -> None:
    try:
        reading.set_result(read())
    except BaseException as exc:  # noqa: BLE001 whoever waits raises it
        reading.set_exception(exc)
