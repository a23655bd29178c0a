"""Tells the hospital's own system (EMR) what has changed: what is pending is put there as it is now, in five tries.

No transaction is open during a call. A thing that changes meanwhile is pending again, and whoever comes late with what
it was before makes it pending once more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.journey import Appointment, EmrEntity, EmrStatus, EmrSync, QueueEntry, Visit
from services.delivery.unit_of_work import UnitOfWork
from upstream.emr.client import EmrClient
from upstream.emr.errors import EmrError

log = get_logger(__name__)

MOST_TRIES = 5
_BATCH = 100
_ENTRY = ("queue_id", "user_id", "visit_id", "exam_id", "room_id", "appointment_id", "service_date", "queue_number")
_ENTRY_STATE = ("state", "priority", "priority_reason", "no_show_count")
_ENTRY_TIMES = ("joined_at", "called_at", "started_at", "completed_at")
# By random ids alone: who they are, the hospital knows itself.
_BODIES: Mapping[EmrEntity, tuple[Any, tuple[str, ...]]] = {
    EmrEntity.APPOINTMENT: (
        Appointment,
        ("appointment_id", "user_id", "exam_id", "scheduled_at", "status", "cancelled_reason"),
    ),
    EmrEntity.QUEUE: (QueueEntry, (*_ENTRY, *_ENTRY_STATE, *_ENTRY_TIMES)),
    EmrEntity.VISIT: (Visit, ("visit_id", "user_id", "began_at", "ended_at", "ended_by", "is_unpaid")),
}


@dataclass(frozen=True)
class EmrPush:
    """One thing as it was at `updated_at`."""

    id: int
    entity: EmrEntity
    entity_id: UUID
    updated_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class EmrPushed:
    """How many were put, and how many could not be."""

    synced: int = 0
    refused: int = 0


def push_pending(unit_of_work: UnitOfWork, client: EmrClient, keeps_on: Callable[[], bool]) -> EmrPushed:
    """Everything that is pending, once; a system that does not answer ends the turn. Several at once do no harm."""
    synced = refused = 0
    for push in _pending(unit_of_work):
        if not keeps_on():
            break
        try:
            client.put(push.entity, push.entity_id, push.body)
        except EmrError as exc:
            refused += 1
            _note(unit_of_work, push, exc.code)
            log.warning("emr_not_told", entity=push.entity, error=exc.code, http_status=exc.http_status)
            if exc.retryable:
                break
        else:
            synced += 1
            _note(unit_of_work, push, None)
    return EmrPushed(synced, refused)


def _pending(unit_of_work: UnitOfWork) -> Iterator[EmrPush]:
    """A batch at a time, until none is left that was not tried in this turn."""
    after = 0
    while True:
        with unit_of_work() as work:
            pushes = read_pending(work.session, after, _BATCH)
        if not pushes:
            return
        yield from pushes
        after = pushes[-1].id


def read_pending(session: Session, after: int, limit: int) -> list[EmrPush]:
    """In four statements at most."""
    pending = (EmrSync.status == EmrStatus.PENDING) & (EmrSync.id > after)
    rows = session.scalars(select(EmrSync).where(pending).order_by(EmrSync.id).limit(limit)).all()
    bodies = {entity: _read_bodies(session, entity, rows) for entity in EmrEntity}
    return [
        EmrPush(row.id, EmrEntity(row.entity), row.entity_id, row.updated_at, body)
        for row in rows
        if (body := bodies[EmrEntity(row.entity)].get(row.entity_id)) is not None
    ]


def _read_bodies(session: Session, entity: EmrEntity, rows: Sequence[EmrSync]) -> dict[UUID, Mapping[str, Any]]:
    wanted = [row.entity_id for row in rows if row.entity == entity]
    if not wanted:
        return {}
    model, names = _BODIES[entity]
    columns = [model.__table__.c[name] for name in names]
    found = session.execute(select(*columns).where(columns[0].in_(wanted))).mappings()
    return {row[names[0]]: dict(row) for row in found}


def _note(unit_of_work: UnitOfWork, push: EmrPush, error: str | None) -> None:
    with unit_of_work() as work:
        note_result(work.session, push, error)


def note_result(session: Session, push: EmrPush, error: str | None) -> None:
    """`error` is None where it was taken. What has changed meanwhile stays, or becomes, pending: what was just put is
    older."""
    if error is None:
        values: dict[str, Any] = {"status": EmrStatus.SYNCED, "last_error": None}
    else:
        is_last = EmrSync.attempts + 1 >= MOST_TRIES
        values = {"last_error": error, "status": case((is_last, EmrStatus.FAILED), else_=EmrStatus.PENDING)}
    same = (EmrSync.id == push.id) & (EmrSync.updated_at == push.updated_at)
    changed = session.connection().execute(update(EmrSync).where(same).values(attempts=EmrSync.attempts + 1, **values))
    if changed.rowcount == 0:
        again = {"status": EmrStatus.PENDING}
        session.connection().execute(update(EmrSync).where(EmrSync.id == push.id).values(again))
