"""When each waiting session is polled next: a heap of due times, in memory, on one loop."""

import heapq
import time
from dataclasses import dataclass, field
from uuid import UUID

from services.collection.step import Claim


@dataclass(eq=False)
class Waiter:
    """One waiting session. `due` and `began` are monotonic; `answered` says that its checkups are on disk, `told` that
    its person knows that it takes long. Since `blocked_since` another process asks for the same answer; `looked` says
    that none such can have brought it any more."""

    claim: Claim
    polls: int
    due: float
    answered: bool = False
    asked: bool = False
    told: bool = False
    blocked_since: float | None = None
    looked: bool = False
    faults: int = 0
    in_flight: bool = False
    began: float = field(default_factory=time.monotonic)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = str(self.claim.session_id)  # every poll needs it, and making it is not free


class Schedule:
    """Entries of the heap are never removed early: one whose session moved on is passed over when it comes up."""

    def __init__(self) -> None:
        self._waiters: dict[UUID, Waiter] = {}
        self._heap: list[tuple[float, UUID]] = []

    def __len__(self) -> int:
        return len(self._waiters)

    def clear(self) -> None:
        self._waiters.clear()
        self._heap.clear()

    def add(self, waiter: Waiter) -> None:
        self._waiters[waiter.claim.session_id] = waiter
        self._push(waiter, waiter.due)

    def forget(self, session_id: UUID) -> bool:
        """Whether it had been waiting here."""
        return self._waiters.pop(session_id, None) is not None

    def hurry(self, session_id: UUID) -> None:
        """Poll it now: its person says that they have approved."""
        waiter = self._waiters.get(session_id)
        if waiter is None or waiter.asked:
            return
        waiter.asked = True
        if not waiter.in_flight:
            self._push(waiter, time.monotonic())

    def note_answered(self, session_id: UUID) -> None:
        """Its checkups came, perhaps to a call of an earlier waiter of the same session."""
        waiter = self._waiters.get(session_id)
        if waiter is not None:
            waiter.answered = True

    def take_due(self) -> list[Waiter]:
        """Those whose time has come; each is in flight until `put_back`."""
        now, due = time.monotonic(), []
        while self._heap and self._heap[0][0] <= now:
            moment, session_id = heapq.heappop(self._heap)
            waiter = self._waiters.get(session_id)
            if waiter is not None and waiter.due == moment and not waiter.in_flight:
                waiter.in_flight = True
                due.append(waiter)
        return due

    def put_back(self, waiter: Waiter, pause_seconds: float | None) -> None:
        """Schedule the next poll, or none: then the session waits no longer."""
        waiter.in_flight = False
        if self._waiters.get(waiter.claim.session_id) is not waiter:
            return
        if pause_seconds is None:
            del self._waiters[waiter.claim.session_id]
        else:
            self._push(waiter, time.monotonic() + pause_seconds)

    def seconds_until_next(self, otherwise: float) -> float:
        return self._heap[0][0] - time.monotonic() if self._heap else otherwise

    def _push(self, waiter: Waiter, due: float) -> None:
        waiter.due = due
        heapq.heappush(self._heap, (due, waiter.claim.session_id))
