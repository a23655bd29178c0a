"""What is asked of a journey without changing it: the snapshot, the history, entries in lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_, select, text

from core.names import patient_subject
from models.journey import JourneyRole, JourneyState, QueueEntry, StateTransition, Visit
from services.journey.actors import JourneyActor
from services.journey.bodies import Body, queue_body, snapshot_body
from services.journey.errors import EntryNotFound, PersonNotFound
from services.journey.locking import require_user
from services.journey.views import view_entries, view_journey
from services.journey.work import JourneyWork

# The state first: within a change, which sees what others commit meanwhile, what is read after it may be newer than
# `seq` says, and is told again; never older.
_STATE = text("""
    select s.current_state, s.visit_id, coalesce(s.event_seq, 0) as event_seq,
        (select epoch from welno.welno_epoch) as epoch
    from welno.users u left join welno.patient_states s using (user_id) where u.user_id = :user_id
""")


@dataclass(frozen=True)
class JourneyHistory:
    """The steps of one visit, the oldest first."""

    visit_id: UUID | None
    transitions: Sequence[StateTransition]


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """`after` is the entry behind which the page begins."""

    user_id: UUID | None = None
    exam_id: str | None = None
    state: str | None = None
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


def read_snapshot(journey: JourneyWork, user_id: UUID, role: JourneyRole) -> Body:
    """Five statements at most. Somebody who was never here is UNREGISTERED. Within a change it stands with what the
    change has told so far. Raises PersonNotFound."""
    row: Row[Any] | None = journey.session.execute(_STATE, {"user_id": user_id}).one_or_none()
    if row is None:
        raise PersonNotFound
    state = JourneyState(row.current_state or JourneyState.UNREGISTERED)
    view = view_journey(journey, user_id, row.visit_id, state)
    seq = journey.number_with_own(patient_subject(user_id), row.event_seq)
    return snapshot_body(view, state=state, visit_id=row.visit_id, role=role, seq=seq, epoch=row.epoch, now=journey.now)


def read_history(journey: JourneyWork, user_id: UUID, visit_id: UUID | None = None) -> JourneyHistory:
    """Of the present visit, else the last one; nothing of somebody who never had one. Raises PersonNotFound, also for
    a visit that is not theirs."""
    require_user(journey, user_id)
    latest = Visit.ended_at.desc().nulls_first()
    query = select(Visit.visit_id).where(Visit.user_id == user_id).order_by(latest).limit(1)
    if visit_id is not None:
        query = query.where(Visit.visit_id == visit_id)
    found = journey.session.scalar(query)
    if found is None:
        if visit_id is not None:
            raise PersonNotFound
        return JourneyHistory(None, [])
    of_visit = (StateTransition.visit_id == found, StateTransition.user_id == user_id)
    steps = select(StateTransition).where(*of_visit).order_by(StateTransition.id)
    return JourneyHistory(found, journey.session.scalars(steps).all())


def read_entry(journey: JourneyWork, queue_id: UUID, actor: JourneyActor) -> Body:
    """For its owner and for staff. Raises EntryNotFound."""
    found = view_entries(journey, [queue_id]).get(queue_id)
    if found is None or not (actor.is_staff or found.row.user_id == actor.principal_id):
        raise EntryNotFound
    return queue_body(found)


def list_entries(journey: JourneyWork, wanted: QueueFilter) -> tuple[list[Body], tuple[datetime, UUID] | None]:
    """A page in the order of joining, the newest first, and behind which entry the next one begins. Four statements for
    any number of entries."""
    query = select(QueueEntry.queue_id, QueueEntry.joined_at)
    for column, value in (
        (QueueEntry.user_id, wanted.user_id),
        (QueueEntry.exam_id, wanted.exam_id),
        (QueueEntry.state, wanted.state),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        joined_at, queue_id = wanted.after
        earlier = and_(QueueEntry.joined_at == joined_at, QueueEntry.queue_id < queue_id)
        query = query.where(or_(QueueEntry.joined_at < joined_at, earlier))
    ordered = query.order_by(QueueEntry.joined_at.desc(), QueueEntry.queue_id.desc()).limit(wanted.limit + 1)
    rows = journey.session.execute(ordered).all()
    page = rows[: wanted.limit]
    views = view_entries(journey, [row.queue_id for row in page])
    more = (page[-1].joined_at, page[-1].queue_id) if len(rows) > wanted.limit else None
    return [queue_body(views[row.queue_id]) for row in page], more
