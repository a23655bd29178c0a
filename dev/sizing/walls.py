"""Where a part cannot be had twice, or is somebody else's: how much of it a demand uses, and what moves it."""

from collections.abc import Callable
from dataclasses import dataclass

from dev.sizing import figures as of
from dev.sizing.demand import Demand
from dev.sizing.needs import commits_per_second, find_cores, find_needs, polls_per_second

_BACK_WITHIN_SECONDS = 5
_MOST_TIMES = 1e6


@dataclass(frozen=True)
class Wall:
    name: str
    capacity: float
    unit: str
    demand: Callable[[Demand], float]
    moves: str

    def used(self, demand: Demand) -> float:
        """Of its capacity, at the peak; above 1 it does not hold."""
        return self.demand(demand) / self.capacity

    def holds_times(self, demand: Demand) -> float:
        """How many times this demand it holds. By bisection, as not all grow in proportion: a process more than needed
        is kept of each kind, however small the demand."""
        low, high = 0.0, 1.0
        while self.used(demand.times(high)) <= 1 and high < _MOST_TIMES:
            low, high = high, high * 2
        while high - low > high / 1000:
            middle = (low + high) / 2
            low, high = (middle, high) if self.used(demand.times(middle)) <= 1 else (low, middle)
        return low


def commits_of_one_connection() -> float:
    """A second, one after the other: what the inline floor does."""
    return of.FLOOR_RATE.value * of.COLLECTION_COMMITS.value


def _provider_calls(demand: Demand) -> float:
    return demand.peak["collections"] * 3 + polls_per_second(demand)


def _packages(demand: Demand) -> float:
    return demand.peak["collections"] * 2


WALLS = (
    Wall(
        "PostgreSQL: commits of writes",
        commits_of_one_connection(),
        "commits/s",
        commits_per_second,
        "connections that share an fsync (group commit), a disk with a protected cache, a database per domain",
    ),
    Wall(
        "PostgreSQL: looks, each after the other",
        commits_of_one_connection(),
        "looks/s",
        lambda demand: demand.peak["looks"],
        "a chain of the access log per patient or hospital instead of per day; a faster disk",
    ),
    Wall(
        "PostgreSQL: cores",
        of.POSTGRES_CORES.value * of.BUSY.value / 100,
        "cores",
        lambda demand: find_cores(demand).postgres,
        "records read from a replica (DATABASE_REPLICA_URL), fewer statements, a database per domain",
    ),
    Wall(
        "PostgreSQL: connections",
        of.CONNECTIONS_LIMIT.value,
        "connections",
        lambda demand: find_needs(demand).connections,
        "PgBouncer before web and sweepers, a smaller pool",
    ),
    Wall(
        "Redis: its one core",
        of.BUSY.value / 100,
        "cores",
        lambda demand: find_cores(demand).redis,
        "the broker on RabbitMQ or on a Redis of its own",
    ),
    Wall(
        "Redis: subscriptions made again after a failover",
        _BACK_WITHIN_SECONDS / (of.COMMAND.value / 1e6),
        "in 5 s",
        lambda demand: demand.sockets,
        "many channels in one SUBSCRIBE",
    ),
    Wall(
        "provider: calls and polls",
        of.PROVIDER_LIMIT.value,
        "calls/s",
        _provider_calls,
        "the contract; longer pauses between polls; days for people to come",
    ),
    Wall(
        "one poller",
        1e6 / of.POLL.value * of.BUSY.value / 100,
        "polls/s",
        polls_per_second,
        "another poller",
    ),
    Wall(
        "one sweeper: runs taken up, if all stood still",
        of.SWEEP_BATCH.value / of.SWEEP_INTERVAL.value,
        "runs/s",
        lambda demand: demand.peak["collections"],
        "another sweeper (they pass over each other's rows), a larger batch",
    ),
    Wall(
        "one beat: failed files tried again",
        of.RETRY_BATCH.value / of.RETRY_INTERVAL.value,
        "files/s",
        lambda demand: _packages(demand) * of.FAILED_FILES.value / 100,
        "a shorter period; two beats do no harm, nor good",
    ),
    Wall(
        "folder: fsync of packages",
        of.SPOOL.value,
        "files/s",
        _packages,
        "an object store, a folder per group of workers",
    ),
)


@dataclass(frozen=True)
class Lever:
    """What moves a wall, and how much of it is used at the peak then."""

    name: str
    wall: Wall
    used_after: Callable[[Demand], float]


def _pooled_connections(demand: Demand) -> float:
    """Those that keep a session stay connected directly, and one of the sweepers (docs/operations.md)."""
    needs = find_needs(demand)
    direct = needs.worker + needs.interviews + needs.poller + 2
    return (direct * (2 * of.POOL.value + 1) + of.POOLED_CONNECTIONS.value) / of.CONNECTIONS_LIMIT.value


def _rarer_polls(demand: Demand) -> float:
    calls = _provider_calls(demand) - polls_per_second(demand) + demand.waiting_phones / of.POLL_SLOW.value
    return calls / of.PROVIDER_LIMIT.value


def _batched_commits(demand: Demand) -> float:
    """A push is one commit, however many envelopes it holds."""
    spared = demand.peak["envelopes"] * (1 - 1 / of.ENVELOPES_AT_ONCE.value)
    return (commits_per_second(demand) - spared) / commits_of_one_connection()


_PROVIDER, _CONNECTIONS, _COMMITS = (
    next(wall for wall in WALLS if wall.name == name)
    for name in ("provider: calls and polls", "PostgreSQL: connections", "PostgreSQL: commits of writes")
)
LEVERS = (
    Lever("all polls as rare as the later ones may be", _PROVIDER, _rarer_polls),
    Lever(
        "people come evenly over the days of a year",
        _PROVIDER,
        lambda demand: _PROVIDER.used(demand.times(1 / of.PEAK_DAY_PEOPLE.value)),
    ),
    Lever("web and a sweeper behind PgBouncer", _CONNECTIONS, _pooled_connections),
    Lever("envelopes pushed in batches", _COMMITS, _batched_commits),
    Lever(
        "commits share an fsync",
        _COMMITS,
        lambda demand: _COMMITS.used(demand) / of.SHARED_COMMITS.value,
    ),
)
