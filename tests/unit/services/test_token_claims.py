"""Claims that no token of ours has are seen before anybody reads them."""

from typing import Any
from uuid import uuid4

import pytest

from services.accounts.token_claims import is_well_formed

GOOD: dict[str, Any] = {
    "sub": "operator-1",
    "jti": str(uuid4()),
    "role": "operator",
    "scope": "operations",
    "type": "access",
    "sid": str(uuid4()),
    "iat": 1_764_000_000,
    "exp": 1_764_000_900,
    "issued_at": 1_764_000_000.25,
}
ODD_MOMENTS = [None, "soon", True, -1, float("nan"), float("inf"), 10**30, [], {}]
ODD_TEXTS = [None, "", 7, [], {}, "\x00", "x" * 201]
ODD_IDS = [None, "", "no uuid", 7, [], {}]
ODD = [
    *((name, value) for name in ("sub", "jti", "role", "scope", "type") for value in ODD_TEXTS),
    *((name, value) for name in ("iat", "exp", "issued_at") for value in ODD_MOMENTS),
    *((name, value) for name in ("sid", "session") for value in ODD_IDS),
]


def test_ours_are_well_formed():
    assert is_well_formed(GOOD)
    assert is_well_formed({name: value for name, value in GOOD.items() if name not in {"sid", "scope", "issued_at"}})


@pytest.mark.parametrize(("name", "value"), ODD)
def test_an_odd_claim_is_seen(name: str, value: object):
    assert not is_well_formed(GOOD | {name: value})


@pytest.mark.parametrize("name", ["sub", "jti", "role", "iat", "exp"])
def test_a_missing_claim_is_seen(name: str):
    assert not is_well_formed({other: value for other, value in GOOD.items() if other != name})
