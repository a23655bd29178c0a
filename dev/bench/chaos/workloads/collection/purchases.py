"""Why the provider was paid twice for the same records of one session, as far as the history can tell."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from dev.bench.chaos.faults import Injection
from dev.bench.chaos.workloads.collection.collection_history import BilledCall, CollectionHistory

# A request may be on its way for so long, on a busy machine: it is billed though its caller has just been killed.
_IN_FLIGHT_SECONDS = 1.0


class RepeatReason(StrEnum):
    HOLDER_KILLED = "holder_killed"  # between the bill and the disk: nobody has the answer
    HOLDER_PAUSED = "holder_paused"  # beyond its lease
    ANSWER_CUT = "answer_cut"  # by the provider, which charged for it
    ON_DISK_ALREADY = "on_disk_already"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Repeat:
    """A call that was billed though one before it had been. `seconds` is how long after that one it began."""

    session_id: str
    kind: str
    reason: RepeatReason
    seconds: float

    @property
    def is_violation(self) -> bool:
        """Nobody can give back what its own process took with it, or what the provider cut off."""
        return self.reason not in {RepeatReason.HOLDER_KILLED, RepeatReason.ANSWER_CUT}

    def describe(self) -> str:
        return f"{self.session_id}: {self.kind} were bought again after {self.seconds:.3f} s ({self.reason})"


def explain_repeats(history: CollectionHistory) -> list[Repeat]:
    calls: defaultdict[tuple[str, str], list[BilledCall]] = defaultdict(list)
    for call in sorted(history.billed, key=lambda call: call.began_at):
        calls[call.session_id, call.kind].append(call)
    return [
        repeat for (session_id, kind), billed in calls.items() for repeat in _explain(history, session_id, kind, billed)
    ]


def _explain(history: CollectionHistory, session_id: str, kind: str, billed: Sequence[BilledCall]) -> Iterator[Repeat]:
    arrived = history.arrived.get((session_id, kind), [])
    for before, again in pairwise(billed):
        if arrived and again.began_at > arrived[0]:
            reason = RepeatReason.ON_DISK_ALREADY
        else:
            reason = _why_lost(history, before, again.began_at)
        yield Repeat(session_id, kind, reason, again.began_at - before.began_at)


def _why_lost(history: CollectionHistory, call: BilledCall, until: float) -> RepeatReason:
    """Why the answer of a billed call did not reach the disk before the next one began."""
    holder = history.owner_at(call.session_id, call.began_at)
    hits = [one for one in history.injections if holder in one.pids and _reaches(one, call, until)]
    if any(one.is_kill for one in hits):
        return RepeatReason.HOLDER_KILLED
    if not call.was_delivered:
        return RepeatReason.ANSWER_CUT
    return RepeatReason.HOLDER_PAUSED if hits else RepeatReason.UNEXPLAINED


def _reaches(fault: Injection, call: BilledCall, until: float) -> bool:
    """Whether the fault fell into the time from the call to the next, or lasted into it."""
    left_by = call.began_at - (_IN_FLIGHT_SECONDS if fault.is_kill else 0)
    return fault.at <= until and max(fault.at, fault.over_at or fault.at) >= left_by
