"""Events that were committed and wait to be appended to their stream."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class OutboxEvent(Table):
    """One event of one subject, deleted once it is in the stream; `event_id` makes a second sending harmless."""

    __tablename__ = "welno_outbox"
    __table_args__ = (Index(None, "subject", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    event_id: Mapped[UUID]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
