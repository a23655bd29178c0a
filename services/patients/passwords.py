"""Patients' six-digit passwords: hashing, counting wrong tries, locking.

A million passwords are few, so guessing is what has to be held off. A try is counted *before* its password is compared,
in a transaction of its own: a hundred guesses at once get five comparisons, and an answer that is an error, a crash or
a cut connection takes no count back. The slow comparison runs between two short transactions and holds no row lock.

Errors: PasswordsError (not retryable) > PasswordAlreadySet, PasswordNotSixDigits.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from models.patients import PatientPassword
from services.accounts.revocations import Principal, PrincipalKind, revoke_earlier

MAX_TRIES = 5
LOCK = timedelta(minutes=30)
_SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)
_HASHER = PasswordHasher()
ResultT = TypeVar("ResultT")


class PasswordsError(Exception):
    """A password cannot be set like this."""

    retryable = False


class PasswordAlreadySet(PasswordsError):
    """Whoever knows the present one may change it; whoever identified anew may reset it."""


class PasswordNotSixDigits(PasswordsError):
    """The schema should have said so before."""


class Outcome(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    NOT_SET = "not_set"


@dataclass(frozen=True)
class TryResult:
    """What a try came to. `tries_left` counts until the lock; `locked_until` is set while it is locked."""

    outcome: Outcome
    tries_left: int = 0
    locked_until: datetime | None = None

    @property
    def is_right(self) -> bool:
        return self.outcome is Outcome.RIGHT


@dataclass(frozen=True, repr=False)
class ChargedTry:
    """A try that has been counted and may be compared."""

    password_hash: str
    tries_left: int
    locked_until: datetime | None

    def __repr__(self) -> str:
        return "ChargedTry(...)"


@dataclass(frozen=True)
class HashCheck:
    """`needs_rehash`: it fits, but was hashed with parameters that are no longer ours."""

    matches: bool
    needs_rehash: bool = False


# Pure: slow on purpose, to be run in a thread, outside of any transaction


def hash_password(password: str) -> str:
    """Argon2id with a salt of its own. Raises PasswordNotSixDigits."""
    if not _SIX_DIGITS.fullmatch(password):
        raise PasswordNotSixDigits("a password has six digits")
    return _HASHER.hash(password)


def check_hash(password_hash: str, password: str) -> HashCheck:
    try:
        _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return HashCheck(matches=False)
    return HashCheck(matches=True, needs_rehash=_HASHER.check_needs_rehash(password_hash))


# Inside a transaction


def set_password(session: Session, patient_uuid: UUID, password_hash: str, now: datetime) -> None:
    """The first one. Raises PasswordAlreadySet, also for the slower of two that come at once."""
    row = {"patient_uuid": patient_uuid, "password_hash": password_hash, "created_at": now, "updated_at": now}
    statement = insert(PatientPassword).values(row).on_conflict_do_nothing()
    if session.scalar(statement.returning(PatientPassword.patient_uuid)) is None:
        raise PasswordAlreadySet("this patient has a password")


def reset_password(session: Session, patient_uuid: UUID, password_hash: str, now: datetime) -> None:
    """For a person who has just identified anew: whatever was there is replaced, and a lock ends."""
    fresh = {"password_hash": password_hash, "wrong_tries": 0, "locked_until": None, "updated_at": now}
    row = {"patient_uuid": patient_uuid, "created_at": now, **fresh}
    session.execute(
        insert(PatientPassword).values(row).on_conflict_do_update(index_elements=["patient_uuid"], set_=fresh)
    )


def has_password(session: Session, patient_uuid: UUID) -> bool:
    query = select(PatientPassword.patient_uuid).where(PatientPassword.patient_uuid == patient_uuid)
    return session.scalar(query) is not None


def charge_try(session: Session, patient_uuid: UUID, now: datetime) -> ChargedTry | TryResult:
    """Count a try, or say why there is none. Commit before comparing, whatever is answered afterwards.

    The fifth locks at once; `settle_try` opens again if it was right.
    """
    query = select(PatientPassword).where(PatientPassword.patient_uuid == patient_uuid).with_for_update()
    password = session.scalar(query.execution_options(populate_existing=True))
    if password is None:
        return TryResult(Outcome.NOT_SET)
    if password.locked_until is not None and password.locked_until > now:
        return TryResult(Outcome.LOCKED, locked_until=password.locked_until)
    before = 0 if password.locked_until is not None else password.wrong_tries
    password.wrong_tries = before + 1
    password.locked_until = now + LOCK if password.wrong_tries >= MAX_TRIES else None
    session.flush()
    return ChargedTry(password.password_hash, MAX_TRIES - password.wrong_tries, password.locked_until)


def settle_try(
    session: Session,
    patient_uuid: UUID,
    charged: ChargedTry,
    check: HashCheck,
    now: datetime,
    *,
    new_hash: str | None = None,
) -> TryResult:
    """A right try takes the count back, and with `new_hash` replaces the hash. A password that was replaced between
    charge and settlement is not the one that was compared: the try stays wrong."""
    if check.matches and _settle_right(session, patient_uuid, charged.password_hash, new_hash, now):
        return TryResult(Outcome.RIGHT, tries_left=MAX_TRIES)
    if charged.locked_until is not None:
        return TryResult(Outcome.LOCKED, locked_until=charged.locked_until)
    return TryResult(Outcome.WRONG, tries_left=charged.tries_left)


def _settle_right(
    session: Session, patient_uuid: UUID, password_hash: str, new_hash: str | None, now: datetime
) -> bool:
    values: dict[str, Any] = {"wrong_tries": 0, "locked_until": None}
    if new_hash is not None:
        values |= {"password_hash": new_hash, "updated_at": now}
    compared = (PatientPassword.patient_uuid == patient_uuid) & (PatientPassword.password_hash == password_hash)
    statement = update(PatientPassword).where(compared).values(**values).returning(PatientPassword.patient_uuid)
    return session.scalar(statement) is not None


# The whole, for the edge


class Run(Protocol):
    """Runs a slow pure function somewhere it may block: a thread pool under gevent, the caller's thread elsewhere."""

    def __call__(self, function: Callable[..., ResultT], *args: str) -> ResultT: ...


