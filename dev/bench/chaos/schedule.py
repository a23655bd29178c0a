"""What is to be done later, by the thread that injects faults."""

import heapq
import itertools
import time
from collections.abc import Callable


class Schedule:
    def __init__(self) -> None:
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), action))

    def run_due(self) -> bool:
        """Everything that is due; False when nothing is left for later."""
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()
        return bool(self._later)
