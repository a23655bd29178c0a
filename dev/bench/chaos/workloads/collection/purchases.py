"""Why the provider was paid twice for the same records of one session, as far as the history can tell."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from dev.bench.chaos.faults import Harm, Injection
from dev.bench.chaos.workloads.collection.collection_history import BilledCall, CollectionHistory

# A request may be on its way for so long, on a busy machine: it is billed though its caller has just been killed.
_IN_FLIGHT_SECONDS = 1.0
_LOSES_ANSWERS = frozenset({Harm.CUT_OFF, Harm.HINDERED})


class RepeatReason(StrEnum):
    HOLDER_KILLED = "holder_killed"  # between the bill and the disk: nobody has the answer
    HOLDER_PAUSED = "holder_paused"  # beyond its lease
    ANSWER_CUT = "answer_cut"  # by the provider, which charged for it
    HOLDER_CUT_OFF = "holder_cut_off"  # by the network, in which the answer was lost
    FILES_LOST = "files_lost"  # with the disk of the file store's host
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
        """Nobody can give back what its own process or disk took with it, what the provider cut off, or what was lost
        on its way."""
        return self.reason in {
            RepeatReason.HOLDER_PAUSED,
            RepeatReason.ON_DISK_ALREADY,
            RepeatReason.UNEXPLAINED,
        }

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
        if any(moment < again.began_at for moment in arrived):
            reason = _why_bought_beside(history, arrived, again.began_at)
        else:
            reason = _why_lost(history, before, again.began_at)
        yield Repeat(session_id, kind, reason, again.began_at - before.began_at)


def _why_bought_beside(history: CollectionHistory, arrived: Sequence[float], at: float) -> RepeatReason:
    """Why an answer was bought though one had been on disk."""
    last = max(moment for moment in arrived if moment < at)
    is_lost = any(one.lost_files and last <= one.at <= at for one in history.injections)
    return RepeatReason.FILES_LOST if is_lost else RepeatReason.ON_DISK_ALREADY


def _why_lost(history: CollectionHistory, call: BilledCall, until: float) -> RepeatReason:
    """Why the answer of a billed call did not reach the disk before the next one began."""
    holder = history.owner_at(call.session_id, call.began_at)
    hits = [one for one in history.injections if holder in one.pids and _reaches(one, call, until)]
    if any(one.is_kill for one in hits):
        return RepeatReason.HOLDER_KILLED
    if not call.was_delivered:
        return RepeatReason.ANSWER_CUT
    if any(one.harm in _LOSES_ANSWERS for one in hits):
        return RepeatReason.HOLDER_CUT_OFF
    return RepeatReason.HOLDER_PAUSED if hits else RepeatReason.UNEXPLAINED


def _reaches(fault: Injection, call: BilledCall, until: float) -> bool:
    """Whether the fault fell into the time from the call to the next, or lasted into it."""
    left_by = call.began_at - (_IN_FLIGHT_SECONDS if fault.is_kill else 0)
    return fault.at <= until and max(fault.at, fault.over_at or fault.at) >= left_by
