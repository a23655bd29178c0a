"""From asking for the push to the begin of the first step, with sessions arriving evenly at a rate."""

import sys
from statistics import median

from dev.bench.load_process import LoadAnswer, LoadProcess
from dev.bench.pipeline.celery_worker import celery_worker
from dev.bench.results import Metrics, percentile
from dev.bench.temporary_stack import open_stack
from dev.local.programs import WORKER_THREADS

_WARM_UP = 10
_LEAST_SECONDS = 5


def measure_arrivals(sessions: int, window: int, rate: float) -> Metrics:
    """At as many worker processes as the product starts by itself; as many sessions as some seconds of the rate, or
    more."""
    with open_stack() as servers:
        log = servers.home / "arrivals.log"
        command = (sys.executable, "-m", "dev.bench.pipeline.collection_load", str(window), "--rate", str(rate))
        with (
            celery_worker("dev.bench.pipeline.stub_worker", "collection", servers.env, log, threads=WORKER_THREADS),
            LoadProcess(command, servers.env) as load,
        ):
            _run_prepared(load, _WARM_UP)
            answer = _run_prepared(load, max(sessions, round(rate * _LEAST_SECONDS)))
    latencies = answer["latencies"]
    return {
        "wanted_arrivals_per_second": rate,
        "real_arrivals_per_second": len(latencies) / answer["seconds"],
        "start_to_first_step_p50_ms": median(latencies) * 1000,
        "start_to_first_step_p99_ms": percentile(latencies, 0.99) * 1000,
    }


def _run_prepared(load: LoadProcess, count: int) -> LoadAnswer:
    load.prepare(count)
    return load.go()
