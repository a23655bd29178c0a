"""Where the journey's sockets are, by their names in the definitions."""

from collections.abc import Mapping

SOCKETS: Mapping[str, str] = {
    "patient_journey": "/ws/patient-journey/",
    "queue": "/ws/queue/{queue_id}/",
    "exam": "/ws/exam/{exam_id}/",
    "hall": "/ws/hall/{display_id}/",
}
