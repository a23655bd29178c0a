"""What the delivery of events keeps in PostgreSQL, and what was answered to calls that may come again."""

from models.delivery.event_log import LogEpoch, LoggedEvent, RewrittenSubject, SubjectCounter
from models.delivery.idempotency import IdempotencyKey

__all__ = [
    "IdempotencyKey",
    "LogEpoch",
    "LoggedEvent",
    "RewrittenSubject",
    "SubjectCounter",
]
