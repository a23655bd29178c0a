"""Measures what each process of the product costs that has nothing to do, beside a floor: a process that opens one
empty transaction as often as the sweeper sweeps. PostgreSQL's share and Valkey's are those of all of them.

    python -m dev.bench.idle --seconds 30 --rounds 3

Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median

from core.settings import Settings
from dev.bench.cpu_time import cpu_spent, cpu_spent_exactly
from dev.bench.results import Results
from dev.bench.temporary_stack import open_stack
from dev.local.programs import Program
from dev.local.stack import SERVERS, Stack

_PROCESSES = ("web", "worker", "interviews", "poller", "sweeper", "beat")
_FLOOR = "floor"
# Caches fill, and what a start has left behind is looked at, before anything is measured.
_SETTLE_SECONDS = 10


def measure(stack: Stack, seconds: float) -> dict[str, float]:
    """The share of a core that each process takes, in percent."""
    pids = {name: pid for name in (*SERVERS, *stack.programs) if (pid := stack.pid(name)) is not None}
    # The kernel's ticks are too coarse for what the others are compared with.
    with cpu_spent(pids) as spent, cpu_spent_exactly(pids[_FLOOR]) as of_floor:
        time.sleep(seconds)
    spent[_FLOOR] = of_floor[0]
    return {name: used / seconds * 100 for name, used in spent.items()}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="their median counts")
    options = parser.parse_args(arguments)
    results = Results("idle", vars(options))
    with open_stack(_PROCESSES) as stack:
        interval = Settings.read(stack.env).processes.sweep_interval_seconds
        command = (sys.executable, "-m", "dev.bench.idle.floor", stack.postgres.url, str(interval))
        stack.add(Program(_FLOOR, command))
        stack.start(_FLOOR)
        time.sleep(_SETTLE_SECONDS)
        rounds = [measure(stack, options.seconds) for _ in range(options.rounds)]
    shares = {name: median(one[name] for one in rounds) for name in rounds[0]}
    print(f"idle: {options.rounds} rounds of {options.seconds:g} s, a sweep every {interval:g} s")
    rows = {name: {"core_percent": share, "times_floor": share / shares[_FLOOR]} for name, share in shares.items()}
    results.add_table("processes", rows)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
