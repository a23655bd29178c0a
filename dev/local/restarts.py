"""Decides when a process that died is started again: at once, then with growing delays, forgiven after a good while."""

from dataclasses import dataclass, field

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_FORGIVEN_AFTER_SECONDS = 60.0


@dataclass
class Restarts:
    """The history of one process. All moments are monotonic seconds."""

    failures: int = 0
    started_at: float = field(default=0.0)
    due_at: float | None = None

    def note_start(self, now: float) -> None:
        self.started_at, self.due_at = now, None

    def note_death(self, now: float) -> float:
        """The delay until the next start, in seconds."""
        if now - self.started_at >= _FORGIVEN_AFTER_SECONDS:
            self.failures = 0
        delay: float = min(_FIRST_SECONDS * 2**self.failures, _LONGEST_SECONDS)
        self.failures += 1
        self.due_at = now + delay
        return delay

    def is_due(self, now: float) -> bool:
        return self.due_at is not None and now >= self.due_at
