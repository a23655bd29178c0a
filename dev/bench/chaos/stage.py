"""The whole product on servers of its own, with several workers, each behind a network of its own that can be cut."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.bench.chaos.proxy import command
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, Ports, Program, list_programs, worker_program
from dev.local.stack import Stack

# Calls take seconds here, and what is killed is missing: with fewer, runs would wait for a free process.
_CONCURRENCY = 4
STORES = ("postgres", "valkey")
# Retries and periods are shortened so that what they heal is healed within the settling time; what is measured (leases,
# sweeps, polls) keeps its defaults.
SETTINGS = {
    "WELNO_START_LIMIT": "1000000 per hour",
    "WELNO_START_PHONE_LIMIT": "1000000 per hour",
    "WELNO_SIMPLE_AUTH_LIMIT": "1000000 per hour",
    "WELNO_RELAY_POLL_LIMIT": "1000000 per hour",
    "WELNO_STEP_MAX_ATTEMPTS": "50",
    "WELNO_STEP_RETRY_BASE_SECONDS": "0.3",
    "WELNO_STEP_RETRY_MAX_SECONDS": "2",
    "WELNO_FILE_RETRY_DELAYS_SECONDS": "1,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2",
    "WELNO_FILE_RETRY_INTERVAL_SECONDS": "2",
    "WELNO_FILE_ORPHAN_SECONDS": "10",
}


class Stage:
    """The stack, its extra processes and the proxies. Children belong to the thread that enters it."""

    def __init__(self, home: Path, workers: int) -> None:
        picked = Ports.picked()
        self.ports = Ports(picked.web, picked.sandbox, picked.flower, pick_port(), pick_port())
        self.workers = [f"worker{number + 1}" for number in range(workers)]
        self.pollers = ["poller", "poller2"]
        self.sweepers = ["sweeper", "sweeper2"]
        self._control = pick_port()
        self._routes = {(worker, store): pick_port() for worker in self.workers for store in STORES}
        programs = self._programs(home)
        self.stack = Stack(home, self.ports, SETTINGS, tuple(programs), programs=programs)
        self._proxy = Process("proxy", self._proxy_command(), home / "logs" / "proxy.log", cwd=ROOT)

    @property
    def proxy_ports(self) -> list[int]:
        return list(self._routes.values())

    def tell_network(self, worker: str, store: str, action: str) -> None:
        """`cut`, `stall` or `heal` the way between a worker and a store."""
        command(self._control, action, f"{worker}-{store}")

    @contextmanager
    def opened(self) -> Iterator[Stack]:
        self._proxy.start()
        try:
            with self.stack as stack:
                yield stack
        finally:
            self._proxy.kill()

    def _programs(self, home: Path) -> dict[str, Program]:
        known = list_programs(home, self.ports)
        chosen = [known[name] for name in ("sandbox", "web", "poller", "sweeper", "beat")]
        chosen += [Program("poller2", known["poller"].command), Program("sweeper2", known["sweeper"].command)]
        chosen += [self._behind_proxy(worker_program(name, _CONCURRENCY)) for name in self.workers]
        return {program.name: program for program in chosen}

    def _behind_proxy(self, program: Program) -> Program:
        pairs = ",".join(f"{self._target(store)}:{self._routes[program.name, store]}" for store in STORES)
        return Program(program.name, (sys.executable, "-m", "dev.bench.chaos.through", pairs, *program.command))

    def _proxy_command(self) -> list[str]:
        routes = [f"{worker}-{store}={port}:{self._target(store)}" for (worker, store), port in self._routes.items()]
        return [sys.executable, "-m", "dev.bench.chaos.proxy", str(self._control), *routes]

    def _target(self, store: str) -> int:
        return int(getattr(self.ports, store))
