"""What the product's poller costs while thousands wait, how late its polls are, and what is lost when it is killed."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise

from dev.bench.cpu_time import cpu_spent
from dev.bench.event_listener import EventListener
from dev.bench.results import Metrics, percentile
from dev.bench.waiting.pinned_process import pinned_process
from dev.bench.waiting.provider_process import Polls, ProviderProcess
from dev.bench.waiting.waiting_sessions import WaitingSessions, session_id_of

INTERVAL_SECONDS = 2.0
_APPROVED_A_SECOND, _ARRIVING_A_SECOND = 5, 10
_LOST_AFTER_SECONDS = 60
_APPROVAL_EVENT = "auth_completed"
_POLLER = (sys.executable, "-m", "tasks.processes.poller")


class PollerMeasure:
    def __init__(
        self, env: Mapping[str, str], provider: ProviderProcess, sessions: WaitingSessions, listener: EventListener
    ) -> None:
        self._env = env
        self._provider = provider
        self._sessions = sessions
        self._listener = listener

    def run(self, sessions: int, seconds: float, standby_seconds: float) -> Metrics:
        provider = self._provider
        cx_ids = self._sessions.add(sessions, spread_seconds=INTERVAL_SECONDS)
        with pinned_process(_POLLER, self._env) as first:
            provider.wait_until_polled(cx_ids, INTERVAL_SECONDS)
            steady = self._watch_steady_state(seconds, first.pid, cx_ids)
            waiting = [cx_id for cx_id in provider.polls if cx_id not in provider.approved]
            with pinned_process(_POLLER, self._env):
                time.sleep(standby_seconds)
                return steady | self._kill(first, waiting)

    def _watch_steady_state(self, seconds: float, pid: int, cx_ids: Sequence[str]) -> Metrics:
        """With some that approve and some that arrive each second."""
        began, approvals, arrivals = time.monotonic(), dict[str, float](), dict[str, float]()
        leaving = iter(cx_ids)
        with cpu_spent({"poller": pid}) as cpu:
            for second in range(round(seconds)):
                time.sleep(max(began + second - time.monotonic(), 0))
                arrived = self._sessions.add(_ARRIVING_A_SECOND, spread_seconds=0)
                arrivals |= dict.fromkeys(arrived, time.monotonic())
                if second < seconds - 2 * INTERVAL_SECONDS:
                    for cx_id in (next(leaving) for _ in range(_APPROVED_A_SECOND)):
                        approvals[cx_id] = self._provider.approve([cx_id])
                        time.sleep(0.1)
            time.sleep(max(began + seconds - time.monotonic(), 0))
            watched_seconds = time.monotonic() - began
        polls = self._provider.collect()
        count = sum(map(len, polls.values()))
        return {
            "share_of_one_core": cpu["poller"] / watched_seconds,
            "load_average_of_the_machine": os.getloadavg()[0],
            "polls_per_second": count / watched_seconds,
            "cpu_us_per_poll": cpu["poller"] / max(count, 1) * 1e6,
            **self._describe_delays(polls, arrivals, approvals),
        }

    def _describe_delays(self, polls: Polls, arrivals: Mapping[str, float], approvals: Mapping[str, float]) -> Metrics:
        intervals = intervals_of(polls)
        first_polls = [polls[cx_id][0] - moment for cx_id, moment in arrivals.items() if cx_id in polls]
        published = self._wait_for_approvals(approvals)
        delays = [moment - approvals[cx_id] for cx_id, moment in published.items() if moment]
        return {
            **_describe(intervals, "poll_interval_seconds"),
            "latest_poll_seconds_late": max(intervals, default=0) - INTERVAL_SECONDS,
            **_describe(first_polls, "arrival_to_first_poll_seconds"),
            **_describe(delays, f"approval_to_{_APPROVAL_EVENT}_seconds"),
            "approvals": len(approvals),
            "approvals_not_published": len(approvals) - len(delays),
        }

    def _wait_for_approvals(self, approvals: Mapping[str, float]) -> dict[str, float | None]:
        """When the event of each was published, once all are or nobody would wait any longer."""
        deadline = time.monotonic() + _LOST_AFTER_SECONDS
        while True:
            received = {cx_id: self._listener.received_at(session_id_of(cx_id), _APPROVAL_EVENT) for cx_id in approvals}
            if all(received.values()) or time.monotonic() > deadline:
                return received
            time.sleep(0.1)

    def _kill(self, first: "subprocess.Popen[bytes]", waiting: Sequence[str]) -> Metrics:
        """The poller that holds everything dies; the other one takes over what waits."""
        provider = self._provider
        provider.collect()
        last = {cx_id: provider.polls[cx_id][-1] for cx_id in waiting if provider.polls[cx_id]}
        killed = time.monotonic()
        first.kill()
        after: Polls = {}
        while not after.keys() >= last.keys() and time.monotonic() - killed < _LOST_AFTER_SECONDS:
            time.sleep(0.5)
            after = provider.collect() | after  # the first poll after the kill counts
        again = {cx_id: after[cx_id][0] for cx_id in last if cx_id in after}
        return {
            "killed_with_sessions": len(last),
            "killed_lost_sessions": len(last) - len(again),
            "killed_last_taken_over_after_seconds": max(again.values(), default=killed) - killed,
            "killed_longest_gap_seconds": max((at - last[cx_id] for cx_id, at in again.items()), default=0),
        }


def intervals_of(polls: Polls) -> list[float]:
    return [after - before for moments in polls.values() for before, after in pairwise(moments)]


def _describe(values: Sequence[float], name: str) -> Metrics:
    return {
        f"{name}_p50": percentile(values, 0.5),
        f"{name}_p99": percentile(values, 0.99),
        f"{name}_max": max(values, default=0),
    }
