"""The items of threads, which are their event log, and how far each sending device has come."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table
from models.threads.threads import OF_THREAD


class ThreadItem(Table):
    """One numbered item. `body` is its JSON without `seq`, `epoch` and the payload, which stands beside it as bytes and
    is gone once trimmed: what prevents doubles never is. `digest` is of what the sender signed."""

    __tablename__ = "welno_thread_items"
    __table_args__ = (
        UniqueConstraint("thread_id", "dedupe_id"),
        UniqueConstraint("thread_id", "client_id", "client_seq"),
        Index("ix_welno_thread_items_created_at", "created_at", postgresql_where=text("payload is not null")),
    )

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    dedupe_id: Mapped[UUID | None]
    client_id: Mapped[UUID | None]
    client_seq: Mapped[int | None]
    digest: Mapped[str | None]
    body: Mapped[str]
    payload: Mapped[bytes | None]
    created_at: Mapped[CreatedAt]


class ThreadClient(Table):
    """Up to `contiguous_seq` all numbers of this device have come; `highest_seq` is the last one that has."""

    __tablename__ = "welno_thread_clients"

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    contiguous_seq: Mapped[int]
    highest_seq: Mapped[int]
