"""Patients: finding out who a session's person is, and writing it down once.

Errors: PatientsError (not retryable by itself) > PatientNotWritten (retryable).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import DEFAULT_HOSPITAL, DEFAULT_PARTNER, CampaignPayment, Hospital, Patient
from services.identity import Identity, mask_name, normalize_name, normalize_phone

__all__ = [
    "Identity",
    "PatientNotWritten",
    "PatientsError",
    "Reserved",
    "identify_patient",
    "mask_name",
    "normalize_name",
    "normalize_phone",
    "reserve_patient",
    "resolve_hospital",
]


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
    """Say who this is before anything is written: by campaign order, by phone + birth date + name, by the browser's
    hint, or a UUID that every session of the same new person gets.

    An order or a hint counts only when name and birth date of its patient are this person's (the phone may have
    changed): an oid or a uuid stands in links and is no proof of anything.
    """
    derived = identity.derive_uuid(pseudonym_key)
    patient = (
        _find_by_order(session, identity)
        or _find_by_natural_key(session, identity)
        or _find_fitting(session, identity, identity.patient_uuid)
        or _find_fitting(session, identity, derived)
    )
    hospital = _choose_hospital(session, identity, patient)
    return Reserved(patient.uuid if patient else derived, hospital, patient is not None)


def identify_patient(session: Session, identity: Identity, reserved_uuid: UUID, now: datetime) -> Patient:
    """Write what `reserve_patient` said; a second call changes nothing. The answer may be another uuid than reserved:

    - a row with this phone, birth date and name under another uuid wins (two pseudonym keys, a race);
    - a reserved uuid that turned out to be somebody else's row is never touched: the person gets a new one.

    Raises PatientNotWritten.
    """
    patient = _find_for_update(session, identity, reserved_uuid)
    for uuid in (reserved_uuid, uuid4()):
        if patient is None:
            _insert(session, identity, uuid, now)
            patient = _find_for_update(session, identity, reserved_uuid)
    if patient is None:
        raise PatientNotWritten("the patient's row vanished while it was written")
    _bring_up_to_date(session, patient, identity, now)
    return patient


def _find_by_order(session: Session, identity: Identity) -> Patient | None:
    if identity.oid is None:
        return None
    query = select(CampaignPayment.patient_uuid).where(CampaignPayment.oid == identity.oid)
    return _find_fitting(session, identity, session.scalar(query))


def _find_by_natural_key(session: Session, identity: Identity, *, lock: bool = False) -> Patient | None:
    query = select(Patient).where(
        Patient.phone == identity.phone_no,
        Patient.birth_date == identity.birthdate,
        Patient.name == identity.user_name,
    )
    if lock:
        query = query.with_for_update(key_share=True)
    return session.scalar(query.execution_options(populate_existing=True))


def _find_fitting(
    session: Session, identity: Identity, patient_uuid: UUID | None, *, lock: bool = False
) -> Patient | None:
    if patient_uuid is None:
        return None
    query = select(Patient).where(Patient.uuid == patient_uuid)
    if lock:
        query = query.with_for_update(key_share=True)
    patient = session.scalar(query.execution_options(populate_existing=True))
    return patient if patient and identity.is_same_person(patient.name, patient.birth_date) else None


def _find_for_update(session: Session, identity: Identity, reserved_uuid: UUID) -> Patient | None:
    """The reserved row comes first: its uuid has already been announced to the browser."""
    reserved = _find_fitting(session, identity, reserved_uuid, lock=True)
    return reserved or _find_by_natural_key(session, identity, lock=True)


def _choose_hospital(session: Session, identity: Identity, patient: Patient | None) -> str:
    """The hospital that sent the person now, else the one they belong to. The default one replaces none."""
    hospital = resolve_hospital(session, identity.hospital_id)
    return patient.hospital_id if patient and hospital == DEFAULT_HOSPITAL else hospital


def _insert(session: Session, identity: Identity, uuid: UUID, now: datetime) -> None:
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
    # No conflict target: either key may be taken. It also waits for another session that inserts the same person.
    session.execute(insert(Patient).values(row).on_conflict_do_nothing())


def _bring_up_to_date(session: Session, patient: Patient, identity: Identity, now: datetime) -> None:
    current = {
        "hospital_id": _choose_hospital(session, identity, patient),
        "partner_id": patient.partner_id if identity.partner_id == DEFAULT_PARTNER else identity.partner_id,
        "gender": identity.gender,
    }
    changed = {name: value for name, value in current.items() if getattr(patient, name) != value}
    if changed:
        session.execute(update(Patient).where(Patient.uuid == patient.uuid).values(**changed, updated_at=now))
    if patient.phone != identity.phone_no:
        _move_phone(session, patient, identity, now)
    session.refresh(patient)


def _move_phone(session: Session, patient: Patient, identity: Identity, now: datetime) -> None:
    """Note the new number, unless another row has this phone, birth date and name: then both rows stay as they are."""
    change = update(Patient).where(Patient.uuid == patient.uuid).values(phone=identity.phone_no, updated_at=now)
    try:
        with session.begin_nested():
            session.execute(change)
    except IntegrityError:
        return
