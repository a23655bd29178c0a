"""When each waiting session is polled next: a heap of due times, in memory, on one loop."""

import heapq
import time
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.collection.run_states import is_overdue
from services.collection.step import Claim


@dataclass(eq=False, slots=True)
class PendingPoll:
    """One waiting session. `due` and `started` are monotonic.

    `answer_on_disk`      its checkups have come and are kept
    `collect_requested`   its person says that they have approved
    `timeout_announced`   its person has been told that it takes long
    `blocked_until`       another process's call for the same answer may be under way until then
    `incoming_checked`    nobody can have brought the answer since we looked on the disk
    `last_checked`        it was asked about when every approval in time must have been heard of: whatever does not
                          approve ends the wait
    """

    claim: Claim
    polls: int
    due: float
    answer_on_disk: bool = False
    collect_requested: bool = False
    timeout_announced: bool = False
    blocked_until: float = 0.0
    incoming_checked: bool = False
    last_checked: bool = False
    faults: int = 0
    in_flight: bool = False
    started: float = field(default_factory=time.monotonic)
    session_text: str = field(init=False)

    def __post_init__(self) -> None:
        self.session_text = str(self.claim.session_id)  # every poll needs it, and making it is not free


class PollSchedule:
    """Entries of the heap are never removed early: one whose session moved on is passed over when it comes up."""

    def __init__(self) -> None:
        # By the session's id as text: hashing a UUID is a call into Python.
        self._polls: dict[str, PendingPoll] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._polls)

    def clear(self) -> None:
        self._polls.clear()
        self._heap.clear()

    def add(self, poll: PendingPoll) -> None:
        self._polls[poll.session_text] = poll
        self._push(poll, poll.due)

    def remove(self, session_id: UUID) -> bool:
        """Whether it had been waiting here."""
        return self._polls.pop(str(session_id), None) is not None

    def poll_now(self, session_id: UUID) -> None:
        """Its person says that they have approved."""
        poll = self._polls.get(str(session_id))
        if poll is None or poll.collect_requested:
            return
        poll.collect_requested = True
        if not poll.in_flight:
            self._push(poll, time.monotonic())

    def mark_answered(self, asked: PendingPoll) -> None:
        """Its checkups came, perhaps to a call of an earlier entry for the same request on the phone."""
        poll = self._polls.get(asked.session_text)
        if poll is not None and poll.claim.approve_by == asked.claim.approve_by:
            poll.answer_on_disk = True

    def asked(self, now: datetime) -> set[UUID]:
        """Those that are asked about just now, or for the last time as soon as that is possible, and those whose
        checkups have come and could not be recorded yet. `now` as the requests' times are told."""
        return {
            poll.claim.session_id
            for poll in self._polls.values()
            if poll.in_flight
            or poll.answer_on_disk
            or (is_overdue(poll.claim.approve_by, now) and not poll.last_checked)
        }

    def take_due(self) -> list[PendingPoll]:
        """Those whose time has come; each is in flight until `reschedule`."""
        now, due = time.monotonic(), []
        while self._heap and self._heap[0][0] <= now:
            moment, session_text = heapq.heappop(self._heap)
            poll = self._polls.get(session_text)
            if poll is not None and poll.due == moment and not poll.in_flight:
                poll.in_flight = True
                due.append(poll)
        return due

    def reschedule(self, poll: PendingPoll, delay_seconds: float | None) -> None:
        """Schedule the next poll; without a delay the session waits no longer."""
        poll.in_flight = False
        if self._polls.get(poll.session_text) is not poll:
            return
        if delay_seconds is None:
            del self._polls[poll.session_text]
        else:
            self._push(poll, time.monotonic() + delay_seconds)

    def seconds_until_next(self, otherwise: float) -> float:
        return self._heap[0][0] - time.monotonic() if self._heap else otherwise

    def _push(self, poll: PendingPoll, due: float) -> None:
        poll.due = due
        heapq.heappush(self._heap, (due, poll.session_text))
