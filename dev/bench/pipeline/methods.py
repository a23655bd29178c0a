"""The ways to do the steps of a collection, each driven by a load; they take turns against the same servers."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from core.names import Step
from dev.bench.cpu_time import cpu_spent
from dev.bench.load_process import LoadProcess
from dev.bench.pipeline.celery_worker import celery_worker
from dev.bench.pipeline.peers import PEERS_PYTHON
from dev.bench.pipeline.store_counters import StoreCounters
from dev.bench.results import Metrics, medians, percentile
from dev.bench.temporary_stack import open_stack

WELNO, CELERY_CHAIN, DBOS, INLINE_FLOOR = "welno", "celery_chain", "dbos", "inline_floor"
# The poll is the poller's, and a report is made only for those who came for it.
STEPS = len([step for step in Step if step not in {Step.POLL_SIMPLE_AUTH, Step.MAKE_REPORT}])
# Two claims and a commit per step; an event or two for most.
_COMMITS, _PUBLISHES = STEPS + 2, 8
_WARM_UP = 10
MetricsByMethod = dict[str, Metrics]


@dataclass
class Method:
    """One way to do the steps. `pid` is the process whose tree does them; None: the load does them itself."""

    load: LoadProcess
    pid: int | None = None
    rounds: list[Metrics] = field(default_factory=list)


def measure_methods(sessions: int, rounds: int, window: int) -> tuple[MetricsByMethod, MetricsByMethod]:
    """Medians of the rounds, and what the stores counted in a round more, by method."""
    with open_stack() as servers, ExitStack() as stack:
        counters = StoreCounters(servers)
        counters.install()
        methods = _start_methods(window, servers.env, servers.home, stack)
        pids = {"postgres": servers.postgres.pid or 0, "valkey": servers.valkey.pid or 0}
        for method in methods.values():
            _take_turn(method, _WARM_UP, pids)
            method.rounds.clear()
        for _ in range(rounds):
            for method in methods.values():
                _take_turn(method, sessions, pids)
        medians_of_all = {name: medians(method.rounds) for name, method in methods.items()}
        return medians_of_all, {name: _count(method, sessions, counters) for name, method in methods.items()}


def _start_methods(window: int, env: Mapping[str, str], folder: Path, stack: ExitStack) -> dict[str, Method]:
    def load(*arguments: str, python: str = sys.executable, **more: str) -> LoadProcess:
        return stack.enter_context(LoadProcess((python, *arguments), {**env, **more}))

    def worker(app: str, queue: str) -> int:
        return stack.enter_context(celery_worker(app, queue, env, folder / f"{queue}.log"))

    methods = {
        WELNO: Method(
            load("-m", "dev.bench.pipeline.collection_load", str(window)),
            worker("dev.bench.pipeline.stub_worker", "collection"),
        ),
        CELERY_CHAIN: Method(
            load("-m", "dev.bench.pipeline.chain_load", str(window), str(STEPS)),
            worker("dev.bench.pipeline.peers.celery_chain", "bench-chain"),
        ),
    }
    if PEERS_PYTHON.exists():
        script, url = "dev/bench/pipeline/peers/dbos_workflow.py", env["DATABASE_URL"].replace("+psycopg2", "")
        methods[DBOS] = Method(load(script, str(STEPS), python=str(PEERS_PYTHON), BENCH_DBOS_URL=url))
    floor = load("-m", "dev.bench.pipeline.peers.inline_floor", str(_COMMITS), str(_PUBLISHES))
    methods[INLINE_FLOOR] = Method(floor)
    return methods


def _take_turn(method: Method, sessions: int, servers: Mapping[str, int]) -> None:
    method.load.prepare(sessions)
    with cpu_spent({"cpu": method.pid or method.load.pid, **servers}) as spent:
        answer = method.load.go()
    metrics = {f"{name}_ms": seconds / sessions * 1000 for name, seconds in spent.items()}
    latencies = answer["latencies"]
    metrics |= {"per_second": sessions / answer["seconds"], "p50_ms": median(latencies) * 1000}
    method.rounds.append(metrics | {"p99_ms": percentile(latencies, 0.99) * 1000})


def _count(method: Method, sessions: int, counters: StoreCounters) -> Metrics:
    method.load.prepare(sessions)
    with counters.counting(sessions) as counts:
        method.load.go()
    return counts
