"""A line in which people come and are examined at random (M/M/c, first come, first served), and Erlang C for it."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial


@dataclass(frozen=True)
class QueueModel:
    """`load` is the share of their time in which desks are busy: below 1, or the line grows for ever."""

    desks: int = 3
    exam_minutes: float = 10.0
    load: float = 0.85

    @property
    def arrivals_per_minute(self) -> float:
        return self.load * self.desks / self.exam_minutes

    def mean_wait_minutes(self) -> float:
        """Erlang C: the share of people who find all desks busy, times how long those wait."""
        offered = self.load * self.desks
        all_busy = offered**self.desks / factorial(self.desks) / (1 - self.load)
        waiting_share = all_busy / (sum(offered**k / factorial(k) for k in range(self.desks)) + all_busy)
        return waiting_share * self.exam_minutes / (self.desks * (1 - self.load))


@dataclass(frozen=True)
class SimulatedVisit:
    """In minutes since the simulation began."""

    joined_at: float
    started_at: float
    ended_at: float

    @property
    def wait_minutes(self) -> float:
        return self.started_at - self.joined_at

    @property
    def exam_minutes(self) -> float:
        return self.ended_at - self.started_at


def simulate(model: QueueModel, people: int, seed: int) -> Iterator[SimulatedVisit]:
    """In the order of joining, which is that of starting. The same seed gives the same people."""
    chance = random.Random(seed)
    desk_free_at = [0.0] * model.desks
    now = 0.0
    for _ in range(people):
        now += chance.expovariate(model.arrivals_per_minute)
        started_at = max(now, desk_free_at[0])
        ended_at = started_at + chance.expovariate(1 / model.exam_minutes)
        heapq.heapreplace(desk_free_at, ended_at)
        yield SimulatedVisit(now, started_at, ended_at)
