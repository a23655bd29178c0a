"""Patients' six-digit passwords: hashing, counting wrong tries, locking.

A million passwords are few, so guessing is what has to be held off. A try is counted *before* its password is compared,
in a transaction of its own: a hundred guesses at once get five comparisons, and an answer that is an error, a crash or
a cut connection takes no count back. The slow comparison runs between two short transactions and holds no row lock.

Errors: PasswordsError (not retryable) > PasswordAlreadySet, PasswordNotSixDigits, PasswordTooWeak, NoSuchPatient.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from models.patients import Patient, PatientPassword
from models.patients.weak_passwords import Weakness, weakness_of
from services.accounts.hashing import HashCheck, PasswordHashes, Run, run_here
from services.accounts.revocations import Principal, PrincipalKind, revoke_earlier

MAX_TRIES = 5
FIRST_LOCK = timedelta(minutes=30)
LONGEST_LOCK = timedelta(hours=24)
_SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)


class PasswordsError(Exception):
    """A password cannot be set like this."""

    retryable = False


class PasswordAlreadySet(PasswordsError):
    """Whoever knows the present one may change it; whoever identified anew may reset it."""


class PasswordNotSixDigits(PasswordsError):
    """The schema should have said so before."""


class PasswordTooWeak(PasswordsError):
    """What others would guess first; `weakness` says why."""

    def __init__(self, weakness: Weakness) -> None:
        super().__init__(weakness)
        self.weakness = weakness


class NoSuchPatient(PasswordsError):
    """Erased meanwhile, or never there."""


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


def check_six_digits(password: str) -> None:
    """Raises PasswordNotSixDigits."""
    if not _SIX_DIGITS.fullmatch(password):
        raise PasswordNotSixDigits("a password has six digits")


def lock_length(locks_before: int) -> timedelta:
    """Half an hour, and twice as long each time in a row, up to a day."""
    doubled: timedelta = FIRST_LOCK * 2 ** min(locks_before, 10)
    return min(doubled, LONGEST_LOCK)


# A commit that waits for the disk as one does that counts a try: it took measurably longer, where there is a password.
_WRITE_NOTHING = text("select pg_logical_emit_message(true, 'welno', '')")

# Inside a transaction


def refuse_weak(session: Session, patient_uuid: UUID, password: str) -> None:
    """Raises PasswordTooWeak, PasswordNotSixDigits, NoSuchPatient."""
    check_six_digits(password)
    weakness = read_weakness(session, patient_uuid, password)
    if weakness is not None:
        raise PasswordTooWeak(weakness)


def read_weakness(session: Session, patient_uuid: UUID, password: str) -> Weakness | None:
    """Measured by what is known of the patient. Raises NoSuchPatient."""
    query = select(Patient.birth_date, Patient.phone).where(Patient.uuid == patient_uuid)
    known = session.execute(query).one_or_none()
    if known is None:
        raise NoSuchPatient("no such patient")
    return weakness_of(password, known.birth_date, known.phone)


def set_password(session: Session, patient_uuid: UUID, password_hash: str, now: datetime) -> None:
    """The first one. Raises PasswordAlreadySet, also for the slower of two that come at once."""
    row = {"patient_uuid": patient_uuid, "password_hash": password_hash, "created_at": now, "updated_at": now}
    statement = insert(PatientPassword).values(row).on_conflict_do_nothing()
    if session.scalar(statement.returning(PatientPassword.patient_uuid)) is None:
        raise PasswordAlreadySet("this patient has a password")


def reset_password(session: Session, patient_uuid: UUID, password_hash: str, now: datetime) -> None:
    """For a person who has just identified anew: whatever was there is replaced, and a lock ends."""
    fresh = {"password_hash": password_hash, "wrong_tries": 0, "locked_until": None, "locks": 0, "updated_at": now}
    row = {"patient_uuid": patient_uuid, "created_at": now, **fresh}
    session.execute(
        insert(PatientPassword).values(row).on_conflict_do_update(index_elements=["patient_uuid"], set_=fresh)
    )


def has_password(session: Session, patient_uuid: UUID) -> bool:
    query = select(PatientPassword.patient_uuid).where(PatientPassword.patient_uuid == patient_uuid)
    return session.scalar(query) is not None


def charge_try(
    session: Session, patient_uuid: UUID, now: datetime, *, in_erasure: bool = False
) -> ChargedTry | TryResult:
    """Count a try, or say why there is none. Commit before comparing, whatever is answered afterwards.

    The fifth locks at once; `settle_try` opens again if it was right. The password of who is being erased is as none,
    but `in_erasure`.
    """
    query = select(PatientPassword).where(PatientPassword.patient_uuid == patient_uuid)
    if not in_erasure:
        query = query.where(Patient.uuid == PatientPassword.patient_uuid, Patient.erasing_since.is_(None))
    query = query.with_for_update(of=PatientPassword)
    password = session.scalar(query.execution_options(populate_existing=True))
    if password is None:
        return TryResult(Outcome.NOT_SET)
    if password.locked_until is not None and password.locked_until > now:
        return TryResult(Outcome.LOCKED, locked_until=password.locked_until)
    before = 0 if password.locked_until is not None else password.wrong_tries
    password.wrong_tries = before + 1
    password.locked_until = None
    if password.wrong_tries >= MAX_TRIES:
        password.locked_until = now + lock_length(password.locks)
        password.locks += 1
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
    values: dict[str, Any] = {"wrong_tries": 0, "locked_until": None, "locks": 0}
    if new_hash is not None:
        values |= {"password_hash": new_hash, "updated_at": now}
    compared = (PatientPassword.patient_uuid == patient_uuid) & (PatientPassword.password_hash == password_hash)
    statement = update(PatientPassword).where(compared).values(**values).returning(PatientPassword.patient_uuid)
    return session.scalar(statement) is not None


# The whole, for the edge


class Passwords:
    """Opens its own short transactions around the slow part. Do not call it inside a transaction of the same row.

    A password that is changed or reset takes back, in the same transaction, the access tokens that were given before.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        clock: Clock,
        hashes: PasswordHashes,
        run: Run = run_here,
        on_new: Callable[[Session, UUID], object] = lambda *_: None,
    ) -> None:
        """`on_new` is called in the transaction that writes a new password."""
        self._sessions = sessions
        self._on_new = on_new
        self._clock = clock
        self._hashes = hashes
        self._run = run

    def set(self, patient_uuid: UUID, password: str) -> None:
        """Raises PasswordAlreadySet, PasswordNotSixDigits, PasswordTooWeak, NoSuchPatient."""
        with self._sessions.begin() as session:
            # Before the slow part: otherwise anyone could buy hashing time with a password that is set.
            if has_password(session, patient_uuid):
                raise PasswordAlreadySet("this patient has a password")
            refuse_weak(session, patient_uuid, password)
        hashed = self._run(self._hashes.hash, password)
        with self._sessions.begin() as session:
            set_password(session, patient_uuid, hashed, self._clock.now())
            self._on_new(session, patient_uuid)

    def reset(self, patient_uuid: UUID, password: str) -> None:
        """Raises PasswordNotSixDigits, PasswordTooWeak, NoSuchPatient."""
        with self._sessions.begin() as session:
            refuse_weak(session, patient_uuid, password)
        hashed = self._run(self._hashes.hash, password)
        with self._sessions.begin() as session:
            reset_password(session, patient_uuid, hashed, self._clock.now())
            self._on_new(session, patient_uuid)
            revoke_earlier(session, Principal(PrincipalKind.PATIENT, str(patient_uuid)))

    def verify(self, patient_uuid: UUID, password: str, *, in_erasure: bool = False) -> TryResult:
        """`in_erasure`: also the one of who is being erased, for who asks for that again; it opens nothing."""
        return self._try(patient_uuid, password, None, in_erasure=in_erasure)

    def fits(self, patient_uuid: UUID | None, password: str) -> bool:
        """For who may not hear whether there is such a patient (None: there is not), a password, or a lock: takes as
        long and says as much in each case, unless it fits. Counted as `verify`."""
        with self._sessions.begin() as session:
            charged = charge_try(session, patient_uuid or uuid4(), self._clock.now())
            if isinstance(charged, TryResult):
                session.execute(_WRITE_NOTHING)
        if patient_uuid is None or isinstance(charged, TryResult):
            self._run(self._hashes.hash, password)
            return False
        return self._compare(patient_uuid, charged, password, None).is_right

    def change(self, patient_uuid: UUID, password: str, new_password: str) -> TryResult:
        """The new one is set only when the result is right.

        Raises PasswordNotSixDigits; PasswordTooWeak only after a right try: what makes it weak is the person's own.
        """
        check_six_digits(new_password)
        return self._try(patient_uuid, password, new_password)

    def _try(
        self, patient_uuid: UUID, password: str, new_password: str | None, *, in_erasure: bool = False
    ) -> TryResult:
        charged = self._charge(patient_uuid, in_erasure=in_erasure)
        return (
            charged if isinstance(charged, TryResult) else self._compare(patient_uuid, charged, password, new_password)
        )

    def _charge(self, patient_uuid: UUID, *, in_erasure: bool = False) -> ChargedTry | TryResult:
        with self._sessions.begin() as session:
            return charge_try(session, patient_uuid, self._clock.now(), in_erasure=in_erasure)

    def _compare(self, patient_uuid: UUID, charged: ChargedTry, password: str, new_password: str | None) -> TryResult:
        check = self._run(self._hashes.check, charged.password_hash, password)
        weakness = self._weakness(patient_uuid, new_password) if check.matches and new_password is not None else None
        is_changed = check.matches and new_password is not None and weakness is None
        wanted = new_password if is_changed else password if check.needs_rehash else None
        new_hash = self._run(self._hashes.hash, wanted) if wanted is not None else None
        with self._sessions.begin() as session:
            result = settle_try(session, patient_uuid, charged, check, self._clock.now(), new_hash=new_hash)
            if result.is_right and is_changed:
                self._on_new(session, patient_uuid)
                revoke_earlier(session, Principal(PrincipalKind.PATIENT, str(patient_uuid)))
        if result.is_right and weakness is not None:
            raise PasswordTooWeak(weakness)
        return result

    def _weakness(self, patient_uuid: UUID, password: str) -> Weakness | None:
        with self._sessions() as session:
            return read_weakness(session, patient_uuid, password)
