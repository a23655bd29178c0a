"""What the delivery of events keeps in PostgreSQL."""

from models.delivery.event_log import LogEpoch, LoggedEvent, SubjectCounter

__all__ = [
    "LogEpoch",
    "LoggedEvent",
    "SubjectCounter",
]
