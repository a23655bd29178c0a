"""Joining a line: the next number and the next place of the day, without holes and without doubles.

The counter's row is locked by each join and by nobody else for long; it comes last in the order of locks.
"""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, select, text

from models.journey import Appointment, AppointmentStatus, Exam, QueueEntry, QueueState
from services.journey.action_context import ActionContext, read_name, read_uuid
from services.journey.bodies import queue_body
from services.journey.change import JourneyChange
from services.journey.errors import AlreadyQueued, ExamNotFound, PayloadInvalid
from services.journey.views import view_entry
from services.journey.work import JourneyWork

_NEXT = text("""
    insert into welno.queue_counters as line (exam_id, service_date, last_number, last_place)
    values (:exam_id, :service_date, 1, 1)
    on conflict (exam_id, service_date) do update
    set last_number = line.last_number + :numbers, last_place = line.last_place + 1
    returning last_number, last_place
""")


def confirm_arrival(context: ActionContext) -> None:
    """Into the line of the exam that the payload names, else of the next appointment of today."""
    change = context.change
    exam_id, appointment_id = read_name(context.payload, "exam_id"), read_uuid(context.payload, "appointment_id")
    appointment = find_appointment(change, exam_id, appointment_id)
    if exam_id is None and appointment is None:
        raise PayloadInvalid("payload.exam_id")
    context.move(exam_id=join_line(change, exam_id, appointment).exam_id)


def join_line(change: JourneyChange, exam_id: str | None, appointment: Appointment | None) -> QueueEntry:
    """With the appointment, if there is one. Raises ExamNotFound, AlreadyQueued."""
    exam = appointment.exam_id if appointment else require_exam(change.journey, exam_id)
    require_not_queued(change, exam)
    entry = open_entry(change, exam, appointment.appointment_id if appointment else None)
    if appointment is not None:
        change.change_appointment(appointment.appointment_id, AppointmentStatus.CHECKED_IN)
    return entry


def open_entry(change: JourneyChange, exam_id: str, appointment_id: UUID | None, **values: Any) -> QueueEntry:
    """At the tail of the line, with its own number."""
    journey = change.journey
    counted = _count(journey, exam_id, numbers=1)
    entry = QueueEntry(
        queue_id=uuid4(),
        user_id=change.locked.user_id,
        visit_id=change.locked.row.visit_id,
        exam_id=exam_id,
        appointment_id=appointment_id,
        service_date=journey.today,
        queue_number=counted.last_number,
        place=counted.last_place,
        place_since=journey.now,
        state=QueueState.WAITING,
        no_show_count=0,
        delay_count=0,
        call_count=0,
        joined_at=journey.now,
        updated_at=journey.now,
        **{"priority": 0} | values,
    )
    journey.session.add(entry)
    journey.session.flush()
    change.add_entry(entry)
    return entry


def take_tail(journey: JourneyWork, entry: QueueEntry) -> None:
    """A new place, behind everybody; the number stays."""
    entry.place = _count(journey, entry.exam_id, numbers=0, service_date=entry.service_date).last_place
    entry.place_since = journey.now


def find_appointment(change: JourneyChange, exam_id: str | None, appointment_id: UUID | None) -> Appointment | None:
    """Today's open one for the exam, without an exam the next one, which a snapshot tells: in the same order. One that
    is named must be theirs and open.

    Raises ExamNotFound.
    """
    journey = change.journey
    query = (
        select(Appointment)
        .where(
            Appointment.user_id == change.locked.user_id,
            Appointment.status == AppointmentStatus.SCHEDULED,
            Appointment.scheduled_at >= journey.day_begins,
            Appointment.scheduled_at < journey.day_ends,
        )
        .order_by(Appointment.scheduled_at, Appointment.exam_id, Appointment.appointment_id)
        .limit(1)
    )
    if exam_id is not None:
        query = query.where(Appointment.exam_id == exam_id)
    if appointment_id is not None:
        query = query.where(Appointment.appointment_id == appointment_id)
    found = journey.session.scalar(query)
    if found is None and appointment_id is not None:
        raise ExamNotFound
    return found


def require_exam(journey: JourneyWork, exam_id: str | None) -> str:
    """Raises ExamNotFound."""
    found = journey.session.scalar(select(Exam.exam_id).where(Exam.exam_id == exam_id))
    if found is None:
        raise ExamNotFound
    return found


def require_not_queued(change: JourneyChange, exam_id: str) -> None:
    """Raises AlreadyQueued."""
    for entry in change.locked.active:
        if entry.exam_id == exam_id:
            raise AlreadyQueued({"queue": queue_body(view_entry(change.journey, entry))})


def _count(journey: JourneyWork, exam_id: str, *, numbers: int, service_date: Any = None) -> Row[Any]:
    parameters = {"exam_id": exam_id, "service_date": service_date or journey.today, "numbers": numbers}
    return journey.session.execute(_NEXT, parameters).one()
