"""Simulates two runs of the benches: a worker with a window of collections, and a poller with phones that wait."""

from random import Random

from simpy import Environment

from dev.sizing.collection_path import CollectionPath, PathCosts, PathSize
from dev.sizing.stations import Station, Steps


def simulate_one_worker(costs: PathCosts, *, threads: int, window: int, collections: int, seed: int) -> float:
    """Collections a second when `window` of them are always under way, as in the pipeline's bench."""
    path = CollectionPath(costs, PathSize(threads=threads), seed)
    for _ in range(window):
        path.env.process(path.repeat())
    each = costs.worker + costs.postgres + costs.redis + costs.commit_waits
    path.env.run(until=collections * each / 5)
    path.begin_watch()
    began = path.env.now
    path.env.run(until=began + collections * each)
    return path.completed / (path.env.now - began)


def simulate_waiting(
    costs: PathCosts, *, phones: int, seconds: float, approvals: int, seed: int
) -> tuple[list[float], float]:
    """Seconds from each approval to the end of the poll that sees it, and the share of its core that one poller uses,
    with so many phones that wait all the time."""
    chance = Random(seed)  # noqa: S311  # as above
    env = Environment()
    poller = Station(env, 1)
    delays: list[float] = []

    def poll_one(first: float, approved_at: float | None) -> Steps:
        yield env.timeout(first)
        due = env.now
        while True:
            yield from poller.serve(costs.poll)
            if approved_at is not None and approved_at <= due:
                delays.append(env.now - approved_at)
                approved_at = None
            due += costs.poll_interval
            yield env.timeout(max(due - env.now, 0))

    for number in range(phones):
        approved_at = chance.uniform(0, seconds - 2 * costs.poll_interval) if number < approvals else None
        env.process(poll_one(chance.uniform(0, costs.poll_interval), approved_at))
    env.run(until=seconds)
    return delays, poller.utilisation()
