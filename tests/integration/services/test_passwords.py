"""Passwords: five wrong tries lock for half an hour, whatever happens to the requests."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from models.patients import PatientPassword
from services.patients.identification import identify_patient
from services.patients.passwords import (
    Outcome,
    PasswordAlreadySet,
    PasswordNotSixDigits,
    Passwords,
    PasswordTooWeak,
    TryResult,
    charge_try,
)
from tests.integration.journey.ward import counted
from tests.waiting import wait_until

from .conftest import HASHES, NOW, MakeIdentity


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock().frozen(NOW) as clock:
        yield clock


@pytest.fixture
def passwords(sessions: sessionmaker[Session], clock: Clock) -> Passwords:
    return Passwords(sessions, clock, HASHES)


@pytest.fixture
def patient(sessions: sessionmaker[Session], make_identity: MakeIdentity) -> UUID:
    with sessions.begin() as session:
        return identify_patient(session, make_identity(), uuid4(), NOW).uuid


def guess(passwords: Passwords, patient: UUID, times: int) -> list[Outcome]:
    return [passwords.verify(patient, "000000").outcome for _ in range(times)]


def test_the_right_password_opens(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert passwords.verify(patient, "482913").is_right


def test_without_a_password_nothing_opens(passwords: Passwords, patient: UUID) -> None:
    assert passwords.verify(patient, "482913") == TryResult(Outcome.NOT_SET)


def test_a_wrong_guess_costs_as_much_at_nobody_as_at_somebody(
    passwords: Passwords, patient: UUID, engine: Engine
) -> None:
    """One look, one write that waits for the disk, one comparison."""

    def written_by(whom: UUID | None) -> list[str]:
        with counted(engine) as statements, engine.connect() as connection:
            before = connection.scalar(text("select pg_current_wal_insert_lsn()"))
            assert not passwords.fits(whom, "000000")
            query = text("select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), :before) > 0")
            assert connection.scalar(query, {"before": before})
        return [statement.split()[0].lower() for statement in statements if "_lsn" not in statement]

    without = written_by(patient)
    passwords.set(patient, "482913")
    assert len(written_by(patient)) == len(without) == len(written_by(None)) == 2


def test_a_password_is_set_only_once(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    with pytest.raises(PasswordAlreadySet):
        passwords.set(patient, "730518")
    assert passwords.verify(patient, "482913").is_right


def test_wrong_tries_count_down(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert [passwords.verify(patient, "000000").tries_left for _ in range(3)] == [4, 3, 2]


def test_the_fifth_wrong_try_locks_even_the_right_password(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert guess(passwords, patient, 5) == [Outcome.WRONG] * 4 + [Outcome.LOCKED]
    assert passwords.verify(patient, "482913") == TryResult(Outcome.LOCKED, locked_until=NOW + timedelta(minutes=30))


def test_the_lock_ends_after_half_an_hour(passwords: Passwords, patient: UUID, clock: Clock) -> None:
    passwords.set(patient, "482913")
    guess(passwords, patient, 5)
    clock.advance(timedelta(minutes=30))
    assert passwords.verify(patient, "000000").tries_left == 4
    assert passwords.verify(patient, "482913").is_right


def test_each_lock_in_a_row_is_twice_as_long_up_to_a_day(passwords: Passwords, patient: UUID, clock: Clock) -> None:
    passwords.set(patient, "482913")
    minutes = []
    for _ in range(8):
        until = [passwords.verify(patient, "000000") for _ in range(5)][-1].locked_until
        assert until is not None
        minutes.append((until - clock.now()) / timedelta(minutes=1))
        clock.advance(until - clock.now())
    assert minutes == [30, 60, 120, 240, 480, 960, 1440, 1440]


def test_after_a_right_try_locks_are_short_again(passwords: Passwords, patient: UUID, clock: Clock) -> None:
    passwords.set(patient, "482913")
    guess(passwords, patient, 5)
    clock.advance(timedelta(minutes=30))
    assert passwords.verify(patient, "482913").is_right
    guess(passwords, patient, 4)
    assert passwords.verify(patient, "000000").locked_until == clock.now() + timedelta(minutes=30)


@pytest.mark.parametrize("weak", ["111111", "123456", "840517", "012345", "345678"])
def test_what_others_would_guess_first_is_no_password(passwords: Passwords, patient: UUID, weak: str) -> None:
    with pytest.raises(PasswordTooWeak):
        passwords.set(patient, weak)
    passwords.set(patient, "482913")
    with pytest.raises(PasswordTooWeak):
        passwords.reset(patient, weak)


def test_a_weak_new_password_is_told_only_to_who_knows_the_present_one(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert passwords.change(patient, "000000", "840517").outcome is Outcome.WRONG
    with pytest.raises(PasswordTooWeak):
        passwords.change(patient, "482913", "840517")
    assert passwords.verify(patient, "482913") == TryResult(Outcome.RIGHT, tries_left=5)


def test_the_right_password_forgives_the_wrong_ones(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    guess(passwords, patient, 4)
    assert passwords.verify(patient, "482913").is_right
    assert passwords.verify(patient, "000000").tries_left == 4


def test_a_request_that_dies_after_the_charge_has_used_its_try(
    sessions: sessionmaker[Session], passwords: Passwords, patient: UUID
) -> None:
    passwords.set(patient, "482913")
    for _ in range(5):
        with sessions.begin() as session:
            charge_try(session, patient, NOW)
    assert passwords.verify(patient, "482913").outcome is Outcome.LOCKED


def test_guesses_at_once_get_five_comparisons(
    sessions: sessionmaker[Session], clock: Clock, passwords: Passwords, patient: UUID
) -> None:
    passwords.set(patient, "482913")
    compared: list[str] = []

    def compare(function, *args):
        compared.append(args[1])
        return function(*args)

    guesser = Passwords(sessions, clock, HASHES, run=compare)
    threads = [threading.Thread(target=guesser.verify, args=(patient, "000000")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(compared) == 5


def test_a_try_waits_for_the_count_of_the_one_before(
    sessions: sessionmaker[Session], passwords: Passwords, patient: UUID
) -> None:
    passwords.set(patient, "482913")
    left: list[int] = []

    def charge() -> None:
        with sessions.begin() as session:
            left.append(charge_try(session, patient, NOW).tries_left)

    second = threading.Thread(target=charge)
    with sessions.begin() as session, sessions.begin() as watcher:
        left.append(charge_try(session, patient, NOW).tries_left)
        second.start()
        wait_until(lambda: watcher.scalar(text("select count(*) from pg_locks where not granted")))
    second.join(timeout=10)
    assert left == [4, 3]


def test_no_transaction_is_open_while_it_is_compared(
    sessions: sessionmaker[Session], clock: Clock, passwords: Passwords, patient: UUID
) -> None:
    passwords.set(patient, "482913")

    def compare(function, *args):
        with sessions.begin() as session:  # would wait for the row's lock if it were held
            assert session.get(PatientPassword, patient, with_for_update={"nowait": True})
        return function(*args)

    assert Passwords(sessions, clock, HASHES, run=compare).verify(patient, "482913").is_right


def test_a_changed_password_replaces_the_old_one(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert passwords.change(patient, "482913", "730518").is_right
    assert passwords.verify(patient, "730518").is_right
    assert not passwords.verify(patient, "482913").is_right


def test_change_needs_the_present_password_and_counts(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    assert passwords.change(patient, "000000", "730518") == TryResult(Outcome.WRONG, tries_left=4)
    assert passwords.verify(patient, "482913").is_right


def test_change_to_anything_but_six_digits_uses_no_try(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    with pytest.raises(PasswordNotSixDigits):
        passwords.change(patient, "000000", "65432")
    assert passwords.verify(patient, "000000").tries_left == 4


def test_a_password_replaced_meanwhile_does_not_open(
    sessions: sessionmaker[Session], clock: Clock, passwords: Passwords, patient: UUID
) -> None:
    passwords.set(patient, "482913")

    def compare(function, *args):
        passwords.reset(patient, "730518")
        return function(*args)

    assert Passwords(sessions, clock, HASHES, run=compare).verify(patient, "482913").outcome is Outcome.WRONG


def test_reset_replaces_the_password_and_ends_the_lock(passwords: Passwords, patient: UUID) -> None:
    passwords.set(patient, "482913")
    guess(passwords, patient, 5)
    passwords.reset(patient, "730518")
    assert passwords.verify(patient, "730518").is_right


def test_a_hash_with_old_parameters_is_renewed(
    sessions: sessionmaker[Session], passwords: Passwords, patient: UUID
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("482913")
    with sessions.begin() as session:
        session.add(PatientPassword(patient_uuid=patient, password_hash=weak))
    assert passwords.verify(patient, "482913").is_right
    with sessions() as session:
        assert session.get_one(PatientPassword, patient).password_hash != weak
    assert passwords.verify(patient, "482913").is_right
