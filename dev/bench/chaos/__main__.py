"""Clients of a workload come all the time, while faults are injected into everything that serves them.

    python -m dev.bench.chaos --kills 1000 --seed 7
    python -m dev.bench.chaos --hosts --kills 60

Needs nothing but this machine; with `--hosts` its parts are spread over the data centre of `make hosts`, and the faults
are those of hosts and their network. Prints a table at the end and, as the last line, the same figures as JSON; exits
with 1 when anything was lost, doubled or left over. `--keep FOLDER` keeps the servers' data and logs for looking into
it.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg2
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from dev.bench.chaos.checker import sort_violations
from dev.bench.chaos.cluster import Cluster
from dev.bench.chaos.faults import FaultKind
from dev.bench.chaos.host_cluster import HostCluster
from dev.bench.chaos.host_fault_kinds import HostFaultKind
from dev.bench.chaos.host_faults import HostFaults
from dev.bench.chaos.leftovers import find_leftovers
from dev.bench.chaos.machine_faults import MachineFaults
from dev.bench.chaos.message_duplication import MessageDuplicator
from dev.bench.chaos.nemesis import Nemesis
from dev.bench.chaos.options import ChaosOptions, read_options
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.recovery import measure_recoveries
from dev.bench.chaos.report import add_violations, describe_faults
from dev.bench.chaos.system import FaultSource, SystemUnderTest
from dev.bench.chaos.workload import AnyWorkload, WorkloadOptions
from dev.bench.chaos.workloads import WORKLOADS
from dev.bench.results import Metrics, Results
from streams import StreamsError

_BEFORE_THE_FIRST_SECONDS = 5
_TOLD_EVERY = 50
_LOOK_AGAIN_SECONDS = 0.5


def run(options: ChaosOptions) -> bool:
    """Whether everything held."""
    sizes = WorkloadOptions(options.seed, options.arrivals, options.people, options.desks)
    workload = WORKLOADS[options.workload](sizes)
    kinds = [*(HostFaultKind if options.hosts else FaultKind), *workload.kill_moments]
    if unknown := set(options.only) - set(kinds):
        raise SystemExit(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(kinds)}")
    print(f"seed {options.seed}: {options.kills} faults, {options.arrivals:g} clients a second", flush=True)
    with _open_folder(options) as folder:
        chosen = _choose(options, folder, workload)
        system = chosen.system
        with system.opened():
            recorder = DatabaseRecorder(system.database_url)
            recorder.prepare()
            workload.setup(system, recorder)
            # They take their leases when these are recorded.
            system.start_programs()
            return _run_on(options, chosen, recorder, workload)


@dataclass(frozen=True)
class _Chosen:
    """A system, and what makes its own faults."""

    system: SystemUnderTest
    faults: Callable[[DatabaseRecorder, AnyWorkload, random.Random], FaultSource]


def _choose(options: ChaosOptions, folder: Path, workload: AnyWorkload) -> _Chosen:
    if options.hosts:
        hosts = HostCluster(folder, workload.settings)
        return _Chosen(hosts, lambda _, workload, rng: HostFaults(hosts, workload, rng))
    cluster = Cluster(folder, options.workers, workload.workers, workload.settings)
    return _Chosen(cluster, partial(MachineFaults, cluster))


@contextmanager
def _open_folder(options: ChaosOptions) -> Iterator[Path]:
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        yield options.keep
        return
    with tempfile.TemporaryDirectory(prefix="welno-chaos-") as folder:
        yield Path(folder)


def _run_on(options: ChaosOptions, chosen: _Chosen, recorder: DatabaseRecorder, workload: AnyWorkload) -> bool:
    rng, system = random.Random(f"{options.seed} nemesis"), chosen.system
    nemesis = Nemesis(chosen.faults(recorder, workload, rng), workload, rng, options.only)
    rng = random.Random(f"{options.seed} duplicator")
    duplicators = [MessageDuplicator(url, rng) for url in system.monitored_brokers]
    workload.start()
    for duplicator in duplicators:
        duplicator.start()
    try:
        _inject(options, nemesis)
        workload.stop_clients()
        settled = _settle(options, nemesis, workload, lambda: _is_clean(system, recorder, workload))
    finally:
        for duplicator in duplicators:
            duplicator.stop()
        workload.close()
    counts = {
        "settled_after_seconds": settled,
        "messages_duplicated": sum(duplicator.duplicated for duplicator in duplicators),
        "programs_that_ended_by_themselves": nemesis.restarts.total(),
        **{f"ended_by_itself_{name}": count for name, count in nemesis.restarts.items()},
    }
    return _report(options, system, recorder, workload, nemesis=nemesis, counts=counts)


def _inject(options: ChaosOptions, nemesis: Nemesis) -> None:
    rng = random.Random(f"{options.seed} pauses")
    began = time.monotonic()
    nemesis.wait(_BEFORE_THE_FIRST_SECONDS)
    for number in range(1, options.kills + 1):
        nemesis.inject()
        nemesis.wait(rng.uniform(*options.pause))
        if number % _TOLD_EVERY == 0:
            print(f"{number} faults after {time.monotonic() - began:.0f} s", flush=True)


def _settle(options: ChaosOptions, nemesis: Nemesis, workload: AnyWorkload, is_clean: Callable[[], bool]) -> float:
    """Seconds until nothing was open any more; at most the settling time. Upkeep has until then and the quiet time; no
    longer where nothing is left over."""
    began, settled = time.monotonic(), None
    nemesis.heal()
    while (passed := time.monotonic() - began) < options.settle_seconds:
        if settled is None and workload.is_settled():
            settled = passed
        if settled is not None and passed - settled >= options.quiet_seconds and is_clean():
            break
        nemesis.wait(_LOOK_AGAIN_SECONDS)
    return options.settle_seconds if settled is None else settled


def _is_clean(system: SystemUnderTest, recorder: DatabaseRecorder, workload: AnyWorkload) -> bool:
    try:
        return not find_leftovers(system, recorder) and not workload.has_upkeep_to_do()
    except (psycopg2.Error, SQLAlchemyError, RedisError, StreamsError, OSError):  # a store is still coming back
        return False


def _report(
    options: ChaosOptions,
    system: SystemUnderTest,
    recorder: DatabaseRecorder,
    workload: AnyWorkload,
    *,
    nemesis: Nemesis,
    counts: Metrics,
) -> bool:
    history = workload.read_history(nemesis.injections)
    violations = [*workload.check(history), *find_leftovers(system, recorder)]
    measure_recoveries(history)
    results = Results("chaos", vars(options))
    results.add_table("faults", describe_faults(nemesis.injections, nemesis.faults))
    results.add("counts", counts | workload.count(history))
    add_violations(results, sort_violations(violations))
    results.finish()
    return not violations


if __name__ == "__main__":
    sys.exit(0 if run(read_options(sys.argv[1:], __doc__)) else 1)
