"""Joining two patients who are one person, as after a change of their phone number, and undoing it.

Errors: JoinError (not retryable) > NotJoinable, JoinSettled.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models.patients import Patient, PatientJoin
from services.patients.exports import build_anew

UNDONE_WITHIN = timedelta(days=30)


class JoinError(Exception):
    """Nothing is changed."""

    retryable = False


class NotJoinable(JoinError):
    """One is the other, is not older, was born on another day, is being erased, or is joined already: no chart comes of
    three, nor of two people."""


class JoinSettled(JoinError):
    """Too late to undo it."""


def join_patients(session: Session, newer_uuid: UUID, older_uuid: UUID, now: datetime) -> PatientJoin:
    """Whoever calls has had the password of the older one. Twice is once. Raises NotJoinable."""
    pair = select(Patient).where(Patient.uuid.in_((newer_uuid, older_uuid))).order_by(Patient.uuid)
    patients = {patient.uuid: patient for patient in session.scalars(pair.with_for_update(key_share=True))}
    found = _find_joins(session, newer_uuid, older_uuid)
    if [(one.newer_uuid, one.older_uuid) for one in found] == [(newer_uuid, older_uuid)]:
        return found[0]
    if found or len(patients) != 2 or any(one.erasing_since is not None for one in patients.values()):
        raise NotJoinable("not these two")
    if patients[older_uuid].created_at > patients[newer_uuid].created_at:
        raise NotJoinable("the other one is the older")
    if patients[older_uuid].birth_date != patients[newer_uuid].birth_date:
        raise NotJoinable("two people, one of whom knows the other's password")
    join = PatientJoin(newer_uuid=newer_uuid, older_uuid=older_uuid, joined_at=now)
    session.add(join)
    session.flush()
    return join


def undo_join(session: Session, patient_uuid: UUID, now: datetime) -> PatientJoin | None:
    """By either of the two; what was undone, None when nothing was joined. Raises JoinSettled.

    The older one may at any time: their records are shown to somebody, who may be another than they.
    """
    found = _find_joins(session, patient_uuid)
    join = session.get(PatientJoin, found[0].newer_uuid, with_for_update=True) if found else None
    if join is None:
        return None
    if join.newer_uuid == patient_uuid and now - join.joined_at > UNDONE_WITHIN:
        raise JoinSettled("joined for too long")
    session.delete(join)
    session.flush()
    build_anew(session, join.newer_uuid)
    return join


def find_older(session: Session, patient_uuid: UUID) -> UUID | None:
    """Whose records this patient is shown, too."""
    return session.scalar(select(PatientJoin.older_uuid).where(PatientJoin.newer_uuid == patient_uuid))


def find_joined(session: Session, patient_uuid: UUID) -> Sequence[UUID]:
    """All patients who are one person with this one, and this one, in the order of their locks."""
    found = _find_joins(session, patient_uuid)
    return sorted({patient_uuid, *(one for join in found for one in (join.newer_uuid, join.older_uuid))})


def is_shown_elsewhere(session: Session, patient_uuid: UUID) -> bool:
    """Whether a newer patient is shown these records, too."""
    return session.scalar(select(PatientJoin.newer_uuid).where(PatientJoin.older_uuid == patient_uuid)) is not None


def stop_showing(session: Session, older_uuid: UUID) -> Sequence[UUID]:
    """Nobody is shown this patient's records by a password of before; who were. The access log has to know of it."""
    ended = delete(PatientJoin).where(PatientJoin.older_uuid == older_uuid).returning(PatientJoin.newer_uuid)
    ended_joins = session.scalars(ended).all()
    for newer_uuid in ended_joins:
        build_anew(session, newer_uuid)
    return ended_joins


def drop_joins(session: Session, patient_uuid: UUID) -> Sequence[UUID]:
    """Of a patient who is erased: nobody is shown their records from now on, nor they anybody's; from whom they were
    parted."""
    ended = delete(PatientJoin).where(PatientJoin.newer_uuid == patient_uuid).returning(PatientJoin.older_uuid)
    return [*stop_showing(session, patient_uuid), *session.scalars(ended)]


def _find_joins(session: Session, *patients: UUID) -> Sequence[PatientJoin]:
    theirs = or_(PatientJoin.newer_uuid.in_(patients), PatientJoin.older_uuid.in_(patients))
    return session.scalars(select(PatientJoin).where(theirs)).all()
