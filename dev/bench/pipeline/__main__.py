"""Measures what a collection costs: the real chain beside a bare Celery chain, DBOS and the floor, in one run.

    python -m dev.bench.pipeline --sessions 200 --rounds 5

First the cost of durability alone: the product's own worker and driver with tools that do nothing, and as many steps
done by the others; methods take turns, medians of the rounds. CPU is that of the processes that do the steps;
PostgreSQL's and Valkey's is told apart, and in a round more what both count: statements, commits, appends. Then the
whole product over HTTP against the provider sandbox. The last line is JSON.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.pipeline.aims import compare_cpu
from dev.bench.pipeline.arrivals import measure_arrivals
from dev.bench.pipeline.end_to_end import measure_end_to_end
from dev.bench.pipeline.methods import STEPS, measure_methods
from dev.bench.pipeline.peers import PEERS_PYTHON
from dev.bench.results import Results


@dataclass(frozen=True)
class PipelineOptions:
    sessions: int
    rounds: int
    window: int
    rate: float
    http_sessions: int
    http_window: int


def read_options(arguments: Sequence[str]) -> PipelineOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.pipeline", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="per method and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=int, default=20, help="sessions under way at once")
    parser.add_argument("--rate", type=float, default=100, help="sessions arriving a second for start to first step")
    parser.add_argument("--http-sessions", type=int, default=100, help="sessions through the whole product over HTTP")
    parser.add_argument("--http-window", type=int, default=4, help="of these, under way at once")
    return PipelineOptions(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("pipeline", vars(options))
    print(f"pipeline: {STEPS} steps, {vars(options)}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    methods, counts = measure_methods(options.sessions, options.rounds, options.window)
    results.add_table("methods", methods)
    results.add_table("counts", counts)
    if not PEERS_PYTHON.exists():
        print("dbos: not installed; `python -m dev.bench` installs dev/requirements/bench.txt")
    results.add_table("ratios", compare_cpu(methods))
    arrivals = measure_arrivals(options.sessions, options.window, options.rate)
    results.add("arrivals", arrivals, "sessions arriving evenly")
    over_http = measure_end_to_end(options.http_sessions, options.http_window)
    results.add("over_http", over_http, "the whole product over HTTP, instant provider")
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