def run_here(function: Callable[..., ResultT], *args: str) -> ResultT:
    return function(*args)


class Passwords:
    """Opens its own short transactions around the slow part. Do not call it inside a transaction of the same row.

    A password that is changed or reset takes back, in the same transaction, the access tokens that were given before.
    """

    def __init__(self, sessions: sessionmaker[Session], clock: Clock, run: Run = run_here) -> None:
        self._sessions = sessions
        self._clock = clock
        self._run = run

    def set(self, patient_uuid: UUID, password: str) -> None:
        """Raises PasswordAlreadySet, PasswordNotSixDigits."""
        with self._sessions.begin() as session:
            # Before the slow part: otherwise anyone could buy hashing time with a password that is set.
            if has_password(session, patient_uuid):
                raise PasswordAlreadySet("this patient has a password")
        hashed = self._run(hash_password, password)
        with self._sessions.begin() as session:
            set_password(session, patient_uuid, hashed, self._clock.now())

    def reset(self, patient_uuid: UUID, password: str) -> None:
        """Raises PasswordNotSixDigits."""
        hashed = self._run(hash_password, password)
        with self._sessions.begin() as session:
            reset_password(session, patient_uuid, hashed, self._clock.now())
            revoke_earlier(session, Principal(PrincipalKind.PATIENT, str(patient_uuid)))

    def verify(self, patient_uuid: UUID, password: str) -> TryResult:
        return self._try(patient_uuid, password, None)

    def change(self, patient_uuid: UUID, password: str, new_password: str) -> TryResult:
        """The new one is set only when the result is right. Raises PasswordNotSixDigits."""
        return self._try(patient_uuid, password, new_password)

    def _try(self, patient_uuid: UUID, password: str, new_password: str | None) -> TryResult:
        if new_password is not None and not _SIX_DIGITS.fullmatch(new_password):
            raise PasswordNotSixDigits("a password has six digits")
        with self._sessions.begin() as session:
            charged = charge_try(session, patient_uuid, self._clock.now())
        if isinstance(charged, TryResult):
            return charged
        check = self._run(check_hash, charged.password_hash, password)
        wanted = new_password or (password if check.needs_rehash else None)
        new_hash = self._run(hash_password, wanted) if wanted and check.matches else None
        with self._sessions.begin() as session:
            result = settle_try(session, patient_uuid, charged, check, self._clock.now(), new_hash=new_hash)
            if result.is_right and new_password is not None:
                revoke_earlier(session, Principal(PrincipalKind.PATIENT, str(patient_uuid)))
            return result
