"""The one source of wall-clock time, which tests can set."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC now, and monotonic seconds for durations."""

    def __init__(self) -> None:
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        return self._frozen_at or datetime.now(UTC)

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
