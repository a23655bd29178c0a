"""Whom a limit counts, and which addresses other machines reach; the whole address of a host."""

import pytest

from webapp.addresses import host_of, is_beyond_this_machine, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("somebody", "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str | None, network: str):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8:1:2:0:0:0:1", "2001:db8:1:2::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", "unknown"),
        (None, "unknown"),
        ("somebody", "unknown"),
    ],
)
def test_a_host_keeps_its_whole_address(address: str | None, host: str):
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("bound", "beyond"),
    [
        (("127.0.0.1", 8000), False),
        (("127.0.0.2", 8000), False),
        (("::1", 8000), False),
        (("localhost", 8000), False),
        ("/run/welno/web.sock", False),
        (("0.0.0.0", 8000), True),
        (("::", 8000), True),
        (("10.0.0.7", 8000), True),
        (("web.internal", 8000), True),
    ],
)
def test_who_listens_beyond_this_machine_is_known(bound: tuple[str, int] | str, beyond: bool):
    assert is_beyond_this_machine(bound) == beyond
