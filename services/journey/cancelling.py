"""Cancelling an appointment, or the place of who came without one: where the person is then is computed."""

from uuid import UUID

from sqlalchemy import select

from models.journey import Appointment, AppointmentStatus, NotificationKind, QueueEntry, QueueState, TriggerType
from models.journey.states import expected_state
from services.journey.action_context import ActionContext, read_queue_id, read_text, read_uuid
from services.journey.errors import ExamNotFound, PayloadInvalid, StateConflict

_OPEN = frozenset({AppointmentStatus.SCHEDULED, AppointmentStatus.CHECKED_IN})


def cancel_appointment(context: ActionContext) -> None:
    """Needs a reason, and the appointment or the entry. Raises PayloadInvalid, EntryNotFound, ExamNotFound,
    StateConflict for what is over already."""
    change, payload = context.change, context.payload
    reason = read_text(payload, "reason")
    appointment_id = read_uuid(payload, "appointment_id")
    if (appointment_id is None) == (payload.get("queue_id") is None):
        raise PayloadInvalid("payload.appointment_id")
    entry = _find_entry(context, appointment_id)
    if appointment_id is None and entry is not None:
        appointment_id = entry.appointment_id
    else:
        _require_open(context, appointment_id)
    change.change_appointment(appointment_id, AppointmentStatus.CANCELLED, reason)
    if entry is not None:
        change.change_entry(entry, QueueState.CANCELLED, reason)
    change.notify(NotificationKind.CANCELLED, entry)
    # Without any entry of the visit the person has only registered.
    target = expected_state(change.locked.entries) or change.locked.state
    change.move(target, TriggerType.STAFF_ACTION, appointment_id=appointment_id and str(appointment_id))


def _find_entry(context: ActionContext, appointment_id: UUID | None) -> QueueEntry | None:
    if appointment_id is None:
        return context.change.locked.find_active(read_queue_id(context.payload))
    return next((entry for entry in context.change.locked.active if entry.appointment_id == appointment_id), None)


def _require_open(context: ActionContext, appointment_id: UUID | None) -> None:
    query = select(Appointment.status).where(
        Appointment.appointment_id == appointment_id, Appointment.user_id == context.change.locked.user_id
    )
    status = context.change.journey.session.scalar(query)
    if status is None:
        raise ExamNotFound
    if status not in _OPEN:
        raise StateConflict({"journey_state": str(context.change.locked.state)})
