"""Killing and pausing the product's processes."""

import signal
import time
from collections.abc import Callable
from typing import Any

from dev.bench.chaos.faults import FaultKind, Harm, Injection, Injector, KillMoment
from dev.bench.chaos.product import LEASE_SECONDS
from dev.bench.chaos.targets import Targets, send_signal

_PAUSE_SECONDS = (LEASE_SECONDS + 1, LEASE_SECONDS + 3)
_KILL_AIM, _PAUSE_AIM = 2.0, 6.0


class ProcessFaults:
    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._cluster = targets.cluster
        self._stack = targets.stack

    def all(self) -> dict[str, Injector]:
        return {
            FaultKind.WORKER: Injector(30, self._kill_worker, _KILL_AIM),
            FaultKind.WEB: Injector(3, self._kill_web),
            FaultKind.WEB_CHILD: Injector(4, self._kill_web_child),
            FaultKind.BEAT: Injector(2, self._kill_beat),
            FaultKind.POLLER: Injector(6, self._kill_poller, _KILL_AIM),
            FaultKind.SWEEPERS: Injector(4, self._kill_sweepers, _KILL_AIM),
            FaultKind.WORKER_PAUSED: Injector(8, self._pause_worker, _PAUSE_AIM),
            FaultKind.POLLER_PAUSED: Injector(2, self._pause_poller, _PAUSE_AIM),
        }

    def at_moment(self, moment: KillMoment) -> Injector:
        """A worker, or a poller, that stands at a moment which the workload knows."""

        def kill(kind: str) -> Injection | None:
            pids = moment.find_pids()
            for name in self._targets.spare_workers():
                if self._pid(name) in pids:
                    return self._kill_worker_named(kind, name)
            poller = self._targets.spare_poller()
            return self._kill_poller_named(kind, poller) if poller and self._pid(poller) in pids else None

        return Injector(moment.weight, kill, moment.aim_seconds)

    # Killing

    def _kill_worker(self, kind: str) -> Injection | None:
        name = self._targets.choose_worker()
        return self._kill_worker_named(kind, name) if name else None

    def _kill_worker_named(self, kind: str, name: str) -> Injection:
        injection = Injection(kind, time.time(), name, frozenset({self._pid(name)}))
        self._stack.kill(name)
        self._targets.restart(name)
        return injection

    def _kill_web(self, kind: str) -> Injection | None:
        injection = self._kill_program(kind, "web")
        if injection is not None:
            injection.probe = self._targets.probe()
        return injection

    def _kill_beat(self, kind: str) -> Injection | None:
        return self._kill_program(kind, "beat")

    def _kill_program(self, kind: str, name: str) -> Injection | None:
        if name in self._targets.affected:
            return None
        injection = Injection(kind, time.time(), name)
        self._stack.kill(name)
        self._targets.restart(name)
        return injection

    def _kill_web_child(self, kind: str) -> Injection | None:
        children = self._cluster.children("web")
        if "web" in self._targets.affected or not children:
            return None
        injection = Injection(kind, time.time(), "web")
        send_signal(self._targets.rng.choice(children), signal.SIGKILL)
        injection.probe = self._targets.probe()
        return injection

    def _kill_poller(self, kind: str) -> Injection | None:
        name = self._targets.spare_poller()
        return self._kill_poller_named(kind, name) if name else None

    def _kill_poller_named(self, kind: str, name: str) -> Injection:
        injection = Injection(kind, time.time(), name, frozenset({self._pid(name)}))
        self._stack.kill(name)
        self._targets.restart(name)
        return injection

    def _kill_sweepers(self, kind: str) -> Injection | None:
        sweepers = self._cluster.sweepers
        if len(self._targets.unaffected(sweepers)) < len(sweepers):
            return None
        for name in sweepers:
            self._stack.kill(name)
            self._targets.restart(name)
        return self._kill_worker(kind)

    # Pausing

    def _pause_worker(self, kind: str) -> Injection | None:
        name = self._targets.choose_worker()
        if name is None:
            return None
        injection = Injection(kind, time.time(), name, frozenset({self._pid(name)}), harm=Harm.PAUSED)
        self._stack.kill(name, signal.SIGSTOP)
        return self._resume_later(injection, lambda: self._stack.kill(name, signal.SIGCONT))

    def _pause_poller(self, kind: str) -> Injection | None:
        name = self._targets.spare_poller()
        if name is None:
            return None
        injection = Injection(kind, time.time(), name, frozenset({self._pid(name)}), harm=Harm.PAUSED)
        self._stack.kill(name, signal.SIGSTOP)
        return self._resume_later(injection, lambda: self._stack.kill(name, signal.SIGCONT))

    def _resume_later(self, injection: Injection, resume: Callable[[], Any]) -> Injection:
        self._targets.affected[injection.target] = None

        def go_on() -> None:
            resume()
            injection.over_at = time.time()
            self._targets.affected.pop(injection.target)

        self._targets.after(self._targets.between(_PAUSE_SECONDS), go_on)
        return injection

    def _pid(self, name: str) -> int:
        return self._stack.pid(name) or 0
