"""Injects faults of random kinds, one after another, and brings back what they took away."""

import random
import time
from collections import Counter
from collections.abc import Sequence

from dev.bench.chaos.faults import Injection, Injector
from dev.bench.chaos.system import FaultSource
from dev.bench.chaos.workload import AnyWorkload

_TICK_SECONDS = 0.02


class Nemesis:
    """`only`: names of the kinds to inject, those of the workload included; empty for all. Belongs to the thread that
    owns the system."""

    def __init__(
        self, source: FaultSource, workload: AnyWorkload, rng: random.Random, only: Sequence[str] = ()
    ) -> None:
        moments = {kind: source.at_moment(moment) for kind, moment in workload.kill_moments.items()}
        known = {**source.all(), **moments}
        self.faults: dict[str, Injector] = {kind: fault for kind, fault in known.items() if not only or kind in only}
        self._source = source
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
            self._source.run_due()
            self.restarts.update(self._source.supervise())
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_TICK_SECONDS, left))

    def heal(self) -> None:
        """Everything that was taken away comes back, in its own time."""
        while self._source.run_due():
            self.wait(_TICK_SECONDS)
