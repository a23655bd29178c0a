"""Hashing and comparing six digits."""

import pytest
from argon2 import PasswordHasher, Type

from services.patients.passwords import PasswordNotSixDigits, check_hash, hash_password


def test_a_hash_is_argon2id_and_salted() -> None:
    one, other = hash_password("123456"), hash_password("123456")
    assert one.startswith("$argon2id$")
    assert one != other


def test_only_the_right_password_matches() -> None:
    password_hash = hash_password("123456")
    assert check_hash(password_hash, "123456").matches
    assert not check_hash(password_hash, "123457").matches


@pytest.mark.parametrize("password", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", ""])
def test_anything_but_six_digits_is_refused(password: str) -> None:
    with pytest.raises(PasswordNotSixDigits):
        hash_password(password)


def test_a_damaged_hash_matches_nothing() -> None:
    assert not check_hash("not a hash", "123456").matches


def test_a_hash_with_old_parameters_asks_to_be_renewed() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID).hash("123456")
    assert check_hash(weak, "123456").needs_rehash
    assert not check_hash(hash_password("123456"), "123456").needs_rehash
