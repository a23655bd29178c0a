"""Who can be harmed just now, and when what was harmed gets well again. Runs in the thread that owns the cluster."""

import random
import signal
from collections.abc import Collection

import psutil

from dev.bench.chaos.cluster import Cluster
from dev.bench.chaos.faults import RecoveryProbe
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.schedule import Schedule
from dev.bench.chaos.workload import AnyWorkload

_PREFER_BUSY = 0.85
_RESTART_SECONDS = (0.0, 0.5)


class Targets(Schedule):
    """`affected` holds what is harmed just now: the same thing is never harmed twice at once, and one worker at least
    is left to take over, for without one there is nothing to measure."""

    def __init__(self, cluster: Cluster, recorder: DatabaseRecorder, workload: AnyWorkload, rng: random.Random) -> None:
        super().__init__()
        self.cluster = cluster
        self.stack = cluster.stack
        self.rng = rng
        self.affected: dict[str, None] = {}
        self._recorder = recorder
        self._workload = workload

    def restart(self, name: str) -> None:
        """After a moment, as a supervisor does."""
        self.affected[name] = None

        def start() -> None:
            self.stack.start(name)
            self.affected.pop(name)

        self.after(self.between(_RESTART_SECONDS), start)

    def between(self, bounds: tuple[float, float]) -> float:
        return self.rng.uniform(*bounds)

    def probe(self) -> RecoveryProbe:
        return self._workload.probe()

    # Whom

    def unaffected(self, names: Collection[str]) -> list[str]:
        return [name for name in names if name not in self.affected]

    def able_workers(self) -> list[str]:
        """Workers that are well and hold leases; asked anew each time, as starting one takes seconds."""
        alive = self._recorder.pids_with_lease()
        return [name for name in self.unaffected(self.cluster.workers) if self.stack.pid(name) in alive]

    def spare_workers(self) -> list[str]:
        """Workers that can be missed because another one is able."""
        able = self.able_workers()
        return able if len(able) > 1 else []

    def choose_worker(self) -> str | None:
        """Mostly one that holds work, so that there is something to lose."""
        spare = self.spare_workers()
        busy = self._workload.pids_at_work()
        at_work = [name for name in spare if self.stack.pid(name) in busy]
        if at_work and self.rng.random() < _PREFER_BUSY:
            return self.rng.choice(at_work)
        return self.rng.choice(spare) if spare else None

    def spare_poller(self) -> str | None:
        able = self.unaffected(self.cluster.pollers)
        return self.rng.choice(able) if len(able) > 1 else None


def send_signal(pid: int | None, what: signal.Signals) -> None:
    """To a child of our cluster, which may have died by itself meanwhile."""
    try:
        psutil.Process(pid).send_signal(what)
    except psutil.NoSuchProcess:
        return
