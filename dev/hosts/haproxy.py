"""haproxy in front of the web hosts: which of them is asked, and when one is taken out."""

import csv
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.hosts.errors import HostsError
from dev.hosts.namespaces import find_program
from dev.hosts.service import Service
from dev.hosts.topology import Host
from dev.local.health import answers
from dev.local.process import Process

NO_HAPROXY = "there is no haproxy: install Debian's package haproxy; until then the site leads to web-1 alone"
ADMIN_SOCKET = "admin.sock"
_START_SECONDS, _ADMIN_SECONDS = 30, 5


def find_haproxy() -> str | None:
    """The path of the program; None where it is not installed."""
    return find_program("haproxy")


class HaproxyAdmin:
    """Its runtime API."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def ask(self, command: str) -> str:
        """Raises HostsError when it does not listen there."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ADMIN_SECONDS)
                connection.connect(str(self._path))
                connection.sendall(f"{command}\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
        except OSError as exc:
            raise HostsError(f"haproxy does not answer at {self._path}: {exc}") from exc

    def set_state(self, server: str, state: str) -> None:
        """`ready`, `drain` (nothing new is sent to it) or `maint`. Raises HostsError."""
        if refused := self.ask(f"set server web/{server} state {state}").strip():
            raise HostsError(f"haproxy: {refused}")

    def is_up(self, server: str) -> bool:
        """As its checks have found it. Raises HostsError."""
        rows = csv.DictReader(self.ask("show stat").removeprefix("# ").splitlines())
        return any(row["pxname"] == "web" and row["svname"] == server and row["status"] == "UP" for row in rows)


@dataclass(frozen=True, slots=True)
class Behind:
    """Who is asked at which port, which is haproxy's own for it, too. At `green_port` of the web hosts a second release
    may be, which is asked when haproxy is told so."""

    web: Sequence[Host]
    web_port: int
    green_port: int
    flower: Host
    flower_port: int


def write_config(address: str, behind: Behind, admin_socket: Path) -> str:
    """Flower has a port of its own, as an origin of its own, and is asked under a name that it was told.

    The web hosts by `/readyz/process`, as docs/deploy has it: `/readyz` would take them all out when one store is away.
    Four failures, eight seconds: longer than Sentinels take for a failover, so that readers keep their sockets. Then
    all sockets of that host are closed, as its readers would else wait for what is cut. What cannot be connected
    meanwhile goes to the other host within a second.
    """
    blue = [f"    server {host.name} {host.address}:{behind.web_port} check" for host in behind.web]
    green = [f"    server {host.name}-green {host.address}:{behind.green_port} check disabled" for host in behind.web]
    servers = "\n".join([*blue, *green])
    flower = f"{behind.flower.address}:{behind.flower_port}"
    return f"""\
global
    maxconn 2000
    stats socket {admin_socket} mode 600 level admin
defaults
    mode http
    option forwardfor
    option redispatch 1
    retries 2
    timeout connect 1s
    timeout client 2m
    timeout server 2m
    timeout tunnel 1h
    timeout check 1s
frontend site
    bind {address}:{behind.web_port}
    default_backend web
frontend operators
    bind {address}:{behind.flower_port}
    default_backend flower
backend web
    balance roundrobin
    option httpchk GET /readyz/process
    default-server inter 2s fall 4 rise 1 on-marked-down shutdown-sessions
{servers}
backend flower
    option httpchk
    http-check send meth GET uri /healthcheck ver HTTP/1.1 hdr Host {flower}
    server {behind.flower.name} {flower} check inter 2s fall 4 rise 1
"""


def haproxy_service(folder: Path, host: Host, behind: Behind) -> Service:
    config = folder / "haproxy.cfg"
    process = Process("haproxy", [find_haproxy() or "haproxy", "-db", "-f", str(config)], folder / "haproxy.log")

    def start() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(write_config(host.address, behind, folder / ADMIN_SOCKET))
        process.start()

    def wait() -> None:
        process.wait_until(lambda: answers(f"http://{host.address}:{behind.web_port}/healthz"), _START_SECONDS)

    return Service("haproxy", start, lambda: process, wait)
