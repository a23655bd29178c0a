"""What is left of the address that somebody calls from."""

import pytest

from core.addresses import shorten_address


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", None),
        (None, None),
        ("no address", None),
    ],
)
def test_an_address_is_kept_without_its_end(address: str | None, kept: str | None):
    assert shorten_address(address) == kept
