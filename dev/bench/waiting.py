"""Measures what waiting for phones costs: the real poller on one core, an instant provider, real encrypted requests.

    python -m dev.bench.waiting --sessions 10000 --seconds 60

Beside it, on the same core and in the same run: tasks of Celery that retry themselves. The provider is a process of the
bench's own on another core; its CPU is not counted. Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from core.settings import Settings
from dev.bench.cpu import cpu_spent
from dev.bench.ear import Ear
from dev.bench.figures import Figures, percentile, print_figures, print_json
from dev.bench.waiting_sessions import WaitingSessions, session_id_of
from dev.local.programs import ROOT
from dev.local.stack import Stack

_CORE = 0
_INTERVAL_SECONDS = 2.0
_APPROVED_A_SECOND, _ARRIVING_A_SECOND = 5, 10
_PATIENCE_SECONDS = 180
_STANDBY_SECONDS = 5
_LOST_AFTER_SECONDS = 60
_TOLD = "auth_completed"
_SEND_PEER = (
    "import sys; from dev.bench.peers.celery_retry import send_poll; [send_poll(x.strip(), {}) for x in sys.stdin]"
)
Polls = dict[str, list[float]]


@dataclass(frozen=True)
class Plan:
    sessions: int
    seconds: float
    peer_sessions: int
    peer_seconds: float


class Provider:
    """The provider's process, and all polls that it has seen."""

    def __init__(self, api_key: str) -> None:
        command = (sys.executable, "-m", "dev.bench.provider", api_key)
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.sched_setaffinity(self._process.pid, _other_cores())
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.polls: defaultdict[str, list[float]] = defaultdict(list)
        self.approved: set[str] = set()

    def approve(self, cx_ids: Sequence[str]) -> float:
        """The moment at which they were."""
        self.approved.update(cx_ids)
        moment = self._ask({"approve": list(cx_ids)})
        assert isinstance(moment, float)
        return moment

    def collect(self) -> Polls:
        """Polls since the last call, which are added to `polls`."""
        fresh = self._ask({"report": True})
        assert isinstance(fresh, dict)
        for cx_id, moments in fresh.items():
            self.polls[cx_id] += moments
        return fresh

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _ask(self, command: Mapping[str, object]) -> object:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: object = json.loads(self._process.stdout.readline())
        return answer


def _other_cores() -> set[int]:
    return os.sched_getaffinity(0) - {_CORE} or {_CORE}


def read_plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.waiting", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look at the steady state")
    parser.add_argument("--peer-sessions", type=int, default=400)
    parser.add_argument("--peer-seconds", type=float, default=20)
    return Plan(**vars(parser.parse_args(arguments)))


def run(plan: Plan) -> Figures:
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as folder:
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder), processes=())
        with stack:
            provider = Provider(stack.env["TILKO_API_KEY"])
            slow = {"WELNO_POLL_SLOW_MAX_SECONDS": f"{_INTERVAL_SECONDS:g}", "WELNO_LOG_LEVEL": "WARNING"}
            env = stack.env | slow | {"TILKO_BASE_URL": provider.url}
            try:
                with Ear(env["REDIS_URL"]) as ear:
                    figures = _measure_poller(plan, env, provider, WaitingSessions(Settings.read(env)), ear)
                return figures | _measure_peer(plan, env, provider)
            finally:
                provider.stop()


