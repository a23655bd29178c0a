"""Measures what a collection costs: the real chain beside a bare Celery chain, DBOS and the floor, in one run.

    python -m dev.bench.pipeline --sessions 200 --rounds 5

First the cost of durability alone: the product's own worker and driver with tools that do nothing, and as many steps
done by the others; methods take turns, medians of the rounds. CPU is that of the processes that do the steps;
PostgreSQL's and Valkey's is told apart. Then the whole product over HTTP against the provider sandbox. The last line
is JSON.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from core.names import Step
from dev.bench.cpu import cpu_spent
from dev.bench.figures import Figures, medians, percentile, print_figures, print_json, print_table
from dev.bench.peers import PEERS_PYTHON
from dev.bench.talk import Answer, Load
from dev.bench.whole import measure_whole
from dev.local.process import Process
from dev.local.programs import ROOT, WORKER_CHILDREN
from dev.local.stack import Stack

# The poll is the poller's, and a report is made only for those who came for it.
_STEPS = len([step for step in Step if step not in {Step.POLL_SIMPLE_AUTH, Step.MAKE_REPORT}])
# Two claims and a commit per step; an event or two for most.
_COMMITS, _PUBLISHES = _STEPS + 2, 8
_WARM_UP = 10


@dataclass(frozen=True)
class Plan:
    sessions: int
    rounds: int
    window: int
    rate: float
    whole: int
    whole_window: int


@dataclass
class Method:
    """One way to do the steps. `pid` is the process whose tree does them; None: the load does them itself."""

    load: Load
    pid: int | None = None
    rounds: list[Figures] = field(default_factory=list)


def read_plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.pipeline", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="per method and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=int, default=20, help="sessions under way at once")
    parser.add_argument("--rate", type=float, default=100, help="sessions arriving a second for start to first step")
    parser.add_argument("--whole", type=int, default=100, help="sessions through the whole product over HTTP")
    parser.add_argument("--whole-window", type=int, default=4, help="of these, under way at once")
    return Plan(**vars(parser.parse_args(arguments)))


@dataclass(frozen=True)
class Found:
    """What one run came to: by method, of arriving sessions, of the whole product."""

    methods: dict[str, Figures]
    arrivals: Figures
    whole: Figures


def run(plan: Plan) -> Found:
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        servers = stack.enter_context(Stack(Path(folder), processes=()))
        methods = _start_methods(plan, servers.env, Path(folder), stack)
        pids = {"postgres": servers.postgres.pid or 0, "valkey": servers.valkey.pid or 0}
        for method in methods.values():
            _take_turn(method, _WARM_UP, pids)
        for method in methods.values():
            method.rounds.clear()
        for _ in range(plan.rounds):
            for method in methods.values():
                _take_turn(method, plan.sessions, pids)
        table = {name: medians(method.rounds) for name, method in methods.items()}
    return Found(table, _measure_arrivals(plan), measure_whole(plan.whole, plan.whole_window))


def _start_methods(plan: Plan, env: Mapping[str, str], folder: Path, stack: ExitStack) -> dict[str, Method]:
    def load(*arguments: str, python: str = sys.executable, **more: str) -> Load:
        return stack.enter_context(Load((python, *arguments), {**env, **more}))

    def worker(app: str, queue: str) -> int:
        return stack.enter_context(_worker(app, queue, env, folder / f"{queue}.log"))

    window = str(plan.window)
    methods = {
        "this product, durable": Method(
            load("-m", "dev.bench.stub_load", window), worker("dev.bench.stub_worker", "collection")
        ),
        "bare Celery chain": Method(
            load("-m", "dev.bench.chain_load", window, str(_STEPS)),
            worker("dev.bench.peers.celery_chain", "bench-chain"),
        ),
    }
    if PEERS_PYTHON.exists():
        url = env["DATABASE_URL"].replace("+psycopg2", "")
        dbos = load("dev/bench/peers/dbos_flow.py", str(_STEPS), python=str(PEERS_PYTHON), BENCH_DBOS_URL=url)
        methods["DBOS, inline"] = Method(dbos)
    methods["floor, inline"] = Method(load("-m", "dev.bench.peers.floor", str(_COMMITS), str(_PUBLISHES)))
    return methods


@contextmanager
def _worker(app: str, queue: str, env: Mapping[str, str], log: Path, *, children: int = 1) -> Iterator[int]:
    """The processes that work and one that hands to them, at the log level of the product."""
    size = ("--concurrency", str(children), "--prefetch-multiplier", "1")
    options = (*size, "-n", f"{queue}@bench", "--loglevel", "INFO")
    events = ("-E",) if queue == "collection" else ()  # the chain is not asked to show itself in Flower
    command = (sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue, *events, *options)
    process = Process(queue, command, log, env=dict(env), cwd=ROOT)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.stop()


def _take_turn(method: Method, sessions: int, servers: Mapping[str, int]) -> None:
    method.load.prepare(sessions)
    with cpu_spent({"cpu": method.pid or method.load.pid, **servers}) as spent:
        answer = method.load.go()
    figures = {f"{name}_ms": seconds / sessions * 1000 for name, seconds in spent.items()}
    latencies = answer["latencies"]
    figures |= {"per_second": sessions / answer["seconds"], "p50_ms": median(latencies) * 1000}
    method.rounds.append(figures | {"p99_ms": percentile(latencies, 0.99) * 1000})


def _measure_arrivals(plan: Plan) -> Figures:
    """From asking for the push to the begin of the first step, with sessions arriving evenly at a rate, at as many
    worker processes as the product starts by itself. The methods have ended by then."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        env = stack.enter_context(Stack(Path(folder), processes=())).env
        log = Path(folder) / "arrivals.log"
        stack.enter_context(_worker("dev.bench.stub_worker", "collection", env, log, children=WORKER_CHILDREN))
        command = (sys.executable, "-m", "dev.bench.stub_load", str(plan.window), "--rate", str(plan.rate))
        load = stack.enter_context(Load(command, env))
        _prepared_run(load, _WARM_UP)
        answer = _prepared_run(load, max(plan.sessions, round(plan.rate * 5)))
    latencies = answer["latencies"]
    return {
        "wanted_arrivals_per_second": plan.rate,
        "real_arrivals_per_second": len(latencies) / answer["seconds"],
        "start_to_first_step_p50_ms": median(latencies) * 1000,
        "start_to_first_step_p99_ms": percentile(latencies, 0.99) * 1000,
    }


def _prepared_run(load: Load, count: int) -> Answer:
    load.prepare(count)
    return load.go()


def main(arguments: Sequence[str]) -> int:
    plan = read_plan(arguments)
    found = run(plan)
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"pipeline: {_STEPS} steps, {plan.sessions} sessions, {plan.rounds} rounds, {machine}\n")
    print_table(("cpu_ms", "postgres_ms", "valkey_ms", "per_second", "p50_ms", "p99_ms"), found.methods)
    if not PEERS_PYTHON.exists():
        print("DBOS: not installed; `python -m dev.bench` installs dev/requirements/bench.txt")
    own = found.methods["this product, durable"]["cpu_ms"]
    spent = {name.split(",")[0]: figures["cpu_ms"] for name, figures in found.methods.items()}
    # So few sessions that the kernel counted no tick for a method say nothing about it.
    ratios = {f"cpu_ratio_to_{name}": own / cpu_ms for name, cpu_ms in spent.items() if cpu_ms}
    print_figures("ratios", ratios)
    print_figures("sessions arriving", found.arrivals)
    print_figures("the whole product over HTTP, instant provider", found.whole)
    print_json("pipeline", {**vars(plan), **vars(found), "ratios": ratios})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
