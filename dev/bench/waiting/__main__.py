"""Measures what waiting for phones costs: the real poller on one core, an instant provider, real encrypted requests.

    python -m dev.bench.waiting --sessions 10000 --seconds 60

Beside it, on the same core and in the same run: tasks of Celery that retry themselves. The provider is a process of the
bench's own on another core; its CPU is not counted. Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from dev.bench.event_listener import EventListener
from dev.bench.results import Results
from dev.bench.temporary_stack import open_stack
from dev.bench.waiting.celery_retry_measure import measure_celery_retry
from dev.bench.waiting.poller_measure import INTERVAL_SECONDS, PollerMeasure
from dev.bench.waiting.provider_process import ProviderProcess
from dev.bench.waiting.waiting_sessions import WaitingSessions


@dataclass(frozen=True)
class WaitingOptions:
    sessions: int
    seconds: float
    standby_seconds: float
    peer_sessions: int
    peer_seconds: float


def read_options(arguments: Sequence[str]) -> WaitingOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.waiting", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look at the steady state")
    parser.add_argument(
        "--standby-seconds", type=float, default=5, help="how long a second poller runs before the kill"
    )
    parser.add_argument("--peer-sessions", type=int, default=400)
    parser.add_argument("--peer-seconds", type=float, default=20)
    return WaitingOptions(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("waiting", vars(options))
    print(f"waiting: {vars(options)}, load {os.getloadavg()[0]:.1f}")
    with open_stack() as servers, closing(ProviderProcess(servers.env["TILKO_API_KEY"])) as provider:
        slow = {"WELNO_POLL_SLOW_MAX_SECONDS": f"{INTERVAL_SECONDS:g}", "WELNO_LOG_LEVEL": "WARNING"}
        env = servers.env | slow | {"TILKO_BASE_URL": provider.url}
        with EventListener(env["REDIS_URL"]) as listener:
            measure = PollerMeasure(env, provider, WaitingSessions(env), listener)
            poller = measure.run(options.sessions, options.seconds, options.standby_seconds)
        results.add("poller", poller, "the poller, on one core")
        retry = measure_celery_retry(env, provider, options.peer_sessions, options.peer_seconds)
        results.add("celery_retry", retry, "a Celery task per session that retries itself, on the same core")
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
