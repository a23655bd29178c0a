"""Reads what is served as FHIR: one resource, or a page of a search. In a constant number of statements per page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.journey import (
    Appointment,
    Exam,
    HospitalRoom,
    QueueEntry,
    QueueState,
    QueueStatusLog,
    StateTransition,
    Visit,
)
from services.journey.fhir.appointments import appointment_resource
from services.journey.fhir.dates import DateBound
from services.journey.fhir.elements import Resource
from services.journey.fhir.encounters import StartedExam, encounter_resource
from services.journey.fhir.locations import floor_resource, room_resource
from services.journey.fhir.tasks import task_resource


@dataclass(frozen=True)
class FhirSearch:
    """`user_id` is whose; None for everybody's."""

    user_id: UUID | None
    dates: Sequence[DateBound] = ()
    updated: Sequence[DateBound] = ()
    count: int = 50
    offset: int = 0
    key: UUID | None = None


@dataclass(frozen=True)
class FhirPage:
    """`total` is of all pages."""

    resources: Sequence[Resource]
    total: int


@dataclass(frozen=True)
class _Source:
    """Where resources of a kind come from, and by what they are found."""

    query: Any
    key: InstrumentedAttribute[UUID]
    user_id: InstrumentedAttribute[UUID]
    date: InstrumentedAttribute[Any]
    updated_at: ColumnElement[Any]
    make: Callable[[Session, Sequence[Any]], list[Resource]]


def search_resources(session: Session, kind: str, search: FhirSearch) -> FhirPage:
    """`kind` is one of RESOURCE_KINDS. Of places there is neither whose nor when."""
    if kind == "Location":
        return _page_of(_read_locations(session), search)
    source = _SOURCES[kind]
    found = source.query.where(*_conditions(source, search))
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page = found.order_by(source.date, source.key).limit(search.count).offset(search.offset)
    rows = session.execute(page).all() if search.count else []
    return FhirPage(source.make(session, rows), total)


def find_resource(session: Session, kind: str, key: str, user_id: UUID | None) -> Resource | None:
    """None for what is unknown, and for another's."""
    if kind == "Location":
        return next((one for one in _read_locations(session) if one["id"] == key), None)
    try:
        search = FhirSearch(user_id, key=UUID(key))
    except ValueError:
        return None
    return next(iter(search_resources(session, kind, search).resources), None)


def find_owner(session: Session, kind: str, key: str) -> UUID | None:
    """Of whom a resource that was found is; a place is nobody's."""
    source = _SOURCES.get(kind)
    return None if source is None else session.scalar(select(source.user_id).where(source.key == UUID(key)))


def _conditions(source: _Source, search: FhirSearch) -> list[ColumnElement[bool]]:
    conditions = [bound.holds_for(source.date) for bound in search.dates]
    conditions += [bound.holds_for(source.updated_at) for bound in search.updated]
    if search.user_id is not None:
        conditions.append(source.user_id == search.user_id)
    if search.key is not None:
        conditions.append(source.key == search.key)
    return conditions


def _make_appointments(_: Session, rows: Sequence[Any]) -> list[Resource]:
    return [appointment_resource(row.Appointment, row.Exam) for row in rows]


def _make_encounters(session: Session, rows: Sequence[Any]) -> list[Resource]:
    visit_ids = [row.Visit.visit_id for row in rows]
    steps = select(StateTransition).where(StateTransition.visit_id.in_(visit_ids)).order_by(StateTransition.id)
    steps_of = _by_visit(session.scalars(steps).all())
    exams_of = _read_exams(session, visit_ids)
    return [
        encounter_resource(row.Visit, steps_of.get(row.Visit.visit_id, ()), exams_of.get(row.Visit.visit_id, ()))
        for row in rows
    ]


def _read_exams(session: Session, visit_ids: Sequence[UUID]) -> dict[UUID, list[StartedExam]]:
    """Those that were begun, or named as completed. One that is cancelled goes on no more, whoever did not say when."""
    room_id = func.coalesce(QueueEntry.room_id, Exam.room_id)
    is_over = QueueEntry.state != QueueState.IN_PROGRESS
    ended_at = case((is_over, func.coalesce(QueueEntry.completed_at, QueueEntry.updated_at)))
    is_begun = QueueEntry.started_at.is_not(None) | (QueueEntry.state == QueueState.COMPLETED)
    query = (
        select(QueueEntry.visit_id, room_id.label("room_id"), QueueEntry.started_at, ended_at.label("ended_at"))
        .join(Exam)
        .where(QueueEntry.visit_id.in_(visit_ids), is_begun)
        .order_by(func.coalesce(QueueEntry.started_at, ended_at), QueueEntry.queue_id)
    )
    return {
        visit_id: [StartedExam(row.room_id, row.started_at, row.ended_at) for row in rows]
        for visit_id, rows in _by_visit(session.execute(query).all()).items()
    }


def _make_tasks(session: Session, rows: Sequence[Any]) -> list[Resource]:
    queue_ids = [row.QueueEntry.queue_id for row in rows]
    cancelled = (QueueStatusLog.new_state == QueueState.CANCELLED, QueueStatusLog.queue_id.in_(queue_ids))
    logs = select(QueueStatusLog.queue_id, QueueStatusLog.reason).where(*cancelled).order_by(QueueStatusLog.id)
    reasons = {row.queue_id: row.reason for row in session.execute(logs)}
    return [task_resource(row.QueueEntry, row.Exam, reasons.get(row.QueueEntry.queue_id)) for row in rows]


def _by_visit(rows: Sequence[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.visit_id, []).append(row)
    return found


def _read_locations(session: Session) -> list[Resource]:
    rooms = session.scalars(select(HospitalRoom).order_by(HospitalRoom.floor, HospitalRoom.room_id)).all()
    floors = dict.fromkeys(room.floor for room in rooms)
    return [*map(floor_resource, floors), *map(room_resource, rooms)]


def _page_of(resources: Sequence[Resource], search: FhirSearch) -> FhirPage:
    return FhirPage(resources[search.offset : search.offset + search.count], len(resources))


def next_page(search: FhirSearch, total: int) -> FhirSearch | None:
    """None after the last one, and where nothing but the total was asked for."""
    offset = search.offset + search.count
    return replace(search, offset=offset) if search.count and offset < total else None


_LAST_STEP = (
    select(func.max(StateTransition.created_at)).where(StateTransition.visit_id == Visit.visit_id).scalar_subquery()
)
_SOURCES: Mapping[str, _Source] = {
    "Appointment": _Source(
        query=select(Appointment, Exam).join(Exam),
        key=Appointment.appointment_id,
        user_id=Appointment.user_id,
        date=Appointment.scheduled_at,
        updated_at=Appointment.updated_at.expression,
        make=_make_appointments,
    ),
    "Encounter": _Source(
        query=select(Visit),
        key=Visit.visit_id,
        user_id=Visit.user_id,
        date=Visit.began_at,
        updated_at=func.greatest(Visit.updated_at, _LAST_STEP),
        make=_make_encounters,
    ),
    "Task": _Source(
        query=select(QueueEntry, Exam).join(Exam),
        key=QueueEntry.queue_id,
        user_id=QueueEntry.user_id,
        date=QueueEntry.joined_at,
        updated_at=func.greatest(QueueEntry.updated_at, QueueEntry.joined_at),
        make=_make_tasks,
    ),
}
