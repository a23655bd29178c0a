"""What the engine asks of a workload: clients, what they and the stores record, and what must hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from dev.bench.chaos.checker import Violation
from dev.bench.chaos.cluster import WorkerKind
from dev.bench.chaos.faults import Injection, KillMoment, RecoveryProbe
from dev.bench.chaos.history import ChaosHistory
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from dev.bench.results import Metrics


@dataclass(frozen=True)
class WorkloadOptions:
    """`arrivals` is how many clients come a second; `people` and `desks` are of workloads whose clients stay."""

    seed: int
    arrivals: float
    people: int = 1000
    desks: int = 20


H = TypeVar("H", bound=ChaosHistory)


class Workload(Protocol[H]):
    """One domain under load. The engine calls its methods in this order; `probe`, `pids_at_work` and the kill moments
    between `start` and `stop_clients`, from the thread that owns the system."""

    @property
    def workers(self) -> WorkerKind:
        """Which processes do its work."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Of the product's processes. What is measured keeps its default; retries and periods that only delay the end
        may be shortened."""

    @property
    def follows_new_epochs(self) -> bool:
        """Whether its readers go on when they are told to start anew, once in each new epoch."""

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        """Faults of its own, by name."""

    def setup(self, system: SystemUnderTest, recorder: DatabaseRecorder) -> None:
        """Once the stores are up, and before any program is: begin to record."""

    def start(self) -> None:
        """Clients come from now on, and go on coming whatever is killed."""

    def probe(self) -> RecoveryProbe:
        """One client more, which begins as soon as it is answered."""

    def pids_at_work(self) -> set[int]:
        """Processes that hold work just now; none while the database is away."""

    def stop_clients(self) -> None:
        """Nobody new comes, and faults of the workload's own end."""

    def is_settled(self) -> bool:
        """Whether all work has ended and every client has seen it."""

    def has_upkeep_to_do(self) -> bool:
        """Whether upkeep has not put everything away yet that is left when all work has ended."""

    def close(self) -> None: ...

    def read_history(self, injections: Sequence[Injection]) -> H:
        """After the settling time, with the system still up."""

    def check(self, history: H) -> list[Violation]: ...

    def count(self, history: H) -> Metrics:
        """The workload's own counters, for the table."""


AnyWorkload = Workload[Any]
