"""The one source of wall-clock time: the database's once it has been asked, so that all hosts go by one clock. Tests
can set it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Two hosts that follow the same clock may be apart by the time that the answers took, milliseconds; with this much to
# spare no decision waits for the difference.
CLOCK_TOLERANCE = timedelta(seconds=0.25)
# How much an oscillator may be off, generously: what a reading loses of its worth per second.
_DRIFT = 1e-4
_READ_AGAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _ClockSample:
    """What the followed clock said at a moment of our monotonic one, give or take."""

    at: datetime
    monotonic: float
    error_seconds: float

    def time_at(self, monotonic: float) -> datetime:
        return self.at + timedelta(seconds=monotonic - self.monotonic)

    def is_better_than(self, other: "_ClockSample") -> bool:
        """More exact than the other by now; or the followed clock was set since."""
        apart = abs((self.at - other.time_at(self.monotonic)).total_seconds())
        error_by_now = other.error_seconds + (self.monotonic - other.monotonic) * _DRIFT
        return self.error_seconds <= error_by_now or apart > self.error_seconds + error_by_now


class Clock:
    """Aware UTC now, and monotonic seconds for durations.

    The host's own wall clock counts only until another one is followed; from then on it may be wrong, or set, without
    any effect.
    """

    def __init__(self) -> None:
        self._frozen_at: datetime | None = None
        self._reading: _ClockSample | None = None
        self._read_at = float("-inf")

    def now(self) -> datetime:
        if self._frozen_at is not None:
            return self._frozen_at
        return self._reading.time_at(time.monotonic()) if self._reading else datetime.now(UTC)

    def follow(self, at: datetime, *, asked: float, answered: float) -> None:
        """Go by a clock that said `at` at some moment between these two, of `monotonic`. Of several readings the most
        exact counts."""
        reading = _ClockSample(at.astimezone(UTC), (asked + answered) / 2, (answered - asked) / 2)
        self._read_at = answered
        if self._reading is None or reading.is_better_than(self._reading):
            self._reading = reading

    def wants_reading(self) -> bool:
        """Whether the followed clock should be asked again."""
        return time.monotonic() - self._read_at > _READ_AGAIN_SECONDS

    def monotonic(self) -> float:
        return time.monotonic()

    @contextmanager
    def frozen(self, at: datetime) -> Iterator["Clock"]:
        """Stand still at an aware moment until the block ends; `advance` moves it."""
        if at.tzinfo is None:
            message = "the clock takes aware datetimes only"
            raise ValueError(message)
        before, self._frozen_at = self._frozen_at, at.astimezone(UTC)
        try:
            yield self
        finally:
            self._frozen_at = before

    def advance(self, delta: timedelta) -> None:
        if self._frozen_at is None:
            message = "only a frozen clock can be advanced"
            raise RuntimeError(message)
        self._frozen_at += delta


clock = Clock()