@contextmanager
def _pinned(command: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=dict(env),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.sched_setaffinity(process.pid, {_CORE})  # at once: its threads and children inherit it
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _measure_poller(
    plan: Plan, env: Mapping[str, str], provider: Provider, sessions: WaitingSessions, ear: Ear
) -> Figures:
    cx_ids = sessions.add(plan.sessions, spread_seconds=_INTERVAL_SECONDS)
    poller = (sys.executable, "-m", "tasks.processes.poller")
    with _pinned(poller, env) as first:
        _wait_until_polled(provider, cx_ids)
        steady = _watch_steady_state(plan, provider, sessions, ear, (first.pid, cx_ids))
        waiting = [cx_id for cx_id in provider.polls if cx_id not in provider.approved]
        with _pinned(poller, env):
            time.sleep(_STANDBY_SECONDS)
            return steady | _kill(provider, first, waiting)


def _wait_until_polled(provider: Provider, cx_ids: Sequence[str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(provider.polls) < len(cx_ids):
        assert time.monotonic() < deadline, f"only {len(provider.polls)} of {len(cx_ids)} sessions were polled"
        time.sleep(0.5)
        provider.collect()
    time.sleep(_INTERVAL_SECONDS)
    provider.collect()


def _watch_steady_state(
    plan: Plan, provider: Provider, sessions: WaitingSessions, ear: Ear, poller: tuple[int, Sequence[str]]
) -> Figures:
    """With some that approve and some that arrive each second."""
    began, approvals, arrivals = time.monotonic(), dict[str, float](), dict[str, float]()
    pid, leaving = poller[0], iter(poller[1])
    with cpu_spent({"poller": pid}) as cpu:
        for second in range(round(plan.seconds)):
            time.sleep(max(began + second - time.monotonic(), 0))
            arrived = sessions.add(_ARRIVING_A_SECOND, spread_seconds=0)
            arrivals |= dict.fromkeys(arrived, time.monotonic())
            if second < plan.seconds - 2 * _INTERVAL_SECONDS:
                for cx_id in (next(leaving) for _ in range(_APPROVED_A_SECOND)):
                    approvals[cx_id] = provider.approve([cx_id])
                    time.sleep(0.1)
        time.sleep(max(began + plan.seconds - time.monotonic(), 0))
        seconds = time.monotonic() - began
    polls = provider.collect()
    intervals = [after - before for moments in polls.values() for before, after in pairwise(moments)]
    first_polls = [polls[cx_id][0] - moment for cx_id, moment in arrivals.items() if cx_id in polls]
    heard = _hear_all(ear, approvals)
    told = [moment - approvals[cx_id] for cx_id, moment in heard.items() if moment]
    return {
        "poller_share_of_one_core": cpu["poller"] / seconds,
        "load_average_of_the_machine": os.getloadavg()[0],
        "polls_per_second": sum(map(len, polls.values())) / seconds,
        "cpu_us_per_poll": cpu["poller"] / max(sum(map(len, polls.values())), 1) * 1e6,
        **_describe(intervals, "poll_interval_seconds"),
        "latest_poll_seconds_late": max(intervals, default=0) - _INTERVAL_SECONDS,
        **_describe(first_polls, "arrival_to_first_poll_seconds"),
        **_describe(told, "approval_to_auth_completed_seconds"),
        "approvals": len(approvals),
        "approvals_not_told": len(approvals) - len(told),
    }


def _hear_all(ear: Ear, approvals: Mapping[str, float]) -> dict[str, float | None]:
    """When each was told, once all are or nobody would wait any longer."""
    deadline = time.monotonic() + _LOST_AFTER_SECONDS
    while True:
        heard = {cx_id: ear.heard(session_id_of(cx_id), _TOLD) for cx_id in approvals}
        if all(heard.values()) or time.monotonic() > deadline:
            return heard
        time.sleep(0.1)


def _describe(values: Sequence[float], name: str) -> Figures:
    return {
        f"{name}_p50": percentile(values, 0.5),
        f"{name}_p99": percentile(values, 0.99),
        f"{name}_max": max(values, default=0),
    }


def _kill(provider: Provider, first: "subprocess.Popen[bytes]", waiting: Sequence[str]) -> Figures:
    """The poller that holds everything dies; the other one takes over what waits."""
    provider.collect()
    last = {cx_id: provider.polls[cx_id][-1] for cx_id in waiting if provider.polls[cx_id]}
    killed = time.monotonic()
    first.kill()
    after: Polls = {}
    while not after.keys() >= last.keys() and time.monotonic() - killed < _LOST_AFTER_SECONDS:
        time.sleep(0.5)
        after = provider.collect() | after  # the first poll after the kill counts
    polled = {cx_id: after[cx_id] for cx_id in last if cx_id in after}
    gaps = [moments[0] - max(last[cx_id], 0) for cx_id, moments in polled.items()]
    return {
        "killed_with_sessions": len(last),
        "killed_lost_sessions": len(last) - len(polled),
        "killed_last_taken_over_after_seconds": max((moments[0] for moments in polled.values()), default=killed)
        - killed,
        "killed_longest_gap_seconds": max(gaps, default=0),
    }


def _measure_peer(plan: Plan, env: Mapping[str, str], provider: Provider) -> Figures:
    """Tasks that retry themselves, in one process on the same core."""
    provider.collect()
    cx_ids = [f"peer-{uuid4()}" for _ in range(plan.peer_sessions)]
    options = ("-Q", "bench-retry", "--concurrency", "1", "--prefetch-multiplier", "1", "-n", "retry@bench")
    worker = (sys.executable, "-m", "celery", "-A", "dev.bench.peers.celery_retry", "worker", *options)
    with _pinned((*worker, "--loglevel", "WARNING"), env) as process:
        send = (sys.executable, "-c", _SEND_PEER.format(_INTERVAL_SECONDS))
        subprocess.run(send, env=dict(env), cwd=ROOT, input="\n".join(cx_ids), text=True, check=True)
        provider.polls.clear()
        _wait_until_polled(provider, cx_ids)
        with cpu_spent({"peer": process.pid}) as cpu:
            time.sleep(plan.peer_seconds)
        polls = provider.collect()
        subprocess.run(("kill", "-KILL", *map(str, _children(process.pid))), check=False)
    intervals = [after - before for moments in polls.values() for before, after in pairwise(moments)]
    return {
        "celery_retry_sessions": plan.peer_sessions,
        "celery_retry_share_of_one_core": cpu["peer"] / plan.peer_seconds,
        "celery_retry_polls_per_second": sum(map(len, polls.values())) / plan.peer_seconds,
        "celery_retry_cpu_us_per_poll": cpu["peer"] / max(sum(map(len, polls.values())), 1) * 1e6,
        "celery_retry_poll_interval_seconds_p50": percentile(intervals, 0.5),
        "celery_retry_poll_interval_seconds_p99": percentile(intervals, 0.99),
    }


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def main(arguments: Sequence[str]) -> int:
    plan = read_plan(arguments)
    figures = run(plan)
    print_figures(f"waiting: {plan.sessions} sessions, {plan.seconds:g} s, poller on one core", figures)
    print_json("waiting", {**vars(plan), **figures})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
