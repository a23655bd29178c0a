"""The exam itself: its entry and its appointment begin and end with it."""

from models.journey import AppointmentStatus, QueueState
from services.journey.deed import Deed


def begin_exam(deed: Deed) -> None:
    """By the person who enters, or by staff."""
    change, entry = deed.change, deed.find_entry()
    change.change_entry(entry, QueueState.IN_PROGRESS)
    entry.started_at = change.journey.now
    change.change_appointment(entry.appointment_id, AppointmentStatus.IN_PROGRESS)
    deed.move(queue_id=str(entry.queue_id))


def complete_exam(deed: Deed) -> None:
    """With another line to wait in, a second step leads there."""
    change, entry = deed.change, deed.find_entry()
    change.change_entry(entry, QueueState.COMPLETED)
    entry.completed_at = change.journey.now
    change.change_appointment(entry.appointment_id, AppointmentStatus.COMPLETED)
    deed.move(queue_id=str(entry.queue_id))
    change.follow_entries()
