"""An appointment as FHIR's Appointment."""

from collections.abc import Mapping
from datetime import timedelta

from models.journey import Appointment, AppointmentStatus, Exam
from services.journey.fhir.elements import Resource, concept, instant, reference, resource
from services.journey.fhir.locations import room_reference

_STATUS: Mapping[AppointmentStatus, str] = {
    AppointmentStatus.SCHEDULED: "booked",
    AppointmentStatus.CHECKED_IN: "checked-in",
    AppointmentStatus.IN_PROGRESS: "fulfilled",
    AppointmentStatus.COMPLETED: "fulfilled",
    AppointmentStatus.CANCELLED: "cancelled",
    AppointmentStatus.NO_SHOW: "noshow",
}
_DEFAULT_EXAM_MINUTES = 10
_NO_REASON = "cancelled"


def appointment_resource(appointment: Appointment, exam: Exam) -> Resource:
    """Always with both ends (invariants app-2 and app-3), and with a reason only where it is cancelled (app-4)."""
    ends_at = appointment.scheduled_at + timedelta(minutes=exam.avg_minutes or _DEFAULT_EXAM_MINUTES)
    found = resource("Appointment", appointment.appointment_id, appointment.updated_at)
    found["status"] = _STATUS[AppointmentStatus(appointment.status)]
    if appointment.status == AppointmentStatus.CANCELLED:
        found["cancelationReason"] = concept(appointment.cancelled_reason or _NO_REASON)
    found |= {
        "description": exam.title,
        "start": instant(appointment.scheduled_at),
        "end": instant(ends_at),
        "participant": _participants(appointment, exam),
    }
    return found


def _participants(appointment: Appointment, exam: Exam) -> list[Resource]:
    actors = [reference("Patient", appointment.user_id)]
    if exam.room_id is not None:
        actors.append(room_reference(exam.room_id))
    return [{"actor": actor, "status": "accepted"} for actor in actors]
