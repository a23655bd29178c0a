"""Public addresses may be connected to; others only where an operator has named their network."""

from ipaddress import ip_network

import pytest

from core.networks import AllowedAddresses


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "168.63.129.17", "192.0.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_a_public_address_may_be_reached(address: str):
    assert AllowedAddresses().holds(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001::7f00:1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        # A cloud's own services, to who asks from within: Azure, Oracle, IBM, Alibaba, Tencent, AWS, Google, Linode.
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "64:ff9b::a83f:8110",
        "2002:a83f:8110::",
        "192.0.0.192",
        "192.0.0.9",
        "161.26.0.7",
        "166.9.14.3",
        "100.100.100.200",
        "169.254.0.23",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:a9fe:a9fe::1",
        "fe80::a9fe:a9fe",
        "localhost",
        "",
        "127.1",
    ],
)
def test_any_other_may_not(address: str):
    assert not AllowedAddresses().holds(address)


@pytest.mark.parametrize("address", ["10.20.0.1", "::ffff:10.20.0.1", "64:ff9b::a14:1", "fd00:1::5", "fd00:1::5%eth0"])
def test_a_network_that_is_named_may_be_reached_and_its_neighbours_not(address: str):
    allowed = AllowedAddresses([ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")])
    assert allowed.holds(address)
    assert not allowed.holds("10.21.0.1")
    assert not allowed.holds("127.0.0.1")
    assert not allowed.holds("fd00:2::5")


def test_a_clouds_own_service_may_be_reached_where_it_is_named():
    allowed = AllowedAddresses([ip_network("168.63.129.16/32")])
    assert allowed.holds("168.63.129.16")
    assert not allowed.holds("192.0.0.192")
