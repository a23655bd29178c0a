"""Injects faults of random kinds, one after another, and brings back what they took away."""

import random
import time
from collections import Counter
from collections.abc import Sequence

from dev.bench.chaos.cluster import Cluster
from dev.bench.chaos.faults import FaultKind, Injection, Injector
from dev.bench.chaos.process_faults import ProcessFaults
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.store_faults import StoreFaults
from dev.bench.chaos.targets import Targets
from dev.bench.chaos.workload import AnyWorkload

_TICK_SECONDS = 0.02


class Nemesis:
    """`only`: names of the kinds to inject, those of the workload included; empty for all. Belongs to the thread that
    owns the cluster."""

    def __init__(
        self,
        cluster: Cluster,
        recorder: DatabaseRecorder,
        workload: AnyWorkload,
        rng: random.Random,
        only: Sequence[str] = (),
    ) -> None:
        self._targets = Targets(cluster, recorder, workload, rng)
        processes = ProcessFaults(self._targets)
        moments = {kind: processes.at_moment(moment) for kind, moment in workload.kill_moments.items()}
        known = {**processes.all(), **StoreFaults(self._targets).all(), **moments}
        self.faults: dict[str, Injector] = {kind: fault for kind, fault in known.items() if not only or kind in only}
        self._stack = cluster.stack
        self._rng = rng
        self.injections: list[Injection] = []
        self.restarts: Counter[str] = Counter()

    def inject(self) -> Injection:
        """One fault, of a kind that is possible just now."""
        kinds = list(self.faults)
        weights = [fault.weight for fault in self.faults.values()]
        while True:
            kind = self._rng.choices(kinds, weights)[0]
            injection = self.faults[kind].inject(kind)
            if injection is not None:
                self.injections.append(injection)
                return injection
            self.wait(_TICK_SECONDS)

    def wait(self, seconds: float) -> None:
        """Meanwhile causes end, and what was killed is started again."""
        deadline = time.monotonic() + seconds
        while True:
            self._targets.run_due()
            self._supervise()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_TICK_SECONDS, left))

    def heal(self) -> None:
        """Everything that was taken away comes back, in its own time."""
        while self._targets.run_due():
            self.wait(_TICK_SECONDS)

    def _supervise(self) -> None:
        """What ended by itself is started again, and counted."""
        for name in self._targets.unaffected(self._stack.programs):
            if not self._stack.is_running(name):
                self.restarts[name] += 1
                self._targets.restart(name)


def known_kinds(workload: AnyWorkload) -> list[str]:
    return [*FaultKind, *workload.kill_moments]
