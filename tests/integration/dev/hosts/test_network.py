"""The network alone, without anything on its hosts: who reaches whom, in what is cut and healed."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_centre import NO_NAMESPACES, RunningHosts, run_hosts
from tests.waiting import wait_until

ONE, OTHER, THIRD = "10.77.0.61", "10.77.0.62", "10.77.0.31"
needs_namespaces = pytest.mark.skipif(NO_NAMESPACES is not None, reason=str(NO_NAMESPACES))


@pytest.fixture(scope="module")
def hosts() -> Iterator[RunningHosts]:
    with run_hosts("--bare") as hosts:
        yield hosts


@pytest.fixture
def healed(hosts: RunningHosts) -> Iterator[RunningHosts]:
    yield hosts
    hosts.do("heal")


@needs_namespaces
def test_hosts_reach_each_other(healed: RunningHosts):
    assert healed.reaches("web-1", OTHER)


@needs_namespaces
def test_a_host_that_is_cut_reaches_nobody_until_it_is_healed(healed: RunningHosts):
    healed.do("cut", "web-1")
    assert not healed.reaches("web-1", OTHER)
    assert not healed.reaches("web-2", ONE)
    healed.do("heal", "web-1")
    assert healed.reaches("web-1", OTHER)


@needs_namespaces
def test_a_link_that_is_cut_leaves_the_others(healed: RunningHosts):
    healed.do("cut", "web-1", "web-2")
    assert not healed.reaches("web-1", OTHER)
    assert healed.reaches("web-1", THIRD)
    assert healed.reaches("valkey-1", OTHER)
    healed.do("heal", "web-2", "web-1")
    assert healed.reaches("web-1", OTHER)


@needs_namespaces
def test_a_link_may_be_cut_one_way(healed: RunningHosts):
    healed.do("cut", "web-1", "web-2", "--one-way")
    status = healed.do("status")
    assert "does not reach web-2" in status
    assert "does not reach web-1" not in status


@needs_namespaces
def test_a_host_that_is_slow_still_reaches_the_others(healed: RunningHosts):
    said = healed.do("slow", "web-1")
    assert "(netem)" in said or "this kernel has no netem" in said
    assert healed.reaches("web-1", OTHER)
    assert "slow" in healed.do("status")
    healed.do("slow", "web-1", "--rate-kbit", "64")
    healed.do("heal", "web-1")
    assert "slow" not in healed.do("status")


@needs_namespaces
def test_a_host_that_is_not_there_is_named(healed: RunningHosts):
    assert "there is no host web-3" in healed.do("cut", "web-3", refused=True)


@needs_namespaces
def test_nothing_is_left_of_hosts_whose_supervisor_is_killed():
    with run_hosts("--bare") as hosts:
        inside = hosts.do("exec", "web-1", "readlink", "/proc/self/ns/net")
        hosts.process.send(signal.SIGKILL)
        hosts.process.wait(5)
        wait_until(lambda: inside not in networks_in_use())
        assert "no hosts run in" in hosts.do("status", refused=True)


def networks_in_use() -> set[str]:
    return {
        str(path.readlink()) for path in Path("/proc").glob("[0-9]*/ns/net") if path.is_symlink() and readable(path)
    }


def readable(path: Path) -> bool:
    try:
        path.readlink()
    except OSError:
        return False
    return True


def test_on_loopback_links_are_not_cut_and_it_says_so():
    with run_hosts("--bare", "--loopback") as hosts:
        assert "each host is an address of this machine's loopback instead" in hosts.said
        assert "127.77.0.61" in hosts.do("status")
        assert "no link to cut" in hosts.do("cut", "web-1", "web-2", refused=True)
        assert "nothing can be slowed" in hosts.do("slow", "web-1", refused=True)
        assert "frozen" in hosts.do("cut", "web-1")
