"""When a loop does something that it does not do in each of its rounds."""

import time
from collections.abc import Callable


class IntervalSchedule:
    """Due at first, and so many seconds after it was done. Retried sooner, and not at once: the locks that it asks
    for may be held for long, and others wait behind each try. However often the loop asks."""

    def __init__(
        self, every_seconds: float, retry_after_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_seconds = every_seconds
        self._retry_after_seconds = retry_after_seconds
        self._monotonic = monotonic
        self._due_at = -float("inf")

    def is_due(self) -> bool:
        """Who hears yes and says no `note_done` has failed."""
        now = self._monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self._retry_after_seconds
        return True

    def note_done(self) -> None:
        self._due_at = self._monotonic() + self._every_seconds
