"""Patients: finding out who a session's person is, and writing it down once.

Errors: PatientsError (not retryable by itself) > PatientNotWritten (retryable).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.patients import DEFAULT_HOSPITAL, DEFAULT_PARTNER, CampaignPayment, Hospital, Patient
from services.patients.identity import NAME_MAX, Identity, is_name, mask_name, normalize_name, normalize_phone

__all__ = [
    "NAME_MAX",
    "Identity",
    "PatientNotWritten",
    "PatientsError",
    "Reserved",
    "identify_patient",
    "is_name",
    "mask_name",
    "normalize_name",
    "normalize_phone",
    "reserve_patient",
    "resolve_hospital",
]

_FIND_ROWS = (
    select(Patient)
    .where(
        or_(
            Patient.uuid.in_(bindparam("uuids", expanding=True)),
            and_(
                Patient.phone == bindparam("phone"),
                Patient.birth_date == bindparam("birth_date"),
                Patient.name == bindparam("name"),
            ),
        )
    )
    .order_by(Patient.uuid)
    .execution_options(populate_existing=True)
)
_LOCK_ROWS = _FIND_ROWS.with_for_update(key_share=True)
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
    """Say who this is before anything is written: by campaign order, by phone + birth date + name, by the browser's
    hint, or a UUID that every session of the same new person gets.

    An order or a hint counts only when name and birth date of its patient are this person's (the phone may have
    changed): an oid or a uuid stands in links and is no proof of anything.
    """
    derived = identity.derive_uuid(pseudonym_key)
    ordered = _ordered_for(session, identity)
    known = _find_all(session, identity, {ordered, identity.patient_uuid, derived})
    patient = (
        known.fitting(ordered) or known.by_natural_key or known.fitting(identity.patient_uuid) or known.fitting(derived)
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
            patient = _insert(session, identity, uuid, now) or _find_for_update(session, identity, reserved_uuid)
    if patient is None:
        raise PatientNotWritten("the patient's row vanished while it was written")
    _bring_up_to_date(session, patient, identity, now)
    return patient


def _ordered_for(session: Session, identity: Identity) -> UUID | None:
    """The patient of the person's campaign order."""
    if identity.oid is None:
        return None
    return session.scalar(select(CampaignPayment.patient_uuid).where(CampaignPayment.oid == identity.oid))


@dataclass(frozen=True)
class _Known:
    """The rows that may be this person's."""

    identity: Identity
    rows: dict[UUID, Patient]

    @property
    def by_natural_key(self) -> Patient | None:
        wanted = (self.identity.phone_no, self.identity.birthdate, self.identity.user_name)
        return next((row for row in self.rows.values() if (row.phone, row.birth_date, row.name) == wanted), None)

    def fitting(self, patient_uuid: UUID | None) -> Patient | None:
        row = self.rows.get(patient_uuid) if patient_uuid else None
        return row if row and self.identity.is_same_person(row.name, row.birth_date) else None


def _find_all(session: Session, identity: Identity, uuids: set[UUID | None], *, lock: bool = False) -> _Known:
    """All rows in question at once, locked in the order of their uuids, so that no two sessions lock crosswise."""
    values = {
        "uuids": [uuid for uuid in uuids if uuid],
        "phone": identity.phone_no,
        "birth_date": identity.birthdate,
        "name": identity.user_name,
    }
    rows = session.execute(_LOCK_ROWS if lock else _FIND_ROWS, values).scalars()
    return _Known(identity, {row.uuid: row for row in rows})


def _find_for_update(session: Session, identity: Identity, reserved_uuid: UUID) -> Patient | None:
    """The reserved row comes first: its uuid has already been announced to the browser."""
    known = _find_all(session, identity, {reserved_uuid}, lock=True)
    return known.fitting(reserved_uuid) or known.by_natural_key


def _choose_hospital(session: Session, identity: Identity, patient: Patient | None) -> str:
    """The hospital that sent the person now, else the one they belong to. The default one replaces none."""
    hospital = resolve_hospital(session, identity.hospital_id)
    return patient.hospital_id if patient and hospital == DEFAULT_HOSPITAL else hospital


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


def _bring_up_to_date(session: Session, patient: Patient, identity: Identity, now: datetime) -> None:
    current = {
        "hospital_id": _choose_hospital(session, identity, patient),
        "partner_id": patient.partner_id if identity.partner_id == DEFAULT_PARTNER else identity.partner_id,
        "gender": identity.gender,
    }
    changed = {name: value for name, value in current.items() if getattr(patient, name) != value}
    moved = patient.phone != identity.phone_no
    if changed:
        session.execute(update(Patient).where(Patient.uuid == patient.uuid).values(**changed, updated_at=now))
    if moved:
        _move_phone(session, patient, identity, now)
    if changed or moved:
        session.refresh(patient)


def _move_phone(session: Session, patient: Patient, identity: Identity, now: datetime) -> None:
    """Note the new number, unless another row has this phone, birth date and name: then both rows stay as they are."""
    change = update(Patient).where(Patient.uuid == patient.uuid).values(phone=identity.phone_no, updated_at=now)
    try:
        with session.begin_nested():
            session.execute(change)
    except IntegrityError:
        return
