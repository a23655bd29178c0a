"""A patient's open sessions, of collections and of passwords: the list, and how one or all others end.

Rights are decided from these rows; that they have ended is said over the control channel, which decides nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from core.names import session_subject
from models.collection import CollectionRun
from models.patients import Patient, PatientSession
from services.collection.requests import cancel_session, close_records
from services.collection.run_store import locked_run
from services.collection.watchers import find_due, renew_quietly
from services.delivery.kinds import Lifetime
from services.delivery.unit_of_work import Work
from services.patients.exports import withdraw_links
from services.patients.joins import stop_showing
from services.patients.session_rows import end_row, end_rows, is_open

_MOST = 100


@dataclass(frozen=True)
class EndedSessions:
    """By their rows; the collections whose token nobody holds any more; and the newer patients who are shown these
    records no more, of which the access log has to know."""

    row_ids: Sequence[UUID]
    session_ids: Sequence[UUID]
    ended_joins: Sequence[UUID] = ()

    def tell(self, work: Work) -> None:
        """Have whoever reads along by one of them looked at again, on every process, after the commit."""
        for session_id in self.session_ids:
            work.reauthorize(session_subject(str(session_id)))
        for row_id in self.row_ids:
            work.end_login(row_id)


def list_open(session: Session, patient_uuid: UUID, now: datetime) -> list[PatientSession]:
    """The newest first; no more than a person looks through."""
    is_alive = or_(
        PatientSession.expires_at > now,
        CollectionRun.token_hash.is_not(None) & (CollectionRun.expires_at > now),
    )
    query = (
        is_open(patient_uuid)
        .outerjoin(CollectionRun, CollectionRun.session_id == PatientSession.session_id)
        .where(is_alive)
        .order_by(PatientSession.created_at.desc(), PatientSession.id)
        .limit(_MOST)
    )
    return list(session.scalars(query))


def find_held(session: Session, row_ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
    """Those of them that are open, not over by time, and of nobody who is being erased; by the database's clock. With
    the collection by which each was opened, which has to live, too."""
    valid_after = func.coalesce(Patient.sessions_valid_after, PatientSession.valid_from)
    is_over = PatientSession.expires_at <= func.clock_timestamp()
    lives = CollectionRun.token_hash.is_not(None) & (CollectionRun.expires_at > func.clock_timestamp())
    query = (
        select(PatientSession.id, PatientSession.session_id)
        .join(Patient, Patient.uuid == PatientSession.patient_uuid)
        .outerjoin(CollectionRun, CollectionRun.session_id == PatientSession.session_id)
        .where(PatientSession.id.in_(row_ids), PatientSession.ended_at.is_(None), Patient.erasing_since.is_(None))
        .where(PatientSession.valid_from >= valid_after, func.coalesce(is_over, False).is_(False))
        .where(or_(PatientSession.session_id.is_(None), lives))
    )
    return {row.id: row.session_id for row in session.execute(query)}


def renew_watched(work: Work, session_ids: Collection[str], lifetime: Lifetime, now: datetime) -> None:
    """Collections' sessions by which somebody follows something: whoever watches uses them."""
    due = find_due(work.session, session_ids, lifetime, now)
    if due:
        renew_quietly(work, due, lifetime, now)


def find_all(session: Session, patient_uuid: UUID) -> EndedSessions:
    """Of a patient whose every session ends by itself, as with an erasure."""
    theirs = select(PatientSession.id).where(PatientSession.patient_uuid == patient_uuid)
    return EndedSessions(session.scalars(theirs.where(PatientSession.ended_at.is_(None))).all(), [])


def end_one(session: Session, patient_uuid: UUID, row_id: UUID) -> EndedSessions | None:
    """None when there is no such session."""
    found = session.scalar(is_open(patient_uuid).where(PatientSession.id == row_id))
    if found is None:
        return None
    session_ids = _take_tokens(session, [found.session_id]) if found.session_id is not None else []
    end_row(session, row_id)
    withdraw_links(session, patient_uuid)
    return EndedSessions([row_id], session_ids)


def end_others(session: Session, patient_uuid: UUID, keep: PatientSession | None) -> EndedSessions:
    """As `end_one`, of all sessions but `keep`; also of such as have not proved yet whose they are, but were approved.
    The runs come first: whoever locks a run and a patient does it in this order."""
    theirs = select(CollectionRun.session_id).where(CollectionRun.patient_uuid == patient_uuid)
    kept = keep.session_id if keep is not None else None
    session_ids = [one for one in session.scalars(theirs) if one != kept]
    taken = _take_tokens(session, session_ids)
    # Who reads by a join is one of the others, too; so is who was given a link to an archive.
    ended_joins = stop_showing(session, patient_uuid)
    withdraw_links(session, patient_uuid)
    return EndedSessions(end_rows(session, patient_uuid, keep.id if keep is not None else None), taken, ended_joins)


def sign_out(work: Work, session_id: UUID, now: datetime) -> None:
    """End a collection's session: nobody gets in by it any more. Before the approval the collection ends, too; after it
    what was asked for is collected and stored. Raises SessionNotFound."""
    with locked_run(work, session_id) as run:
        is_approved = run.auth_completed_at is not None
        run.token_hash = None
        if run.patient_uuid is not None:
            withdraw_links(work.session, run.patient_uuid)
    work.reauthorize(session_subject(str(session_id)))
    close_records(work, session_id)
    if not is_approved:
        cancel_session(work, session_id, now=now)


def _take_tokens(session: Session, session_ids: list[UUID]) -> Sequence[UUID]:
    """The collections themselves go on: what was paid for is stored."""
    held = select(CollectionRun.session_id).where(
        CollectionRun.session_id.in_(session_ids), CollectionRun.token_hash.is_not(None)
    )
    locked = session.scalars(held.order_by(CollectionRun.session_id).with_for_update()).all()
    session.execute(
        update(CollectionRun)
        .where(CollectionRun.session_id.in_(locked))
        .values(token_hash=None)
        .execution_options(synchronize_session=False)
    )
    return locked
