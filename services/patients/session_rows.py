"""The rows of patients' sessions: from where and with what device each came, whose it is, whether it still counts.

What a patient's sessions have in common with runs stands in `services.patient_sessions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.sealing import Sealer, SealError
from models.patients import OpenedBy, Patient, PatientJoin, PatientSession

DEVICE_MAX = 60
# A write for each look would cost more than the look.
_SEEN_EVERY = timedelta(minutes=1)
_KEPT_FOR = timedelta(days=30)
_MOST_RECENT = 200


@dataclass(frozen=True)
class Visitor:
    """Who is at the other end, as a person would recognise it. `address` is shortened, `device` are words.
    `browser_hash` is of the number that only this browser has."""

    address: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)
    browser_hash: str | None = field(default=None, repr=False)


def note_start(session: Session, session_id: UUID, visitor: Visitor, sealer: Sealer, now: datetime) -> None:
    """A collection has begun; whose it is shows later."""
    row_id = uuid4()
    session.add(
        PatientSession(
            id=row_id,
            session_id=session_id,
            opened_by=OpenedBy.AUTHENTICATOR,
            sealed=_seal(row_id, visitor, sealer),
            browser_hash=visitor.browser_hash,
            created_at=now,
            last_seen_at=now,
        )
    )


def note_identified(session: Session, session_id: UUID, patient_uuid: UUID, proved_at: datetime) -> None:
    """The collection's person is this patient. Twice is once; also for a session that was started without a row."""
    row = {
        "id": uuid4(),
        "session_id": session_id,
        "opened_by": OpenedBy.AUTHENTICATOR,
        "patient_uuid": patient_uuid,
        "valid_from": proved_at,
        "created_at": proved_at,
        "last_seen_at": proved_at,
    }
    proof = {"patient_uuid": patient_uuid, "valid_from": proved_at}
    statement = insert(PatientSession).values(row)
    session.execute(statement.on_conflict_do_update(index_elements=[PatientSession.session_id], set_=proof))


def note_password(
    session: Session, patient_uuid: UUID, visitor: Visitor, sealer: Sealer, *, proved_at: datetime, life: timedelta
) -> UUID:
    """Somebody typed the password; the id goes into their token."""
    row_id = uuid4()
    session.add(
        PatientSession(
            id=row_id,
            patient_uuid=patient_uuid,
            opened_by=OpenedBy.PASSWORD,
            sealed=_seal(row_id, visitor, sealer),
            browser_hash=visitor.browser_hash,
            created_at=proved_at,
            last_seen_at=proved_at,
            valid_from=proved_at,
            expires_at=proved_at + life,
        )
    )
    session.flush()
    return row_id


def is_open(patient_uuid: UUID) -> Select[PatientSession]:
    """The patient's sessions that nobody has ended; none of who is being erased."""
    valid_after = func.coalesce(Patient.sessions_valid_after, PatientSession.valid_from)
    return (
        select(PatientSession)
        .join(Patient, Patient.uuid == PatientSession.patient_uuid)
        .where(PatientSession.patient_uuid == patient_uuid, Patient.erasing_since.is_(None))
        .where(PatientSession.ended_at.is_(None), PatientSession.valid_from >= valid_after)
    )


@dataclass(frozen=True)
class OpenPatientSession:
    """A session that is open, and the older patient whose records it is shown, too."""

    row: PatientSession
    older_uuid: UUID | None


def find_open(
    session: Session, patient_uuid: UUID, *, row_id: UUID | None = None, session_id: UUID | None = None
) -> OpenPatientSession | None:
    """The one with this id, or of this collection."""
    is_it = PatientSession.id == row_id if row_id is not None else PatientSession.session_id == session_id
    query = is_open(patient_uuid).where(is_it).add_columns(PatientJoin.older_uuid)
    joined = query.outerjoin(PatientJoin, PatientJoin.newer_uuid == PatientSession.patient_uuid)
    found = session.execute(joined).one_or_none()
    return OpenPatientSession(*found) if found is not None else None


def is_to_be_noted(found: PatientSession, now: datetime) -> bool:
    return now - found.last_seen_at >= _SEEN_EVERY


def note_seen(session: Session, row_id: UUID, now: datetime) -> None:
    session.execute(update(PatientSession).where(PatientSession.id == row_id).values(last_seen_at=now))


def end_rows(session: Session, patient_uuid: UUID, keep_id: UUID | None) -> list[UUID]:
    """End all of a patient's sessions but one; which. Who is let in by what was proved before this moment is out: by
    the database's clock, whatever the web processes' say."""
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    session.execute(update(Patient).where(Patient.uuid == patient_uuid).values(sessions_valid_after=now))
    theirs = (PatientSession.patient_uuid == patient_uuid, PatientSession.ended_at.is_(None))
    if keep_id is not None:
        kept = update(PatientSession).where(*theirs, PatientSession.id == keep_id)
        session.execute(kept.values(valid_from=now))
    others = update(PatientSession).where(*theirs, PatientSession.valid_from.is_distinct_from(now))
    return list(session.scalars(others.values(ended_at=now).returning(PatientSession.id)))


def end_row(session: Session, row_id: UUID) -> None:
    statement = update(PatientSession).where(PatientSession.id == row_id, PatientSession.ended_at.is_(None))
    session.execute(statement.values(ended_at=func.clock_timestamp()))


def end_row_of(session: Session, session_id: UUID) -> UUID | None:
    """Of a collection; None where it has ended before."""
    theirs = (PatientSession.session_id == session_id, PatientSession.ended_at.is_(None))
    ended = update(PatientSession).where(*theirs).values(ended_at=func.clock_timestamp())
    return session.scalar(ended.returning(PatientSession.id))


def open_visitor(found: PatientSession, sealer: Sealer) -> Visitor:
    """Nothing where nothing was kept, or where it was sealed with a key that is gone."""
    if found.sealed is None:
        return Visitor()
    try:
        return Visitor(**orjson.loads(sealer.open(found.sealed, visitor_context(found.id))))
    except SealError:
        return Visitor()


def find_recent(session: Session, patient_uuid: UUID, since: datetime) -> Sequence[PatientSession]:
    """Also such as have ended; no more than can be told apart."""
    recent = select(PatientSession).where(PatientSession.patient_uuid == patient_uuid)
    recent = recent.where(PatientSession.last_seen_at > since).order_by(PatientSession.last_seen_at.desc())
    return session.scalars(recent.limit(_MOST_RECENT)).all()


def forget_sessions(session: Session) -> int:
    """Delete sessions that nobody has used for a month; how many. By the database's clock."""
    old = delete(PatientSession).where(PatientSession.last_seen_at < func.now() - _KEPT_FOR)
    return session.connection().execute(old).rowcount


def _seal(row_id: UUID, visitor: Visitor, sealer: Sealer) -> bytes:
    told = {"address": visitor.address, "device": visitor.device}
    return sealer.seal(orjson.dumps(told), visitor_context(row_id))


def visitor_context(row_id: UUID) -> str:
    """What the seal of a session's address and device is bound to."""
    return f"patient_session/{row_id}"
