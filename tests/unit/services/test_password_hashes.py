"""Hashing and comparing passwords, with a key that the database does not hold."""

from argon2 import PasswordHasher, Type

from services.accounts.hashing import PasswordHashes

HASHES = PasswordHashes("an invented pepper of enough letters")


def test_a_hash_is_argon2id_and_salted() -> None:
    one, other = HASHES.hash("482913"), HASHES.hash("482913")
    assert one.startswith("p1$argon2id$")
    assert one != other


def test_only_the_right_password_matches() -> None:
    password_hash = HASHES.hash("482913")
    assert HASHES.check(password_hash, "482913").matches
    assert not HASHES.check(password_hash, "482914").matches


def test_without_the_key_the_right_password_does_not_match_either() -> None:
    assert not PasswordHashes("another pepper of as many letters").check(HASHES.hash("482913"), "482913").matches


def test_a_damaged_hash_matches_nothing() -> None:
    assert not HASHES.check("not a hash", "482913").matches


def test_a_hash_with_old_parameters_asks_to_be_renewed() -> None:
    weak = "p1" + PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID).hash(HASHES._peppered("x"))
    assert HASHES.check(weak, "x").needs_rehash
    assert not HASHES.check(HASHES.hash("x"), "x").needs_rehash


def test_a_hash_of_before_the_key_still_matches_and_asks_to_be_renewed() -> None:
    check = HASHES.check(PasswordHasher().hash("482913"), "482913")
    assert (check.matches, check.needs_rehash) == (True, True)
