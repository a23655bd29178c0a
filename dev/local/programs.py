"""The commands of the product's processes on one machine, and where they listen."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.local.errors import PortTakenError
from dev.local.ports import LOOPBACK, pick_port, require_free
from dev.local.secrets import sandbox_keys

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("sandbox", "web", "worker", "interviews", "poller", "sweeper", "beat", "flower")
# As in the Procfile.
WORKER_THREADS = 100
_QUEUES = "collection,files,housekeeping"
_HIGHEST_FIRST_PORT = 65_531


@dataclass(frozen=True, slots=True)
class Ports:
    """None lets the server pick one itself."""

    web: int
    sandbox: int
    flower: int
    postgres: int | None = None
    valkey: int | None = None

    @classmethod
    def counted_from(cls, first: str) -> "Ports":
        """From the value of WELNO_PORT. Raises PortTakenError when it is none."""
        if not first.isdecimal() or not 1 <= int(first) <= _HIGHEST_FIRST_PORT:
            raise PortTakenError(f"WELNO_PORT must be a number from 1 to {_HIGHEST_FIRST_PORT}")
        return cls(*range(int(first), int(first) + 5))

    @classmethod
    def picked(cls) -> "Ports":
        return cls(web=pick_port(), sandbox=pick_port(), flower=pick_port())

    def require_free(self) -> None:
        """Raises PortTakenError."""
        for role in ("web", "sandbox", "flower", "postgres", "valkey"):
            port = getattr(self, role)
            if port is not None:
                require_free(port, role)


@dataclass(frozen=True, slots=True)
class Program:
    """One process of the product. Without `url` it is ready once it runs. `code` is the folder of its release."""

    name: str
    command: Sequence[str]
    url: str | None = None
    health_path: str = "/"
    code: Path = ROOT

    @property
    def health_url(self) -> str | None:
        return f"{self.url}{self.health_path}" if self.url else None


def list_programs(home: Path, ports: Ports) -> dict[str, Program]:
    programs = (
        sandbox_program(home, ports.sandbox),
        web_program("web", ports.web),
        worker_program("worker"),
        interviews_program("interviews"),
        Program("poller", _module("tasks.processes.poller")),
        Program("sweeper", _module("tasks.processes.sweeper")),
        Program("beat", _celery("beat", "--loglevel", "INFO")),
        flower_program(ports.flower),
    )
    return {program.name: program for program in programs}


def sandbox_program(home: Path, port: int, host: str = LOOPBACK) -> Program:
    """Its keys may stand on the command line: they open nothing but the stand-ins."""
    # With "=", since a key may begin with a dash and would be taken for an option.
    options = (f"--{name.lower().replace('_', '-')}={key}" for name, key in sandbox_keys(home).items())
    return Program(
        "sandbox",
        _module("dev.sandbox", "--host", host, "--port", str(port), *options),
        _url(host, port),
        "/control/health",
    )


def web_program(name: str, port: int, host: str = LOOPBACK) -> Program:
    """More of them, on other ports, stand for more machines."""
    bind = ("--bind", f"{host}:{port}")
    command = _module("gunicorn", "-c", "webapp/gunicorn_conf.py", *bind, "webapp:create_app()")
    return Program(name, command, _url(host, port), "/readyz")


def worker_program(name: str, concurrency: int = WORKER_THREADS) -> Program:
    """The name is its Celery node's too, so that several can live side by side."""
    size = ("--concurrency", str(concurrency), "--prefetch-multiplier", "1")
    return Program(name, _celery("worker", "-Q", _QUEUES, "-E", *size, "-n", f"{name}@%h", "--loglevel", "INFO"))


def interviews_program(name: str) -> Program:
    """A process of its own, so that no step of a collection waits behind an analysis. How many it does at once, its
    settings say."""
    own = ("-Q", "interviews", "-E", "--prefetch-multiplier", "1", "-n", f"{name}@%h")
    return Program(name, _celery("worker", *own, "--loglevel", "INFO"))


def flower_program(port: int, host: str = LOOPBACK) -> Program:
    """Another address than this machine's has to be among its origins, or it answers nobody there."""
    options = (f"--address={host}", f"--port={port}")
    return Program("flower", _module("tasks.processes.flower", *options), _url(host, port), "/healthcheck")


def migrations_command() -> tuple[str, ...]:
    return _module("alembic", "upgrade", "head")


def _url(host: str, port: int) -> str:
    return f"http://{host}:{port}"


def _celery(*arguments: str) -> tuple[str, ...]:
    return _module("celery", "-A", "tasks.app", *arguments)


def _module(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)
