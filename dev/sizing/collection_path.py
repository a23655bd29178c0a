"""Simulates a collection's path: web, worker threads and their core, poller, PostgreSQL, Redis; the provider only takes
time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from random import Random

from simpy import Environment

from dev.bench.results import Metrics, percentile, readable
from dev.sizing import figures as of
from dev.sizing.stations import MultiServerQueue, Station, Steps

STEPS = 7
_OTHERS_FILL_SECONDS = 3.0  # they wait for nobody outside


@dataclass(frozen=True)
class PathCosts:
    """Of a collection, in seconds. A commit's wait is the disk's, which keeps no core busy."""

    worker: float
    postgres: float
    redis: float
    web_request: float = of.ACTION_WEB.value / 1000
    commit_waits: float = 0.0
    poll: float = of.POLL.value / 1e6
    poll_interval: float = of.POLL_INTERVAL.value
    approval: float = of.APPROVAL.value
    # The provider's, by the step that makes the call.
    calls: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PathSize:
    """Processes, threads of all workers together, and cores of PostgreSQL."""

    web: int = 1
    workers: int = 1
    threads: int = 100
    pollers: int = 1
    postgres: int = 1


@dataclass(frozen=True)
class OtherRequests:
    """What else the web processes answer, and what a request takes, in seconds."""

    per_second: float = 0.0
    web: float = 0.0
    postgres: float = 0.0
    redis: float = 0.0


@dataclass(frozen=True)
class PathLoad:
    collections_per_second: float
    others: OtherRequests = OtherRequests()


def product_costs() -> PathCosts:
    calls = {0: of.SHORT_CALL.value, 1: of.SHORT_CALL.value, 2: of.PRESCRIPTIONS_CALL.value}
    return PathCosts(
        worker=of.WORKER.value / 1000,
        postgres=of.COLLECTION_POSTGRES.value / 1000,
        redis=of.COLLECTION_REDIS.value / 1000,
        commit_waits=commit_wait() * of.COLLECTION_COMMITS.value,
        calls=calls,
    )


def commit_wait() -> float:
    """What a commit waits beyond its CPU, in seconds: the rest of the inline floor's time."""
    return (1 / of.FLOOR_RATE.value - of.FLOOR_CPU.value / 1000) / of.COLLECTION_COMMITS.value


class CollectionPath:
    """The stations, and what a collection does at them. Times at a station are exponential, calls last as long as
    they do."""

    def __init__(self, costs: PathCosts, size: PathSize, seed: int) -> None:
        self.env = Environment()
        self._costs, self._chance = costs, Random(seed)  # noqa: S311  # a simulation is to come out the same again
        self.stations = {
            "web": Station(self.env, size.web),
            "worker_threads": Station(self.env, size.threads),
            "worker_cores": Station(self.env, size.workers),
            "poller": Station(self.env, size.pollers),
            "postgres": Station(self.env, size.postgres),
            "redis": Station(self.env, 1),
        }
        self.completed = 0
        self.approval_to_completed: list[float] = []

    def arrive(self, per_second: float) -> Steps:
        """At random, for ever."""
        while True:
            yield self.env.timeout(self._chance.expovariate(per_second))
            self.env.process(self._collect())

    def answer_others(self, others: OtherRequests, after_seconds: float) -> Steps:
        yield self.env.timeout(after_seconds)
        while others.per_second:
            yield self.env.timeout(self._chance.expovariate(others.per_second))
            self.env.process(self._answer(others))

    def repeat(self) -> Steps:
        """One collection's worker steps after the other: a place in the window of a bench."""
        while True:
            yield from self.stations["worker_threads"].hold(self._work(0, STEPS))
            self.completed += 1

    def begin_watch(self) -> None:
        self.completed = 0
        self.approval_to_completed.clear()
        for station in self.stations.values():
            station.begin_watch()

    def _answer(self, others: OtherRequests) -> Steps:
        yield from self._serve("web", others.web)
        yield from self._serve("postgres", others.postgres)
        yield from self._serve("redis", others.redis)

    def _collect(self) -> Steps:
        for _ in range(int(of.COLLECTION_REQUESTS.value)):
            yield from self._serve("web", self._costs.web_request)
        yield from self.stations["worker_threads"].hold(self._work(0, 1))
        approved_at = self.env.now + self._chance.expovariate(1 / self._costs.approval)
        yield from self._poll_until(approved_at)
        yield from self.stations["worker_threads"].hold(self._work(1, STEPS))
        self.completed += 1
        self.approval_to_completed.append(self.env.now - approved_at)

    def _poll_until(self, approved_at: float) -> Steps:
        while self.env.now < approved_at:
            yield self.env.timeout(self._costs.poll_interval)
            yield from self._serve("poller", self._costs.poll)

    def _work(self, first: int, after_last: int) -> Steps:
        """Steps that follow each other stay in one thread."""
        costs = self._costs
        for step in range(first, after_last):
            if call := costs.calls.get(step):
                yield self.env.timeout(call)
            yield from self._serve("worker_cores", costs.worker / STEPS)
            yield from self._serve("postgres", costs.postgres / STEPS)
            yield from self._serve("redis", costs.redis / STEPS)
            if costs.commit_waits:
                yield self.env.timeout(costs.commit_waits / STEPS)

    def _serve(self, station: str, mean_seconds: float) -> Steps:
        if mean_seconds:
            yield from self.stations[station].serve(self._chance.expovariate(1 / mean_seconds))


