"""A timer wheel: tens of thousands of deadlines, one timer of the loop."""

import math
import time
from collections.abc import Callable
from typing import Protocol


class Timed(Protocol):
    """Something with deadlines. `due_tick` belongs to the timer wheel; 0 means not on it."""

    due_tick: int

    def on_due(self, now: float) -> float | None:
        """A deadline may have passed; answers when to be asked again, None for never."""


class TimerWheel:
    """Fires up to one `resolution_seconds` late, never early. Not thread-safe: belongs to its loop."""

    def __init__(self, resolution_seconds: float = 0.25, now: Callable[[], float] = time.monotonic) -> None:
        self.resolution_seconds = resolution_seconds
        self._now = now
        self._slots: dict[int, list[Timed]] = {}
        self._current_tick = self._tick(now())

    def put(self, entry: Timed, due: float) -> None:
        """Ask `entry` at `due`. A later time than the one it already waits for changes nothing."""
        tick = max(self._tick(due) + 1, self._current_tick + 1)
        if entry.due_tick and entry.due_tick <= tick:
            return
        entry.due_tick = tick  # an entry left in a later slot is recognised there by its other tick
        self._slots.setdefault(tick, []).append(entry)

    def advance(self) -> None:
        now = self._now()
        while self._current_tick < self._tick(now):
            self._current_tick += 1
            for entry in self._slots.pop(self._current_tick, ()):
                self._fire(entry, now)

    def _fire(self, entry: Timed, now: float) -> None:
        if entry.due_tick != self._current_tick:
            return
        entry.due_tick = 0
        due = entry.on_due(now)
        if due is not None:
            self.put(entry, due)

    def _tick(self, moment: float) -> int:
        return math.floor(moment / self.resolution_seconds)
