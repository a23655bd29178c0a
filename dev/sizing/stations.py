"""A station of a queueing network: servers with one line before them, and the closed formula for the same."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from simpy import Environment, Resource

Steps = Generator[Any, Any, None]


class Station:
    """Counts how long its servers were busy and how long customers waited, from `begin_watch` on."""

    def __init__(self, env: Environment, servers: int) -> None:
        self._env, self._servers = env, servers
        self._resource = Resource(env, servers)
        self._since = 0.0
        self._busy = 0.0
        self._held = 0
        self._changed_at = 0.0
        self._waits: list[float] = []

    def serve(self, seconds: float) -> Steps:
        asked = self._env.now
        with self._resource.request() as request:
            yield request
            self._begin(asked)
            yield self._env.timeout(seconds)
            self._count(-1)

    def hold(self, inner: Steps) -> Steps:
        """One server is busy for as long as `inner` takes."""
        asked = self._env.now
        with self._resource.request() as request:
            yield request
            self._begin(asked)
            yield from inner
            self._count(-1)

    def begin_watch(self) -> None:
        self._count(0)
        self._since, self._busy = self._env.now, 0.0
        self._waits.clear()

    def utilisation(self) -> float:
        self._count(0)
        return self._busy / ((self._env.now - self._since) * self._servers)

    def mean_wait(self) -> float:
        return sum(self._waits) / len(self._waits) if self._waits else 0.0

    def _begin(self, asked: float) -> None:
        self._waits.append(self._env.now - asked)
        self._count(1)

    def _count(self, change: int) -> None:
        now = self._env.now
        self._busy += self._held * (now - self._changed_at)
        self._held += change
        self._changed_at = now


@dataclass(frozen=True)
class MultiServerQueue:
    """An M/M/c: arrivals at random, exponential times of so many seconds in the mean, one line."""

    arrivals_per_second: float
    seconds: float
    servers: int

    @property
    def utilisation(self) -> float:
        return self.arrivals_per_second * self.seconds / self.servers

    def mean_wait(self) -> float:
        """Erlang C, in seconds; infinite when it cannot keep up.

        By the recursion of Erlang B: factorials of a few hundred servers are beyond a float.
        """
        offered = self.arrivals_per_second * self.seconds
        if offered >= self.servers:
            return float("inf")
        blocked = 1.0
        for count in range(1, self.servers + 1):
            blocked = offered * blocked / (count + offered * blocked)
        waiting = blocked / (1 - self.utilisation * (1 - blocked))
        return waiting * self.seconds / (self.servers - offered)
