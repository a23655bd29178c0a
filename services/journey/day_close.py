"""The hospital's day is closed: whoever still waits is told, visits end, shifts end, missed appointments are marked.

One transaction per person; repeated, it finds nothing left.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select, union, update

from core.names import exam_subject
from models.journey import (
    Appointment,
    AppointmentStatus,
    JourneyState,
    NotificationKind,
    PatientState,
    QueueState,
    Shift,
    TriggerType,
    Visit,
    VisitEnd,
)
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.locking import lock_journey
from services.journey.work import Journeys, JourneyWork

_SOURCE = "day_close"


@dataclass(frozen=True)
class DayClosed:
    """How many people were told or sent home, and how many shifts ended."""

    people: int
    shifts: int


def close_day(journeys: Journeys) -> DayClosed:
    """Of the last closing time that has passed, however late it is now: who came after it belongs to the next."""
    moment, user_ids = journeys.run(_find_people)
    closed = sum(journeys.run(partial(close_journey, user_id=user_id, moment=moment)) for user_id in user_ids)
    return DayClosed(closed, journeys.run(partial(_end_shifts, moment=moment)))


def closing_time(journey: JourneyWork) -> datetime:
    """The last one that has passed."""
    zone, at = journey.settings.time_zone, journey.settings.day_close_at
    moment = datetime.combine(journey.today, at, zone)
    if moment > journey.now:
        moment = datetime.combine(journey.today - timedelta(days=1), at, zone)
    return moment.astimezone(UTC)


def close_journey(journey: JourneyWork, user_id: UUID, moment: datetime) -> bool:
    """Whether there was anything to close. Who is being examined stays; the checker lists them."""
    change = JourneyChange(
        journey, lock_journey(journey, user_id), _SOURCE, trigger=TriggerType.SYSTEM_AUTO, visit_end=VisitEnd.DAY_CLOSE
    )
    _miss_appointments(change, moment)
    if _began_before(change, moment):
        _cancel_entries(change)
        if change.locked.state != JourneyState.IN_PROGRESS:
            change.move(JourneyState.UNREGISTERED, TriggerType.SYSTEM_AUTO)
    if not change.has_changed:
        return False
    conclude(change)
    return True


def _find_people(journey: JourneyWork) -> tuple[datetime, list[UUID]]:
    """Up to when, and whom."""
    moment = closing_time(journey)
    visits = select(Visit.user_id).where(Visit.ended_at.is_(None), Visit.began_at < moment)
    missed = select(Appointment.user_id).where(
        Appointment.status == AppointmentStatus.SCHEDULED, Appointment.scheduled_at < moment
    )
    visitless = select(PatientState.user_id).where(
        PatientState.visit_id.is_(None),
        PatientState.current_state != JourneyState.UNREGISTERED,
        PatientState.updated_at < moment,
    )
    return moment, sorted(journey.session.scalars(union(visits, missed, visitless)))


def _began_before(change: JourneyChange, moment: datetime) -> bool:
    row = change.locked.row
    visit_id = row.visit_id
    if visit_id is None:  # left so by an earlier system
        return change.locked.state != JourneyState.UNREGISTERED and row.updated_at < moment
    return change.journey.session.get_one(Visit, visit_id).began_at < moment


def _miss_appointments(change: JourneyChange, moment: datetime) -> None:
    query = select(Appointment.appointment_id).where(
        Appointment.user_id == change.locked.user_id,
        Appointment.status == AppointmentStatus.SCHEDULED,
        Appointment.scheduled_at < moment,
    )
    for appointment_id in change.journey.session.scalars(query).all():
        change.change_appointment(appointment_id, AppointmentStatus.NO_SHOW)


def _cancel_entries(change: JourneyChange) -> None:
    for entry in change.locked.active:
        if entry.state == QueueState.IN_PROGRESS:
            continue
        change.change_entry(entry, QueueState.CANCELLED, "day_closed")
        change.change_appointment(entry.appointment_id, AppointmentStatus.CANCELLED, "day_closed")
        change.notify(NotificationKind.DAY_CLOSED, entry)


def _end_shifts(journey: JourneyWork, moment: datetime) -> int:
    ended = (
        update(Shift).where(Shift.ended_at.is_(None), Shift.started_at < moment).values(ended_at=journey.now)
    ).returning(Shift.exam_id)
    exam_ids = journey.session.scalars(ended).all()
    for exam_id in exam_ids:
        journey.work.wake(exam_subject(exam_id))
    return len(exam_ids)
