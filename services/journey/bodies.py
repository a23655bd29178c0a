"""The JSON of a journey: the snapshot, entries, appointments. It holds no name, phone or birth date."""

from datetime import datetime
from typing import Any
from uuid import UUID

from models.journey import JourneyRole, JourneyState
from models.journey.states import available_actions, phase_of
from services.journey.guidance import MapPoint, guidance_body
from services.journey.line_events import estimate_body
from services.journey.views import AppointmentView, EntryView, JourneyView

Body = dict[str, Any]


def snapshot_body(
    view: JourneyView,
    *,
    state: JourneyState,
    visit_id: UUID | None,
    role: JourneyRole,
    seq: int,
    epoch: str,
    now: datetime,
) -> Body:
    """What the person's page shows, and what `role` may do; `seq` is where `patient:` stands with it."""
    next_appointment = view.next_appointment
    return {
        "journey_state": str(state),
        "phase": str(phase_of(state)),
        "visit_id": visit_id and str(visit_id),
        "queue_details": [entry_body(entry) for entry in view.entries],
        "appointments": [appointment_body(one) for one in view.appointments],
        "available_actions": [str(action) for action in available_actions(role, state)],
        "delays_left": view.delays_left,
        "next_appointment": next_appointment and appointment_body(next_appointment),
        "guidance": view.guidance and guidance_body(view.guidance),
        "last_seq": seq,
        "epoch": epoch,
        "timestamp": now.isoformat(),
    }


def entry_body(view: EntryView) -> Body:
    """As in the snapshot."""
    row = view.row
    return {
        "queue_id": str(row.queue_id),
        "exam_id": row.exam_id,
        "exam_name": row.exam_name,
        "room": view.place and room_body(view.place),
        "state": row.state,
        "queue_number": row.queue_number,
        "position": view.position,
        "ahead": view.ahead,
        "estimated_wait_time": view.estimate and view.estimate.minutes,
        "estimate": view.estimate and estimate_body(view.estimate),
        "called_at": _moment(row.called_at) if view.position == 0 else None,
        "call_count": row.call_count,
    }


def queue_body(view: EntryView) -> Body:
    """With what whoever asks for one entry wants to know beside."""
    row = view.row
    return entry_body(view) | {
        "user_id": str(row.user_id),
        "service_date": row.service_date.isoformat(),
        "priority": row.priority,
        "priority_reason": row.priority_reason,
        "no_show_count": row.no_show_count,
        "joined_at": _moment(row.joined_at),
        "call_seen_at": _moment(row.call_seen_at),
        "started_at": _moment(row.started_at),
        "completed_at": _moment(row.completed_at),
    }


def appointment_body(view: AppointmentView) -> Body:
    row = view.row
    return {
        "appointment_id": str(row.appointment_id),
        "exam_id": row.exam_id,
        "exam_name": row.exam_name,
        "scheduled_at": _moment(row.scheduled_at),
        "status": row.status,
    }


def room_body(place: MapPoint) -> Body:
    return {"room_id": place.room_id, "title": place.title, "floor": place.floor, "x": place.x, "y": place.y}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
