"""Which hosts there are, and at which addresses."""

import pytest

from dev.hosts.errors import HostsError
from dev.hosts.topology import LOOPBACK_ADDRESSES, NAMESPACES, SERVICES, HostRole, lay_out


def test_each_host_has_an_address_of_its_own():
    hosts = lay_out(NAMESPACES).hosts
    assert len({host.address for host in hosts} | {lay_out(NAMESPACES).gateway}) == len(hosts) + 1 == 16


def test_addresses_of_loopback_are_laid_out_alike():
    assert lay_out(LOOPBACK_ADDRESSES).find("valkey-2").address == "127.77.0.32"


@pytest.mark.parametrize("service", ["beat", "flower"])
def test_what_one_is_enough_of_is_on_one_host_alone(service: str):
    assert [host.name for host in lay_out(NAMESPACES).hosts if service in host.services] == ["worker-1"]


def test_what_nobody_runs_is_on_no_host():
    with pytest.raises(HostsError, match="no host runs nginx"):
        lay_out(NAMESPACES).running("nginx")


def test_every_role_has_services_and_hosts():
    assert {host.role for host in lay_out(NAMESPACES).hosts} == set(HostRole) == set(SERVICES)


def test_a_role_that_is_left_out_moves_no_other_address():
    without = lay_out(NAMESPACES, without=frozenset({HostRole.RABBITMQ}))
    assert without.of(HostRole.RABBITMQ) == ()
    assert without.find("web-2") == lay_out(NAMESPACES).find("web-2")


def test_a_host_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(HostsError, match=r"no host web-9; there are .*web-1, web-2"):
        lay_out(NAMESPACES).find("web-9")
