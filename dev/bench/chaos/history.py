"""What was recorded of a run: the faults injected, and who held which work when. Workloads add what their clients saw
and what their stores hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dev.bench.chaos.faults import Injection


class WorkState(StrEnum):
    """Of one piece of work, as its holder sees it: waiting is held, but nothing is done."""

    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    IDLE = "idle"
    ENDED = "ended"


@dataclass(frozen=True)
class WorkChange:
    """One committed state of a piece of work; each new holder has a higher fence."""

    at: float
    state: WorkState
    owner_pid: int | None
    fence: int


@dataclass(kw_only=True)
class ChaosHistory:
    """`work` has the changes of each piece of work, by its key and in order."""

    injections: Sequence[Injection] = ()
    work: dict[str, list[WorkChange]] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)  # of programs that ended by themselves

    def owner_at(self, key: str, moment: float) -> int | None:
        """The process that held it then."""
        before = [change for change in self.work.get(key, []) if change.at <= moment]
        return before[-1].owner_pid if before else None
