"""Six digits that others would guess first."""

from datetime import date

import pytest

from models.patients.weak_passwords import Weakness, weakness_of

BORN, PHONE = date(1984, 5, 17), "01012345678"


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("000000", Weakness.REPEATED),
        ("121212", Weakness.REPEATED),
        ("583583", Weakness.REPEATED),
        ("775577", Weakness.REPEATED),
        ("123456", Weakness.RUNNING),
        ("890123", Weakness.RUNNING),
        ("765432", Weakness.RUNNING),
        ("159753", Weakness.COMMON),
        ("102030", Weakness.COMMON),
        ("840517", Weakness.BIRTH_DATE),
        ("198405", Weakness.BIRTH_DATE),
        ("170584", Weakness.BIRTH_DATE),
        ("051784", Weakness.BIRTH_DATE),
        ("984051", Weakness.BIRTH_DATE),
        ("101234", Weakness.PHONE),
        ("567899", Weakness.PHONE),
    ],
)
def test_what_is_weak_says_why(password: str, weakness: Weakness):
    # The last four digits of the phone, 5678, with any two beside them.
    assert weakness_of(password, BORN, "01012345678") is weakness


@pytest.mark.parametrize("password", ["482913", "592704", "804365", "730518", "019283"])
def test_other_numbers_are_taken(password: str):
    assert weakness_of(password, BORN, PHONE) is None


def test_few_numbers_are_refused():
    """A rule that refuses much would make guessing easier instead."""
    refused = sum(weakness_of(f"{number:06}", BORN, PHONE) is not None for number in range(0, 1_000_000, 7))
    assert refused / (1_000_000 / 7) < 0.01
