"""What a person enters: normalized, compared, masked, sealed."""

import time
import unicodedata
from datetime import date
from typing import Any
from uuid import RFC_4122, uuid4

import pytest

from services.patients.identification import Identity, is_name, mask_name, normalize_name, normalize_phone


def make(**changes: Any) -> Identity:
    person: dict[str, Any] = {
        "user_name": "김하늘",
        "phone_no": "01012345678",
        "birthdate": date(1984, 5, 17),
        "gender": "M",
        "private_auth_type": "0",
    }
    return Identity(**(person | changes))


@pytest.mark.parametrize(
    "entered",
    [
        "김하늘",
        " 김하늘 ",
        "김하늘-웰로",
        "김하늘-님",
        "김하늘 님",
        "김하늘-웰로 님",
        "김하늘 - 웰로-님 ",
        "김하늘\t님",
        unicodedata.normalize("NFD", "김하늘"),
    ],
)
def test_endings_and_spelling_make_no_other_person(entered: str) -> None:
    assert normalize_name(entered) == "김하늘"


def test_a_name_of_endings_is_taken_apart_in_one_go() -> None:
    began = time.process_time()
    assert normalize_name("가" + "-님" * 30_000) == "가"
    assert normalize_name("가" + "-님" * 30_000 + "x").endswith("-님x")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "name", ["김하늘", "Anna-Lee O'Brien", "J. R. Kim", "남궁·하늘", "नरेंद्र", "é", "e\u0302\u0323", "가" * 60]
)
def test_letters_of_any_script_make_a_name(name: str) -> None:
    assert is_name(normalize_name(name))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "가" * 61,
        "김1",
        "-김",
        "김-",
        "김.",
        "김....늘",
        "김  -  늘",
        "김<늘",
        "김\u200b늘",
        "\u0301",
        "e" + "\u0316" * 5,
        "·",
    ],
)
def test_what_is_no_name_is_none(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["김하님", "님프", "Anna-Lee Kim", "웰로"])
def test_names_that_only_look_like_an_ending_stay(name: str) -> None:
    assert normalize_name(name) == name


@pytest.mark.parametrize(
    "entered",
    ["01012345678", "010-1234-5678", " 010 1234 5678", "+82 10-1234-5678", "+82 (0)10 1234 5678", "0082-10-1234-5678"],
)
def test_phone_numbers_are_compared_as_dialled_digits(entered: str) -> None:
    assert normalize_phone(entered) == "01012345678"


@pytest.mark.parametrize(
    ("name", "masked"),
    [("김하늘", "김*늘"), ("김별", "김*"), ("남궁하늘", "남**늘"), ("Ann Lee", "A*****e"), ("김", "*"), ("", "")],
)
def test_masked_name_shows_only_its_ends(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_repr_of_an_identity_shows_nothing_personal() -> None:
    shown = repr(make(oid="ORDER-1"))
    assert not any(secret in shown for secret in ("김하늘", "01012345678", "1984", "ORDER-1", "'M'"))


def test_identity_survives_its_json() -> None:
    identity = make(patient_uuid=uuid4(), oid="ORDER-1")
    assert Identity.from_json(identity.to_json()) == identity


def test_derived_uuid_is_equal_for_equal_persons_only() -> None:
    uuid = make().derive_uuid("key")
    assert uuid == make(user_name="김하늘-님", phone_no="+82 10 1234 5678", gender="F").derive_uuid("key")
    others = [make(user_name="김하능"), make(phone_no="01012345679"), make(birthdate=date(1984, 5, 18))]
    assert uuid not in [other.derive_uuid("key") for other in others]


def test_derived_uuid_needs_the_key_and_is_well_formed() -> None:
    uuid = make().derive_uuid("key")
    assert uuid != make().derive_uuid("another key")
    assert (uuid.version, uuid.variant) == (8, RFC_4122)
