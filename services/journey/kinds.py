"""The kinds of subjects of the journey, and where each has its numbers."""

from core.names import EXAM_PREFIX, HALL_PREFIX, PATIENT_PREFIX, QUEUE_PREFIX
from core.settings import JourneySettings
from services.delivery.kinds import RowCounter, SharedCounter, SubjectKind
from streams import StreamPolicy

# Each event shows all of its subject; the log has the older ones for whoever counts them.
_WHOLE_PICTURES = StreamPolicy(max_length=50)


def journey_kinds(settings: JourneySettings) -> list[SubjectKind]:
    """A person's and an entry's numbers lie on their rows, under the person's lock; a line's and a hall's are raised by
    the refresher alone."""
    return [
        SubjectKind(
            prefix=PATIENT_PREFIX,
            counter=RowCounter("welno.patient_states", "user_id"),
            keep_days=settings.log_keep_days_patient,
        ),
        SubjectKind(
            prefix=QUEUE_PREFIX,
            counter=RowCounter("welno.queues", "queue_id"),
            keep_days=settings.log_keep_days_queue,
        ),
        SubjectKind(
            prefix=EXAM_PREFIX, counter=SharedCounter(), keep_days=settings.log_keep_days_exam, stream=_WHOLE_PICTURES
        ),
        SubjectKind(
            prefix=HALL_PREFIX, counter=SharedCounter(), keep_days=settings.log_keep_days_hall, stream=_WHOLE_PICTURES
        ),
    ]
