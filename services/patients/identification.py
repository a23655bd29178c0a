"""Patients: finding out who a session's person is, and writing it down once.

Errors: PatientsError (not retryable by itself) > PatientNotWritten (retryable).
"""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.patients import DEFAULT_HOSPITAL, Hospital, Patient
from services.patients.identity import NAME_MAX, Identity, is_name, mask_name, normalize_name, normalize_phone
from services.patients.tombstones import is_buried

__all__ = [
    "NAME_MAX",
    "Identity",
    "PatientNotWritten",
    "PatientsError",
    "Reserved",
    "find_claimed",
    "identify_patient",
    "is_name",
    "mask_name",
    "normalize_name",
    "normalize_phone",
    "reserve_patient",
    "resolve_hospital",
]

_FIND = (
    select(Patient)
    .where(
        Patient.phone == bindparam("phone"),
        Patient.birth_date == bindparam("birth_date"),
        Patient.name == bindparam("name"),
    )
    .execution_options(populate_existing=True)
)
_LOCK = _FIND.with_for_update(key_share=True)
# No conflict target: either key may be taken.
_INSERT = insert(Patient).on_conflict_do_nothing().returning(Patient).execution_options(populate_existing=True)


class PatientsError(Exception):
    """Something about patients went wrong."""

    retryable = False


class PatientNotWritten(PatientsError):
    """The row was removed while it was written; the next try finds solid ground."""

    retryable = True


@dataclass(frozen=True)
class Reserved:
    """Who this is going to be. `known` means that the patient's row exists already."""

    patient_uuid: UUID
    hospital_id: str
    known: bool


def resolve_hospital(session: Session, hospital_id: str | None) -> str:
    """The hospital itself when we know it, else the default one: a made-up id in a link must not stop anybody."""
    if hospital_id in {None, DEFAULT_HOSPITAL}:
        return DEFAULT_HOSPITAL
    known = session.scalar(select(Hospital.hospital_id).where(Hospital.hospital_id == hospital_id))
    return known or DEFAULT_HOSPITAL


def reserve_patient(session: Session, identity: Identity, pseudonym_key: str) -> Reserved:
    """Say who this is before anything is written: the patient with this phone, birth date and name, or a UUID that
    every session of the same new person gets.

    Nothing else decides. An oid, a uuid, a hospital stand in links and prove nothing; a changed phone is a new patient
    until the password of the older one joins the two.
    """
    patient = _find(session, identity)
    if patient is not None and patient.erasing_since is None:
        return Reserved(patient.uuid, patient.hospital_id, known=True)
    derived = _derive_unburied(session, identity, pseudonym_key)
    # Somebody's whose number was another when it was derived: not this person.
    uuid = uuid4() if session.get(Patient, derived) else derived
    return Reserved(uuid, resolve_hospital(session, identity.hospital_id), known=False)


def identify_patient(session: Session, identity: Identity, reserved_uuid: UUID, now: datetime) -> Patient:
    """Write what `reserve_patient` said; a second call changes nothing. The answer may be another uuid than reserved:

    - a row with this phone, birth date and name under another uuid wins (two pseudonym keys, a race);
    - a reserved uuid that turned out to be somebody else's row is never touched: the person gets a new one.

    What is stored stays as it is, whatever this session says of sex and hospital. Raises PatientNotWritten, also while
    the person of before is being erased.
    """
    patient = _find(session, identity, lock=True)
    for uuid in (reserved_uuid, uuid4()):
        if patient is None:
            patient = _insert(session, identity, uuid, now) or _find(session, identity, lock=True)
    if patient is None:
        raise PatientNotWritten("the patient's row vanished while it was written")
    if patient.erasing_since is not None:
        raise PatientNotWritten("the same person's older records are being erased")
    return patient


def find_claimed(session: Session, name: str, birth_date: date, phone: str) -> UUID | None:
    """Whose three fields these are, as they were typed; nobody who is being erased. It proves nothing."""
    claimed = {"phone": normalize_phone(phone), "birth_date": birth_date, "name": normalize_name(name)}
    patient = session.scalar(_FIND, claimed)
    return patient.uuid if patient is not None and patient.erasing_since is None else None


def _derive_unburied(session: Session, identity: Identity, pseudonym_key: str) -> UUID:
    """A person who was erased and collects anew is a new patient."""
    derived = (identity.derive_uuid(pseudonym_key, erased_before) for erased_before in count())
    return next(uuid for uuid in derived if not is_buried(session, uuid))


def _find(session: Session, identity: Identity, *, lock: bool = False) -> Patient | None:
    """By all that the authenticator proved."""
    proved = {"phone": identity.phone_no, "birth_date": identity.birthdate, "name": identity.user_name}
    return session.scalar(_LOCK if lock else _FIND, proved)


def _insert(session: Session, identity: Identity, uuid: UUID, now: datetime) -> Patient | None:
    """The new row; None when either of its keys is taken. Waits for a session that inserts the same person."""
    row = {
        "uuid": uuid,
        "hospital_id": resolve_hospital(session, identity.hospital_id),
        "partner_id": identity.partner_id,
        "name": identity.user_name,
        "birth_date": identity.birthdate,
        "gender": identity.gender,
        "phone": identity.phone_no,
        "created_at": now,
        "updated_at": now,
    }
    return session.execute(_INSERT, row).scalar_one_or_none()
