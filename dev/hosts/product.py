"""The product's own processes on the hosts, with one environment for all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.hosts.service import Service
from dev.hosts.topology import Host, HostRole
from dev.local.health import answers
from dev.local.process import Process
from dev.local.programs import (
    ROOT,
    Ports,
    Program,
    flower_program,
    interviews_program,
    list_programs,
    sandbox_program,
    web_program,
    worker_program,
)

WEB_PORT, GREEN_WEB_PORT, FLOWER_PORT = 8000, 8001, 5555
# Of a worker, where `make run` has a hundred: both hosts share this machine.
_WORKER_THREADS = 20
_READY_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Release:
    """Whose code runs: `suffix` tells its processes from those of another beside it."""

    code: Path
    suffix: str
    web_port: int


BLUE = Release(ROOT, "", WEB_PORT)


def make_green(code: Path) -> Release:
    """Beside the first."""
    return Release(code, "-green", GREEN_WEB_PORT)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of a host's processes. `sandbox`: where it listens. The environment is asked for at each start."""

    home: Path
    sandbox: tuple[str, int]
    environment: Callable[[], Mapping[str, str]]


def product_services(host: Host, names: Sequence[str], around: Surroundings, release: Release = BLUE) -> list[Service]:
    return [_service(host, name, around, release) for name in names]


def _program(host: Host, name: str, around: Surroundings, release: Release) -> Program:
    address, port = around.sandbox
    if host.role is HostRole.PROVIDERS:
        return sandbox_program(around.home, port, address)
    if name == "web":
        return web_program(name, release.web_port, host.address)
    if name == "flower":
        return flower_program(FLOWER_PORT, host.address)
    # A Celery node's name has to be another on each host, and all are called alike.
    if name == "worker":
        return worker_program(f"{host.name}{release.suffix}", _WORKER_THREADS)
    if name == "interviews":
        return interviews_program(f"interviews-{host.number}{release.suffix}")
    return list_programs(around.home, Ports(web=release.web_port, sandbox=port, flower=0))[name]


def _service(host: Host, name: str, around: Surroundings, release: Release) -> Service:
    program, called = _program(host, name, around, release), f"{name}{release.suffix}"
    log = around.home / "hosts" / host.name / "logs" / f"{called}.log"
    process = Process(called, program.command, log, cwd=release.code)

    def start() -> None:
        process.env = around.environment()
        process.start()

    def is_ready() -> bool:
        return program.health_url is None or answers(program.health_url)

    return Service(called, start, lambda: process, lambda: process.wait_until(is_ready, _READY_SECONDS), is_ready)
