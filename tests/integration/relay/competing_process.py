"""A process that takes as many readers of one subject as it gets, at once with others, and holds them until killed.

Run as a program, it says "ready", starts at the line that it reads, and says how many it got.
"""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from types import ModuleType
from typing import IO, Self

from dev.local.programs import ROOT

if __name__ == "__main__":
    # The package as a plain folder, as in gunicorn_conf: all else that it imports would be most of the test.
    _WEBAPP = ModuleType("webapp")
    _WEBAPP.__path__ = [str(ROOT / "webapp")]
    sys.modules["webapp"] = _WEBAPP

from core.settings import RelaySettings
from webapp.relay.errors import TooManySocketsError
from webapp.relay.reader_leases import ReaderLeases, connect_leases
from webapp.relay.registry import ReaderRegistry, ReaderSlot

LIMITS = RelaySettings(sockets_per_address=3, sockets_per_person=4)
_KEY, _THREADS = b"of these tests alone", 8


@dataclass(frozen=True)
class Burst:
    redis_url: str
    tries: int
    limit: int
    lease_seconds: float


@dataclass
class CompetingProcess:
    popen: "subprocess.Popen[str]"
    orders: IO[str]
    answers: IO[str]

    @classmethod
    def start(cls, what: Burst) -> Self:
        """Returns at once; `wait_ready` waits for it."""
        command = [sys.executable, "-m", __name__, *map(str, astuple(what))]
        popen = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert popen.stdin is not None
        assert popen.stdout is not None
        return cls(popen, popen.stdin, popen.stdout)

    def wait_ready(self) -> None:
        assert self.answers.readline() == "ready\n"

    def begin(self) -> None:
        self.orders.write("begin\n")
        self.orders.flush()

    def taken(self) -> int:
        return int(self.answers.readline())

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self.orders.close()
        self.answers.close()


def join_processes(redis_url: str, lease_seconds: float) -> ReaderRegistry:
    """As one web process more."""
    return ReaderRegistry(LIMITS, ReaderLeases(connect_leases(redis_url), _KEY, lease_seconds))


def try_take(registry: ReaderRegistry, subject: str = "one", max_readers: int = 2) -> ReaderSlot | None:
    try:
        return registry.acquire_subject(subject, max_readers)
    except TooManySocketsError:
        return None


def tell(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def take_and_hold(what: Burst) -> None:
    registry = join_processes(what.redis_url, what.lease_seconds)
    tell("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(_THREADS) as threads:
        slots = list(threads.map(lambda _: try_take(registry, max_readers=what.limit), range(what.tries)))
    tell(sum(slot is not None for slot in slots))
    signal.pause()


if __name__ == "__main__":
    redis_url, tries, limit, lease_seconds = sys.argv[1:]
    take_and_hold(Burst(redis_url, int(tries), int(limit), float(lease_seconds)))
