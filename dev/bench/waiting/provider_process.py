"""The instant provider's process, and all polls that it has seen."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from dev.bench.waiting.pinned_process import other_cores
from dev.local.programs import ROOT

_ALL_POLLED_SECONDS = 180
Polls = dict[str, list[float]]


class ProviderProcess:
    def __init__(self, api_key: str) -> None:
        command = (sys.executable, "-m", "dev.bench.waiting.instant_provider", api_key)
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.sched_setaffinity(self._process.pid, other_cores())
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.polls: defaultdict[str, list[float]] = defaultdict(list)
        self.approved: set[str] = set()

    def approve(self, cx_ids: Sequence[str]) -> float:
        """The moment at which they were."""
        self.approved.update(cx_ids)
        moment = self._command({"approve": list(cx_ids)})
        assert isinstance(moment, float)
        return moment

    def collect(self) -> Polls:
        """Polls since the last call, which are added to `polls`."""
        fresh = self._command({"report": True})
        assert isinstance(fresh, dict)
        for cx_id, moments in fresh.items():
            self.polls[cx_id] += moments
        return fresh

    def wait_until_polled(self, cx_ids: Sequence[str], settle_seconds: float) -> None:
        """Until all of them were polled, and for a while more; what was polled by then counts no more."""
        deadline = time.monotonic() + _ALL_POLLED_SECONDS
        while len(self.polls) < len(cx_ids):
            assert time.monotonic() < deadline, f"only {len(self.polls)} of {len(cx_ids)} sessions were polled"
            time.sleep(0.5)
            self.collect()
        time.sleep(settle_seconds)
        self.collect()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _command(self, command: Mapping[str, object]) -> object:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: object = json.loads(self._process.stdout.readline())
        return answer
