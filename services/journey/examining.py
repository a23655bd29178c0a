"""The exam itself: its entry and its appointment begin and end with it."""

from models.journey import AppointmentStatus, QueueState
from services.journey.action_context import ActionContext


def begin_exam(context: ActionContext) -> None:
    """By the person who enters, or by staff."""
    change, entry = context.change, context.find_entry()
    change.change_entry(entry, QueueState.IN_PROGRESS)
    entry.started_at = change.journey.now
    change.change_appointment(entry.appointment_id, AppointmentStatus.IN_PROGRESS)
    context.move(queue_id=str(entry.queue_id))


def complete_exam(context: ActionContext) -> None:
    """With another line to wait in, a second step leads there."""
    change, entry = context.change, context.find_entry()
    change.change_entry(entry, QueueState.COMPLETED)
    entry.completed_at = change.journey.now
    change.change_appointment(entry.appointment_id, AppointmentStatus.COMPLETED)
    context.move(queue_id=str(entry.queue_id))
    change.follow_entries()
