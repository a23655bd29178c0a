"""The network alone, without anything on its hosts: who reaches whom, in what is cut and healed."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_centre import RunningHosts, require_namespaces, run_hosts
from tests.waiting import wait_until

ONE, OTHER, THIRD = "10.77.0.61", "10.77.0.62", "10.77.0.31"
PORT = 7777
SENT_BYTES, SLOW_SECONDS = 16_384, 0.8


@pytest.fixture(scope="module")
def hosts() -> Iterator[RunningHosts]:
    require_namespaces()
    with run_hosts("--network-only") as hosts:
        yield hosts


@pytest.fixture
def healed(hosts: RunningHosts) -> Iterator[RunningHosts]:
    yield hosts
    hosts.do("heal")


def test_hosts_reach_each_other(healed: RunningHosts):
    assert healed.reaches("web-1", OTHER)


def test_a_host_that_is_cut_reaches_nobody_until_it_is_healed(healed: RunningHosts):
    healed.do("cut", "web-1")
    assert not healed.reaches("web-1", OTHER)
    assert not healed.reaches("web-2", ONE)
    healed.do("heal", "web-1")
    assert healed.reaches("web-1", OTHER)


def test_a_link_that_is_cut_leaves_the_others(healed: RunningHosts):
    healed.do("cut", "web-1", "web-2")
    assert not healed.reaches("web-1", OTHER)
    assert healed.reaches("web-1", THIRD)
    assert healed.reaches("valkey-1", OTHER)
    healed.do("heal", "web-2", "web-1")
    assert healed.reaches("web-1", OTHER)


def test_a_link_may_be_cut_one_way(healed: RunningHosts):
    healed.do("cut", "web-1", "web-2", "--one-way")
    status = healed.do("status")
    assert "does not reach web-2" in status
    assert "does not reach web-1" not in status
    assert hears(healed, "web-1", ONE, sender="web-2")
    assert not hears(healed, "web-2", OTHER, sender="web-1")
    healed.do("heal", "web-1", "web-2")
    assert hears(healed, "web-2", OTHER, sender="web-1")


def test_a_host_that_is_slow_still_reaches_the_others(healed: RunningHosts):
    said = healed.do("slow", "web-1")
    assert "(netem)" in said or "this kernel has no netem" in said
    assert healed.reaches("web-1", OTHER)
    assert "slow" in healed.do("status")
    healed.do("slow", "web-1", "--rate-kbit", "64")
    healed.do("heal", "web-1")
    assert "slow" not in healed.do("status")


def test_a_link_that_is_slow_leaves_the_others(healed: RunningHosts):
    assert "web-1 - web-2: " in healed.do("slow", "web-1", "web-2", "--rate-kbit", "64", "--delay-ms", "500")
    status = healed.do("status")
    assert ("slow to web-2" in status, "slow to web-1" in status) == (True, True)
    assert seconds_to_send(healed, "web-1", OTHER, receiver="web-2") > SLOW_SECONDS
    assert seconds_to_send(healed, "web-1", THIRD, receiver="valkey-1") < SLOW_SECONDS
    healed.do("slow", "web-1", "valkey-1", "--rate-kbit", "64", "--delay-ms", "500")
    healed.do("heal", "web-2", "web-1")
    assert seconds_to_send(healed, "web-1", OTHER, receiver="web-2") < SLOW_SECONDS
    assert seconds_to_send(healed, "web-1", THIRD, receiver="valkey-1") > SLOW_SECONDS


def test_python_on_a_host_is_the_one_with_the_products_packages(healed: RunningHosts):
    assert healed.do("exec", "web-1", "python", "-c", "import sys; print(sys.executable)").strip() == sys.executable


def test_a_host_that_is_not_there_is_named(healed: RunningHosts):
    assert "there is no host web-3" in healed.do("cut", "web-3", refused=True)


def test_nothing_is_left_of_hosts_whose_supervisor_is_killed():
    require_namespaces()
    with run_hosts("--network-only") as hosts:
        inside = hosts.do("exec", "web-1", "readlink", "/proc/self/ns/net").strip()
        assert inside in networks_in_use()
        hosts.process.send(signal.SIGKILL)
        hosts.process.wait(5)
        wait_until(lambda: inside not in networks_in_use())
        assert "no hosts run in" in hosts.do("status", refused=True)


def test_on_loopback_links_are_not_cut_and_it_says_so():
    with run_hosts("--network-only", "--loopback") as hosts:
        assert "each host is an address of this machine's loopback instead" in hosts.said
        assert "127.77.0.61" in hosts.do("status")
        assert "no link to cut" in hosts.do("cut", "web-1", "web-2", refused=True)
        assert "nothing can be slowed" in hosts.do("slow", "web-1", refused=True)
        assert "frozen" in hosts.do("cut", "web-1")


RECEIVE = """
import socket
receiver = socket.socket(type=socket.SOCK_DGRAM)
receiver.bind(("", {port}))
receiver.settimeout(10)
print("bound", flush=True)
receiver.recv(1)
"""
SEND = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ({address!r}, {port}))"


def hears(hosts: RunningHosts, receiver: str, address: str, *, sender: str) -> bool:
    """Whether one datagram gets there: TCP would need both ways."""
    receive, send = RECEIVE.format(port=PORT), SEND.format(address=address, port=PORT)
    with hosts.begin("exec", receiver, sys.executable, "-c", receive) as receiving:
        assert receiving.stdout is not None
        assert receiving.stdout.readline() == "bound\n"
        hosts.do("exec", sender, sys.executable, "-c", send)
        return receiving.wait(20) == 0


ACCEPT = """
import socket
with socket.create_server(("", {port})) as listener:
    print("bound", flush=True)
    connection, _ = listener.accept()
    while connection.recv(65536):
        pass
"""
CONNECT_AND_SEND = """
import socket, time
began = time.monotonic()
with socket.create_connection(({address!r}, {port}), 60) as connection:
    connection.sendall(b"x" * {size})
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
print(time.monotonic() - began)
"""


def seconds_to_send(hosts: RunningHosts, sender: str, address: str, *, receiver: str) -> float:
    """16 KiB, until all is acknowledged: by 500 ms each way or by 64 kbit/s it takes a second or more."""
    accept = ACCEPT.format(port=PORT)
    send = CONNECT_AND_SEND.format(address=address, port=PORT, size=SENT_BYTES)
    with hosts.begin("exec", receiver, sys.executable, "-c", accept) as receiving:
        assert receiving.stdout is not None
        assert receiving.stdout.readline() == "bound\n"
        seconds = float(hosts.do("exec", sender, sys.executable, "-c", send))
        assert receiving.wait(20) == 0
    return seconds


def networks_in_use() -> set[str]:
    """Of threads that are in one, and of descriptors that keep one."""
    processes = Path("/proc")
    links = [*processes.glob("[0-9]*/task/[0-9]*/ns/net"), *processes.glob("[0-9]*/fd/[0-9]*")]
    return {target for link in links if (target := read_link(link)).startswith("net:[")}


def read_link(link: Path) -> str:
    """Empty when its process has ended meanwhile."""
    try:
        return str(link.readlink())
    except OSError:
        return ""
