"""A process that takes as many readers of one subject as it gets, at once with others, and holds them until killed."""

import multiprocessing
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import ModuleType
from typing import Self

if multiprocessing.parent_process() is not None:
    # The package as a plain folder, as in gunicorn_conf: all else that it imports would be most of the test.
    _WEBAPP = ModuleType("webapp")
    _WEBAPP.__path__ = [str(Path(__file__).resolve().parents[3] / "webapp")]
    sys.modules["webapp"] = _WEBAPP

from webapp.relay.errors import TooManySocketsError
from webapp.relay.limits import RelayLimits
from webapp.relay.reader_leases import ReaderLeases, connect_leases
from webapp.relay.registry import ReaderRegistry, ReaderSlot

LIMITS = RelayLimits(sockets_per_address=3, sockets_per_person=4)
_PROCESSES = multiprocessing.get_context("spawn")
_KEY, _THREADS = b"of these tests alone", 8


@dataclass(frozen=True)
class Rush:
    redis_url: str
    tries: int
    limit: int
    lease_seconds: float


@dataclass
class CompetingProcess:
    process: multiprocessing.process.BaseProcess
    answers: Connection
    together: Barrier  # is gone with its last reference, also for the others

    @classmethod
    def start(cls, what: Rush, together: Barrier) -> Self:
        here, there = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=take_and_hold, args=(what, together, there))
        process.start()
        return cls(process, here, together)

    def taken(self) -> int:
        assert self.answers.poll(60), "the other process did not answer"
        return int(self.answers.recv())

    def kill(self) -> None:
        self.process.kill()
        self.process.join(10)


def make_barrier(count: int) -> Barrier:
    return _PROCESSES.Barrier(count)


def join_processes(redis_url: str, lease_seconds: float) -> ReaderRegistry:
    """As one web process more."""
    return ReaderRegistry(LIMITS, ReaderLeases(connect_leases(redis_url), _KEY, lease_seconds))


def try_take(registry: ReaderRegistry, subject: str = "one", max_readers: int = 2) -> ReaderSlot | None:
    try:
        return registry.acquire_subject(subject, max_readers)
    except TooManySocketsError:
        return None


def take_and_hold(what: Rush, together: Barrier, answers: Connection) -> None:
    registry = join_processes(what.redis_url, what.lease_seconds)
    together.wait(60)
    with ThreadPoolExecutor(_THREADS) as threads:
        slots = list(threads.map(lambda _: try_take(registry, max_readers=what.limit), range(what.tries)))
    answers.send(sum(slot is not None for slot in slots))
    signal.pause()
