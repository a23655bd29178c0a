"""What the delivery of events keeps in PostgreSQL."""

from models.delivery.outbox import OutboxEvent

__all__ = [
    "OutboxEvent",
]