def simulate_arrivals(
    costs: PathCosts, size: PathSize, load: PathLoad, *, collections: int, seed: int
) -> tuple[dict[str, Metrics], Metrics]:
    """By station: utilisation and mean wait, simulated and by the formula; and what a person meets. The first fifth,
    or what is under way at once if that is more, only fills the stations."""
    path = CollectionPath(costs, size, seed)
    path.env.process(path.arrive(load.collections_per_second))
    seconds = collections / load.collections_per_second
    fill = max(seconds / 5, 2 * (costs.approval + sum(costs.calls.values())))
    path.env.process(path.answer_others(load.others, max(fill - _OTHERS_FILL_SECONDS, 0)))
    path.env.run(until=fill)
    path.begin_watch()
    path.env.run(until=fill + seconds)
    theory = expect(costs, size, load)
    stations = {
        readable(name): {
            "busy_%": station.utilisation() * 100,
            "by_formula_%": theory[name].utilisation * 100,
            "mean_wait_ms": station.mean_wait() * 1000,
            "by_formula_ms": theory[name].mean_wait() * 1000,
        }
        for name, station in path.stations.items()
    }
    met = {
        "collections_per_second": path.completed / seconds,
        "approval_to_completed_p50_s": percentile(path.approval_to_completed, 0.5),
        "approval_to_completed_p99_s": percentile(path.approval_to_completed, 0.99),
    }
    return stations, met


def expect(costs: PathCosts, size: PathSize, load: PathLoad) -> dict[str, MultiServerQueue]:
    """Each station as an M/M/c of its own. That a thread is also held while its work waits for a core is left out."""
    rate, others = load.collections_per_second, load.others
    held = costs.worker + costs.postgres + costs.redis + costs.commit_waits + sum(costs.calls.values())

    def shared(visits: float, seconds: float, of_others: float, servers: int) -> MultiServerQueue:
        arrivals = visits * rate + others.per_second
        mean = (visits * rate * seconds + others.per_second * of_others) / arrivals
        return MultiServerQueue(arrivals, mean, servers)

    return {
        "web": shared(of.COLLECTION_REQUESTS.value, costs.web_request, others.web, size.web),
        "worker_threads": MultiServerQueue(2 * rate, held / 2, size.threads),
        "worker_cores": MultiServerQueue(STEPS * rate, costs.worker / STEPS, size.workers),
        "poller": MultiServerQueue(expected_polls(costs) * rate, costs.poll, size.pollers),
        "postgres": shared(STEPS, costs.postgres / STEPS, others.postgres, size.postgres),
        "redis": shared(STEPS, costs.redis / STEPS, others.redis, 1),
    }


def expected_polls(costs: PathCosts) -> float:
    """Of a collection: approved within an exponential time and seen at the next poll, so a geometric number."""
    return 1 / (1 - exp(-costs.poll_interval / costs.approval))
