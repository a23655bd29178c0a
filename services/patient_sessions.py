"""A patient's open sessions, of collections and of passwords: the list, and how one or all others end.

Rights are decided from these rows; that they have ended is said over the control channel, which decides nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.names import session_subject
from models.collection import CollectionRun
from models.patients import PatientSession
from services.collection.requests import cancel_session
from services.collection.run_store import locked_run
from services.delivery.unit_of_work import Work
from services.patients.visits import end_row, end_row_of, end_rows, is_open

_MOST = 100


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


def end_one(session: Session, patient_uuid: UUID, row_id: UUID) -> list[str] | None:
    """Whose readers must be looked at again after the commit; None when there is no such session."""
    found = session.scalar(is_open(patient_uuid).where(PatientSession.id == row_id))
    if found is None:
        return None
    subjects = _take_tokens(session, [found.session_id]) if found.session_id is not None else []
    end_row(session, row_id)
    return subjects


def end_others(session: Session, patient_uuid: UUID, keep: PatientSession | None) -> list[str]:
    """As `end_one`, of all sessions but `keep`; also of such as have not proved yet whose they are, but were approved.
    The runs come first: whoever locks a run and a patient does it in this order."""
    theirs = select(CollectionRun.session_id).where(CollectionRun.patient_uuid == patient_uuid)
    kept = keep.session_id if keep is not None else None
    session_ids = [one for one in session.scalars(theirs) if one != kept]
    subjects = _take_tokens(session, session_ids)
    end_rows(session, patient_uuid, keep.id if keep is not None else None)
    return subjects


def sign_out(work: Work, session_id: UUID, now: datetime) -> None:
    """End a collection's session: nobody gets in by it any more. Before the approval the collection ends, too; after it
    what was asked for is collected and stored. Raises SessionNotFound."""
    with locked_run(work, session_id) as run:
        is_approved = run.auth_completed_at is not None
        run.token_hash = None
    work.reauthorize(session_subject(str(session_id)))
    end_row_of(work.session, session_id)
    if not is_approved:
        cancel_session(work, session_id, now=now)


def _take_tokens(session: Session, session_ids: list[UUID]) -> list[str]:
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
    return [session_subject(str(one)) for one in locked]
