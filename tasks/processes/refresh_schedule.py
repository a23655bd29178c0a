"""When each line is looked at: soon after a wake, at most five times a second, and by the clock where something is."""

from dataclasses import dataclass, field

SHORTEST_PAUSE_SECONDS = 0.2
# Lost wakes are made up for by the clock: rarely while they come, and often enough for a line while they cannot.
PERIOD_SECONDS, PERIOD_ALONE_SECONDS = 5.0, 1.0


@dataclass
class RefreshSchedule:
    """All times are of one monotonic clock."""

    _looked_at: dict[str, float] = field(default_factory=dict)
    _woken: set[str] = field(default_factory=set)
    _lively: set[str] = field(default_factory=set)

    def wake(self, exam_id: str) -> None:
        self._woken.add(exam_id)

    def note_lively(self, exam_ids: set[str]) -> None:
        """Look at these by the clock, too."""
        self._lively |= exam_ids

    def note_looked(self, exam_id: str, now: float, *, is_lively: bool) -> None:
        self._looked_at[exam_id] = now
        (self._lively.add if is_lively else self._lively.discard)(exam_id)

    def take_due(self, now: float, *, is_alone: bool, most: int | None = None) -> list[str]:
        """Whom to look at now, at most so many: those that were woken before those by the clock, the longest unseen
        first. `is_alone`: no wakes come. A line that could not be looked at stays due by the clock."""
        period = PERIOD_ALONE_SECONDS if is_alone else PERIOD_SECONDS
        woken = {exam_id for exam_id in self._woken if self._is_past(exam_id, now, SHORTEST_PAUSE_SECONDS)}
        by_clock = {exam_id for exam_id in self._lively if self._is_past(exam_id, now, period)}
        ordered = sorted(woken | by_clock, key=lambda one: (one not in woken, self._looked_at.get(one, 0.0)))[:most]
        self._woken -= set(ordered)
        return ordered

    def pause_seconds(self, now: float, longest: float) -> float:
        """Until a line may be looked at: one that was woken, or one by the clock."""
        ends = [self._looked_at.get(exam_id, 0.0) + SHORTEST_PAUSE_SECONDS - now for exam_id in self._woken]
        ends += [self._looked_at.get(exam_id, 0.0) + PERIOD_SECONDS - now for exam_id in self._lively]
        return max(min([*ends, longest]), 0.0)

    def _is_past(self, exam_id: str, now: float, seconds: float) -> bool:
        return exam_id not in self._looked_at or now - self._looked_at[exam_id] >= seconds
