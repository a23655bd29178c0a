"""What a Celery task per session that retries itself costs, in one process on one core."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics, percentile
from dev.bench.waiting.pinned_process import pinned_process
from dev.bench.waiting.poller_measure import INTERVAL_SECONDS, intervals_of
from dev.bench.waiting.provider_process import ProviderProcess
from dev.local.programs import ROOT

_APP = "dev.bench.waiting.celery_retry"
_SEND = f"import sys; from {_APP} import send_poll; [send_poll(line.strip(), {INTERVAL_SECONDS}) for line in sys.stdin]"
_OPTIONS = ("-Q", "bench-retry", "--concurrency", "1", "--prefetch-multiplier", "1", "-n", "retry@bench")


def measure_celery_retry(env: Mapping[str, str], provider: ProviderProcess, sessions: int, seconds: float) -> Metrics:
    provider.collect()
    cx_ids = [f"peer-{uuid4()}" for _ in range(sessions)]
    worker = (sys.executable, "-m", "celery", "-A", _APP, "worker", *_OPTIONS, "--loglevel", "WARNING")
    with pinned_process(worker, env) as process:
        send = (sys.executable, "-c", _SEND)
        subprocess.run(send, env=dict(env), cwd=ROOT, input="\n".join(cx_ids), text=True, check=True)
        provider.polls.clear()
        provider.wait_until_polled(cx_ids, INTERVAL_SECONDS)
        with cpu_spent({"worker": process.pid}) as cpu:
            time.sleep(seconds)
        polls = provider.collect()
        subprocess.run(("kill", "-KILL", *map(str, _children(process.pid))), check=False)
    count, intervals = sum(map(len, polls.values())), intervals_of(polls)
    return {
        "sessions": sessions,
        "share_of_one_core": cpu["worker"] / seconds,
        "polls_per_second": count / seconds,
        "cpu_us_per_poll": cpu["worker"] / max(count, 1) * 1e6,
        "poll_interval_seconds_p50": percentile(intervals, 0.5),
        "poll_interval_seconds_p99": percentile(intervals, 0.99),
    }


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]
