"""Lays out the hosts, says what runs where, and does what the commands of a second shell ask, until it is stopped."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.hosts.control import ControlServer, Request
from dev.hosts.data_centre import Contents, DataCentre, Entrances
from dev.hosts.errors import HostsError
from dev.hosts.faults import Slowness
from dev.hosts.forwarder import listen
from dev.hosts.haproxy import NO_HAPROXY, find_haproxy
from dev.hosts.namespaces import find_obstacle
from dev.hosts.network import LoopbackNetwork, NamespaceNetwork, Network
from dev.hosts.rollout import Rollout
from dev.hosts.topology import LOOPBACK_ADDRESSES, NAMESPACES, HostRole, lay_out
from dev.local.errors import PortTakenError
from dev.local.home import hold_home
from dev.local.ports import LOOPBACK
from dev.local.rabbitmq import NO_RABBITMQ, find_rabbitmq
from dev.local.run import run_until_stopped, tell
from dev.local.stopping import check_stop

_TEND_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class HostsOptions:
    """`without` are roles; `network_only` starts nothing on the hosts."""

    home: Path
    port: int
    sandbox_port: int
    flower_port: int
    wants_loopback: bool = False
    network_only: bool = False
    without: tuple[str, ...] = ()


def run(options: HostsOptions) -> int:
    """Serves until asked to stop; the exit code says whether everything could start."""
    return run_until_stopped(lambda: _serve(options))


def _serve(options: HostsOptions) -> None:
    with ExitStack() as stack:
        home = stack.enter_context(hold_home(options.home))
        # In the person's own network, which this process leaves for good.
        entrances = Entrances(*map(_listen, (options.port, options.sandbox_port, options.flower_port)))
        control = ControlServer(home)
        stack.callback(control.close)
        network = make_network(wants_loopback=options.wants_loopback, without=options.without)
        tell(f"hosts: {network.description}")
        centre = DataCentre(home, network, entrances, tell, Contents(network_only=options.network_only))
        stack.callback(centre.stop)
        centre.start()
        control.start()
        tell(centre.status())
        tell(f"ready: {centre.site}")
        tell(f"sandbox: {centre.sandbox}/phone")
        tell(f"flower: {centre.flower}")
        tell("commands: .venv/bin/python -m dev.hosts cut | slow | kill | heal | status | exec")
        while True:
            check_stop()
            centre.tend()
            control.serve_waiting(lambda request: handle(centre, request), _TEND_SECONDS)


def handle(centre: DataCentre, request: Request) -> Any:
    """The answer for the person, or for `exec`. Raises LocalError."""
    match request["command"]:
        case "status":
            return centre.status()
        case "green" | "switch" | "retire":
            return _roll_out(centre.rollout, request)
        case "where":
            return {**centre.locate_namespace(request["host"]), "environment": centre.environment}
        case _:
            return _inject_fault(centre, request)


def _inject_fault(centre: DataCentre, request: Request) -> str:
    """Or heal. Raises LocalError."""
    host, other = str(request.get("host")), request.get("other")
    match request["command"]:
        case "cut":
            return centre.cut(host, other, one_way=request["one_way"])
        case "slow":
            return centre.slow(host, Slowness(request["delay_ms"], request["rate_kbit"]), other)
        case "kill":
            return centre.kill(host)
        case "heal":
            return centre.heal(request["host"], other)
        case command:
            raise HostsError(f"there is no command {command}")


def _roll_out(rollout: Rollout, request: Request) -> str:
    """Raises LocalError."""
    match request["command"]:
        case "green":
            return rollout.start(Path(request["folder"]))
        case "switch":
            return rollout.switch()
        case _:
            return rollout.retire()


def _listen(port: int) -> socket.socket:
    """Raises PortTakenError."""
    try:
        return listen(LOOPBACK, port)
    except OSError as exc:
        raise PortTakenError(f"port {port} is taken; set WELNO_PORT to another, or --port") from exc


def make_network(*, wants_loopback: bool = False, without: Sequence[str] = ()) -> Network:
    """Namespaces where there are some; with a sentence for each program that is missing. Raises HostsError for what is
    no role."""
    obstacle = "as you asked for it" if wants_loopback else find_obstacle()
    absent = _absent(without)
    if obstacle is None:
        return NamespaceNetwork(lay_out(NAMESPACES, without=absent))
    # All nodes of one machine share the process that tells where each listens (epmd).
    return LoopbackNetwork(lay_out(LOOPBACK_ADDRESSES, without=absent | {HostRole.RABBITMQ}), obstacle)


def _absent(without: Sequence[str]) -> frozenset[HostRole]:
    try:
        absent = {HostRole(name) for name in without}
    except ValueError as exc:
        raise HostsError(f"{exc}; roles are {', '.join(HostRole)}") from exc
    if find_rabbitmq() is None:
        tell(f"{NO_RABBITMQ}; until then the broker is Valkey behind Sentinels")
        absent.add(HostRole.RABBITMQ)
    if find_haproxy() is None:
        tell(NO_HAPROXY)
        absent.add(HostRole.PROXY)
    return frozenset(absent)
