"""haproxy in front of the web hosts: which of them is asked, and when one is taken out."""

from collections.abc import Sequence
from pathlib import Path

from dev.hosts.namespaces import find_program
from dev.hosts.service import Service
from dev.hosts.topology import Host
from dev.local.health import answers
from dev.local.process import Process

NO_HAPROXY = "there is no haproxy: install Debian's package haproxy; until then the site leads to web-1 alone"
_START_SECONDS = 30


def find_haproxy() -> str | None:
    """The path of the program; None where it is not installed."""
    return find_program("haproxy")


def write_config(address: str, web: Sequence[Host], port: int) -> str:
    """All at this port.

    By `/readyz/process`, as docs/deploy has it: `/readyz` would take them all out when one store is away. Four
    failures, eight seconds: longer than Sentinels take for a failover, so that readers keep their sockets. Then all
    sockets of that host are closed, as its readers would else wait for what is cut. What cannot be connected meanwhile
    goes to the other host within a second.
    """
    servers = "\n".join(f"    server {host.name} {host.address}:{port} check" for host in web)
    return f"""\
global
    maxconn 2000
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
    bind {address}:{port}
    default_backend web
backend web
    balance roundrobin
    option httpchk GET /readyz/process
    default-server inter 2s fall 4 rise 1 on-marked-down shutdown-sessions
{servers}
"""


def haproxy_service(folder: Path, host: Host, web: Sequence[Host], port: int) -> Service:
    config = folder / "haproxy.cfg"
    process = Process("haproxy", [find_haproxy() or "haproxy", "-db", "-f", str(config)], folder / "haproxy.log")

    def start() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(write_config(host.address, web, port))
        process.start()

    def wait() -> None:
        process.wait_until(lambda: answers(f"http://{host.address}:{port}/healthz"), _START_SECONDS)

    return Service("haproxy", start, lambda: process, wait)
