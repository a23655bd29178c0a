"""What one web process counts of the projects' streams: slots of ten seconds, the last quarter of an hour of them."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from webapp.relay.loop import plain_lock

SLOT_SECONDS = 10
WINDOWS_SECONDS = (60, 300, 900)
# Each bound of the delays is so many times the one before: a percentile is told too high by at most as much.
_FIRST_BOUND_SECONDS, _FACTOR, _BOUNDS = 0.0005, 1.2, 65


@dataclass
class Slot:
    """`delays` by the number of their bound, as text, since JSON has no other keys."""

    reconnects: int = 0
    sent: int = 0
    received: int = 0
    delays: dict[str, int] = field(default_factory=dict)


class StreamCounts:
    """Safe to share between threads. `now` in seconds since the epoch: the slots of all processes are the same."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = plain_lock()
        self._slots: dict[int, Slot] = {}

    def note_reconnect(self) -> None:
        with self._lock:
            self._slot().reconnects += 1

    def note_sent(self, delay_seconds: float | None) -> None:
        with self._lock:
            slot = self._slot()
            slot.sent += 1
            if delay_seconds is not None:
                bound = str(_bound_of(delay_seconds))
                slot.delays[bound] = slot.delays.get(bound, 0) + 1

    def note_received(self, count: int) -> None:
        """As a client has reported."""
        with self._lock:
            self._slot().received += count

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            self._slot()
            return {str(number): asdict(slot) for number, slot in self._slots.items()}

    def _slot(self) -> Slot:
        number = int(self._now() // SLOT_SECONDS)
        slot = self._slots.get(number)
        if slot is None:
            oldest = number - WINDOWS_SECONDS[-1] // SLOT_SECONDS
            self._slots = {known: one for known, one in self._slots.items() if known > oldest}
            slot = self._slots[number] = Slot()
        return slot


class SummedCounts:
    """The slots of several processes together."""

    def __init__(self, now: float, slots: Iterable[tuple[int, Slot]]) -> None:
        self._last = int(now // SLOT_SECONDS)
        self._slots = list(slots)

    @classmethod
    def of_json(cls, now: float, processes: Iterable[Mapping[str, Mapping[str, Any]]]) -> Self:
        slots = ((int(number), Slot(**slot)) for one in processes for number, slot in one.items())
        return cls(now, slots)

    def per_second(self, name: str) -> dict[str, float]:
        return {label_of(window): self._sum(name, window) / window for window in WINDOWS_SECONDS}

    def per_minute(self, name: str) -> dict[str, float]:
        return {label: rate * 60 for label, rate in self.per_second(name).items()}

    def delays_ms(self, window_seconds: int = WINDOWS_SECONDS[1]) -> dict[str, float | None]:
        """None without an event."""
        counts: Counter[int] = Counter()
        for slot in self._within(window_seconds):
            counts.update({int(bound): count for bound, count in slot.delays.items()})
        return {f"p{share}": _percentile_ms(counts, share / 100) for share in (50, 95, 99)}

    def _sum(self, name: str, window_seconds: int) -> int:
        return sum(getattr(slot, name) for slot in self._within(window_seconds))

    def _within(self, window_seconds: int) -> Iterable[Slot]:
        oldest = self._last - window_seconds // SLOT_SECONDS
        return [slot for number, slot in self._slots if oldest < number <= self._last]


def label_of(window_seconds: int) -> str:
    return f"{window_seconds // 60}m"


def _bound_of(seconds: float) -> int:
    if seconds <= _FIRST_BOUND_SECONDS:
        return 0
    return min(math.ceil(math.log(seconds / _FIRST_BOUND_SECONDS, _FACTOR)), _BOUNDS)


def _percentile_ms(counts: Mapping[int, int], share: float) -> float | None:
    wanted, seen = math.ceil(sum(counts.values()) * share), 0
    for bound in sorted(counts):
        seen += counts[bound]
        if seen >= wanted:
            return float(round(1000 * _FIRST_BOUND_SECONDS * _FACTOR**bound, 3))
    return None
