"""Compares the simulation with measured runs: those of docs/measured.md, or fresh ones of the benches."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.bench.results import percentile
from dev.sizing import figures as of
from dev.sizing.bench_runs import simulate_one_worker, simulate_waiting
from dev.sizing.collection_path import PathCosts, commit_wait, product_costs

WITHIN_PERCENT = 20
_WINDOW, _COLLECTIONS = 20, 400
_PHONES, _WATCHED_SECONDS, _APPROVALS = 10_000, 6.0, 3000
# The sizes of the runs that docs/measured.md has.
_PIPELINE = ("dev.bench.pipeline", "--sessions", "40", "--rounds", "3", "--http-sessions", "20")
_WAITING = ("dev.bench.waiting", "--sessions", "10000", "--seconds", "60")


@dataclass(frozen=True)
class WorkerRun:
    """The pipeline's bench: one worker of one thread. CPU in ms of a collection. `quote` is the row in
    docs/measured.md."""

    name: str
    worker: float
    postgres: float
    redis: float
    commits: int
    per_second: float
    quote: str = ""
    is_judged: bool = True


@dataclass(frozen=True)
class PollerRun:
    """The waiting bench: seconds from approval to its event, and the poller's share of its core."""

    p50: float
    p99: float
    share: float
    cpu_us_per_poll: float
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    measured: float
    simulated: float
    # Not for a run beside which other programs used the cores.
    is_judged: bool = True

    @property
    def off_percent(self) -> float:
        return (self.simulated / self.measured - 1) * 100

    @property
    def verdict(self) -> str:
        if not self.is_judged:
            return "not judged: the machine had a load of 4"
        return "within" if abs(self.off_percent) <= WITHIN_PERCENT else "missed"

    def cells(self) -> dict[str, float | str]:
        return {
            "measured": self.measured,
            "simulated": self.simulated,
            "off_%": self.off_percent,
            f"within_{WITHIN_PERCENT}_%": self.verdict,
        }


WORKER_RUNS = (
    WorkerRun("our worker, alone", 14.8, 9.8, 2.0, 9, 36.9, "| ours | 14.8 | 9.8 | 2.0 | 36.9 |"),
    WorkerRun("bare Celery chain", 16.8, 0.0, 2.3, 0, 53.8, "| bare Celery chain | 16.8 | 0.0 | 2.3 | 53.8 |"),
    WorkerRun("DBOS", 18.3, 7.8, 0.3, 9, 34.8, "| DBOS | 18.3 | 7.8 | 0.3 | 34.8 |"),
    WorkerRun(
        "our worker, the day before",
        14.0,
        8.2,
        1.8,
        9,
        30.8,
        "| ours: durable, each step in Flower | 14.0 | 8.2 | 1.8 | 30.8 | 17.3 | 9.0 |",
        is_judged=False,
    ),
)
POLLER_RUN = PollerRun(
    1.04,
    1.98,
    0.66,
    of.POLL.value,
    (
        "| approval to `auth_completed`, p50 / p99 | 1.04 / 1.98 s |",
        "| poller, of one core | 0.66 (131 µs per poll, 5,043 polls/s) |",
    ),
)


def compare(workers: Sequence[WorkerRun], poller: PollerRun, wait_of_commit: float, seed: int) -> dict[str, Comparison]:
    found = {
        f"{run.name}: per second": Comparison(run.per_second, _simulate(run, wait_of_commit, seed), run.is_judged)
        for run in workers
    }
    costs = product_costs()
    costs = PathCosts(costs.worker, costs.postgres, costs.redis, poll=poller.cpu_us_per_poll / 1e6)
    delays, share = simulate_waiting(costs, phones=_PHONES, seconds=_WATCHED_SECONDS, approvals=_APPROVALS, seed=seed)
    return found | {
        "approval to its event, p50, s": Comparison(poller.p50, percentile(delays, 0.5)),
        "approval to its event, p99, s": Comparison(poller.p99, percentile(delays, 0.99)),
        "poller, of its core": Comparison(poller.share, share),
    }


def _simulate(run: WorkerRun, wait_of_commit: float, seed: int) -> float:
    costs = PathCosts(
        run.worker / 1000, run.postgres / 1000, run.redis / 1000, commit_waits=run.commits * wait_of_commit
    )
    return simulate_one_worker(costs, threads=1, window=_WINDOW, collections=_COLLECTIONS, seed=seed)


def compare_documented(seed: int) -> dict[str, Comparison]:
    return compare(WORKER_RUNS, POLLER_RUN, commit_wait(), seed)


def compare_fresh(seed: int) -> dict[str, Comparison]:
    """Runs both benches, which takes some minutes and wants the machine for itself."""
    workers, wait_of_commit = read_pipeline(_run_bench(_PIPELINE))
    return compare(workers, read_waiting(_run_bench(_WAITING)), wait_of_commit, seed)


def read_pipeline(found: Mapping[str, Any]) -> tuple[list[WorkerRun], float]:
    """From the last line of the bench; also what a commit of the floor waited beyond its CPU, in seconds. DBOS is there
    only where it is installed."""
    methods = found["methods"]
    kinds = (("our worker", "welno", 9), ("bare Celery chain", "celery_chain", 0), ("DBOS", "dbos", 9))
    runs = [
        WorkerRun(name, one["cpu_ms"], one["postgres_ms"], one["valkey_ms"], commits, one["per_second"])
        for name, key, commits in kinds
        if (one := methods.get(key))
    ]
    floor = methods["inline_floor"]
    spent = floor["cpu_ms"] + floor["postgres_ms"] + floor["valkey_ms"]
    return runs, max(1 / floor["per_second"] - spent / 1000, 0) / of.COLLECTION_COMMITS.value


def read_waiting(found: Mapping[str, Any]) -> PollerRun:
    poller = found["poller"]
    return PollerRun(
        p50=poller["approval_to_auth_completed_seconds_p50"],
        p99=poller["approval_to_auth_completed_seconds_p99"],
        share=poller["share_of_one_core"],
        cpu_us_per_poll=poller["cpu_us_per_poll"],
    )


def _run_bench(command: Sequence[str]) -> Mapping[str, Any]:
    """Its last line. Raises CalledProcessError when it fails."""
    done = subprocess.run((sys.executable, "-m", *command), check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  # one of our benches
    found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
