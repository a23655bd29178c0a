"""The whole product on servers of its own, with several workers, each behind proxies that can cut and stall its way to
the stores."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from dev.bench.chaos.incoming_files import IncomingFiles
from dev.bench.chaos.network_faults import command
from dev.bench.chaos.product import count_queued
from dev.bench.chaos.system import StorePorts
from dev.bench.temporary_stack import prepare_home
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, Ports, Program, list_programs, worker_program
from dev.local.stack import Stack

# Calls take seconds here, and what is killed is missing: with fewer, runs would wait for a free process.
_CONCURRENCY = 20
STORES = ("postgres", "valkey")


def _collection_worker(name: str) -> Program:
    return worker_program(name, _CONCURRENCY)


@dataclass(frozen=True)
class WorkerKind:
    """The workers that are harmed, each made under its own name, and the programs that run beside them unharmed, which
    take what beat sends to their queues."""

    make: Callable[[str], Program] = _collection_worker
    beside: tuple[str, ...] = ("interviews",)


class Cluster:
    """The stack, its extra processes and the proxies. Children belong to the thread that enters it."""

    def __init__(self, home: Path, workers: int, kind: WorkerKind, settings: Mapping[str, str]) -> None:
        picked = Ports.picked()
        self.ports = Ports(picked.web, picked.sandbox, picked.flower, pick_port(), pick_port())
        self.workers = [f"worker{number + 1}" for number in range(workers)]
        self.pollers = ["poller", "poller2"]
        self.beside = list(kind.beside)
        self.sweepers = ["sweeper", "sweeper2"]
        self._kind = kind
        self._control = pick_port()
        self._routes = {(worker, store): pick_port() for worker in self.workers for store in STORES}
        self._programs = self._list_programs(home)
        self.stack = Stack(home, self.ports, settings, (), migrations=prepare_home(home))
        self._proxy = Process("proxy", self._proxy_command(), home / "logs" / "proxy.log", cwd=ROOT)

    @property
    def env(self) -> Mapping[str, str]:
        return self.stack.env

    @property
    def web_url(self) -> str:
        return self.stack.web_url

    @property
    def sandbox_url(self) -> str:
        return self.stack.sandbox_url

    @property
    def database_url(self) -> str:
        return self.stack.postgres.url

    @property
    def monitored_brokers(self) -> Sequence[str]:
        return [self.stack.valkey.url]

    @property
    def store_ports(self) -> StorePorts:
        postgres, valkey = self.stack.postgres.port, self.stack.valkey.port
        return StorePorts(postgres, valkey, frozenset({postgres, valkey, *self._routes.values()}))

    @property
    def lease_holders(self) -> list[str]:
        return [*self.pollers, *self.sweepers, *self.workers, *self.beside]

    def change_network(self, worker: str, store: str, action: str) -> None:
        """`cut`, `stall` or `heal` the way between a worker and a store."""
        command(self._control, action, f"{worker}-{store}")

    def children(self, name: str) -> list[int]:
        """The pids below a program's own."""
        pid = self.stack.pid(name)
        try:
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []

    def processes(self) -> list[psutil.Process]:
        """Those of the product, with their children."""
        names = ("web", "beat", *self.lease_holders)
        parents = [psutil.Process(pid) for name in names if (pid := self.stack.pid(name))]
        return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]

    def sockets_of(self, process: psutil.Process) -> Sequence[Any]:
        return process.net_connections("tcp")

    def queue_sizes(self) -> Mapping[str, int]:
        with redis.Redis.from_url(self.stack.valkey.url) as client:
            return count_queued(client)

    def watch_incoming(self) -> IncomingFiles:
        return IncomingFiles(Path(self.env["TILKO_DATA_DIR"]) / "incoming")

    @contextmanager
    def opened(self) -> Iterator[Stack]:
        """The stores, with a database that has its tables, and the proxies."""
        self._proxy.start()
        try:
            with self.stack as stack:
                yield stack
        finally:
            self._proxy.kill()

    def start_programs(self) -> None:
        """All of them; returns when they answer."""
        for program in self._programs:
            self.stack.add(program)
            self.stack.start(program.name)
        self.stack.wait_ready()

    def _list_programs(self, home: Path) -> list[Program]:
        known = list_programs(home, self.ports)
        chosen = [known[name] for name in ("sandbox", "web", "poller", "sweeper", "beat", *self.beside)]
        chosen += [Program("poller2", known["poller"].command), Program("sweeper2", known["sweeper"].command)]
        return chosen + [self._behind_proxy(self._kind.make(name)) for name in self.workers]

    def _behind_proxy(self, program: Program) -> Program:
        pairs = ",".join(f"{self._target(store)}:{self._routes[program.name, store]}" for store in STORES)
        command = (sys.executable, "-m", "dev.bench.chaos.proxied_command", pairs, *program.command)
        return Program(program.name, command)

    def _proxy_command(self) -> list[str]:
        routes = [f"{worker}-{store}={port}:{self._target(store)}" for (worker, store), port in self._routes.items()]
        return [sys.executable, "-m", "dev.bench.chaos.network_faults", str(self._control), *routes]

    def _target(self, store: str) -> int:
        return int(getattr(self.ports, store))
