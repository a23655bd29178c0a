"""The faults of the product on one machine: its processes, its stores, and the proxies between them."""

import random
from collections.abc import Sequence

from dev.bench.chaos.cluster import Cluster
from dev.bench.chaos.faults import Injector, KillMoment
from dev.bench.chaos.process_faults import ProcessFaults
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.store_faults import StoreFaults
from dev.bench.chaos.targets import Targets
from dev.bench.chaos.workload import AnyWorkload


class MachineFaults:
    def __init__(self, cluster: Cluster, recorder: DatabaseRecorder, workload: AnyWorkload, rng: random.Random) -> None:
        self._targets = Targets(cluster, recorder, workload, rng)
        self._processes = ProcessFaults(self._targets)
        self._stores = StoreFaults(self._targets)

    def all(self) -> dict[str, Injector]:
        return {**self._processes.all(), **self._stores.all()}

    def at_moment(self, moment: KillMoment) -> Injector:
        return self._processes.at_moment(moment)

    def run_due(self) -> bool:
        return self._targets.run_due()

    def supervise(self) -> Sequence[str]:
        stack = self._targets.stack
        ended = [name for name in self._targets.unaffected(stack.programs) if not stack.is_running(name)]
        for name in ended:
            self._targets.restart(name)
        return ended
