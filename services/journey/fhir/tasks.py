"""A queue entry as FHIR's Task."""

from collections.abc import Mapping

from models.journey import Exam, QueueEntry, QueueState
from services.journey.fhir.elements import QUEUE_STATE_SYSTEM, Resource, concept, instant, period, reference, resource
from services.journey.fhir.locations import room_reference

_STATUS: Mapping[QueueState, str] = {
    QueueState.WAITING: "ready",
    QueueState.DELAYED: "on-hold",
    QueueState.CALLED: "accepted",
    QueueState.NO_SHOW: "failed",
    QueueState.IN_PROGRESS: "in-progress",
    QueueState.COMPLETED: "completed",
    QueueState.CANCELLED: "cancelled",
}
_PRIORITY = ("routine", "urgent", "asap", "stat")
_NO_REASON = "cancelled"


def task_resource(entry: QueueEntry, exam: Exam, cancelled_reason: str | None) -> Resource:
    """`cancelled_reason` is of the entry's last change, and told only where it is cancelled."""
    state = QueueState(entry.state)
    # inv-1: what was changed last cannot be before what was written first.
    changed_at = max(entry.updated_at, entry.joined_at)
    found = resource("Task", entry.queue_id, changed_at)
    found["status"] = _STATUS[state]
    if state == QueueState.CANCELLED:
        found["statusReason"] = concept(cancelled_reason or _NO_REASON)
    found |= {
        "businessStatus": concept(str(state), QUEUE_STATE_SYSTEM, str(state)),
        "intent": "order",
        "priority": _PRIORITY[entry.priority],
        "description": exam.title,
        **_references(entry, entry.room_id or exam.room_id),
        "authoredOn": instant(entry.joined_at),
        "lastModified": instant(changed_at),
    }
    if entry.started_at is not None:
        found["executionPeriod"] = period(entry.started_at, entry.completed_at)
    return found


def _references(entry: QueueEntry, room_id: str | None) -> Resource:
    found = {"for": reference("Patient", entry.user_id), "encounter": reference("Encounter", entry.visit_id)}
    if entry.appointment_id is not None:
        found["focus"] = reference("Appointment", entry.appointment_id)
    if room_id is not None:
        found["location"] = room_reference(room_id)
    return found
