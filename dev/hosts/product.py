"""The product's own processes on the hosts, with one environment for all."""

from collections.abc import Callable, Mapping
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

WEB_PORT, FLOWER_PORT = 8000, 5555
# Of a worker, where `make run` has a hundred: both hosts share this machine.
_WORKER_THREADS = 20
_READY_SECONDS = 120


def product_services(
    host: Host, home: Path, sandbox: tuple[str, int], environment: Callable[[], Mapping[str, str]]
) -> list[Service]:
    """`sandbox`: where it listens. The environment is asked for at each start."""
    folder = home / "hosts" / host.name / "logs"
    return [_service(name, _program(host, name, home, sandbox), folder, environment) for name in host.services]


def _program(host: Host, name: str, home: Path, sandbox: tuple[str, int]) -> Program:
    address, port = sandbox
    if host.role is HostRole.PROVIDERS:
        return sandbox_program(home, port, address)
    if name == "web":
        return web_program(name, WEB_PORT, host.address)
    if name == "flower":
        return flower_program(FLOWER_PORT, host.address)
    # A Celery node's name has to be another on each host, and all are called alike.
    if name == "worker":
        return worker_program(host.name, _WORKER_THREADS)
    if name == "interviews":
        return interviews_program(f"interviews-{host.number}")
    return list_programs(home, Ports(web=WEB_PORT, sandbox=port, flower=0))[name]


def _service(name: str, program: Program, logs: Path, environment: Callable[[], Mapping[str, str]]) -> Service:
    process = Process(name, program.command, logs / f"{name}.log", cwd=ROOT)

    def start() -> None:
        process.env = environment()
        process.start()

    def wait() -> None:
        url = program.health_url
        if url is not None:
            process.wait_until(lambda: answers(url), _READY_SECONDS)

    return Service(name, start, lambda: process, wait)
