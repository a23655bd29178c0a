"""Whoever was called, or should have been there, and did not come."""

from models.journey import AppointmentStatus, NotificationKind, QueueState
from services.journey.action_context import ActionContext
from services.journey.joining import take_tail


def mark_no_show(context: ActionContext) -> None:
    """Back to the tail of the line with the same number, until it was once too often: then the entry ends, and where
    the person is follows from what else they have."""
    change, entry = context.change, context.find_entry()
    count = entry.no_show_count + 1
    change.change_entry(entry, QueueState.NO_SHOW, count=count)
    entry.no_show_count = count
    entry.called_at = entry.call_seen_at = entry.room_id = None
    entry.call_count = 0
    if count < change.journey.settings.no_show_limit:
        take_tail(change.journey, entry)
        change.change_entry(entry, QueueState.WAITING, "no_show")
    else:
        change.change_entry(entry, QueueState.CANCELLED, "no_show")
        change.change_appointment(entry.appointment_id, AppointmentStatus.NO_SHOW)
        change.notify(NotificationKind.CANCELLED, entry)
    context.move(queue_id=str(entry.queue_id))
    change.follow_entries()
