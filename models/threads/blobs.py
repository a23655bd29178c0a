"""Larger things of threads: what is known of each; its encrypted bytes lie in files."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table
from models.threads.threads import OF_THREAD


class ThreadBlob(Table):
    """`parts` has by its number the name and the length of each part's file, which lie with the blob's `file_id`: that
    is ours, while `blob_id` is chosen by the client. Named before it is written, so a part may be missing.

    Others see the blob once `completed_at` is set. `after_seq` is the thread's last number of that moment.
    `size_bytes` are its octets, `charged_bytes` what it takes of its member's bound.
    """

    __tablename__ = "welno_thread_blobs"
    __table_args__ = (
        UniqueConstraint("file_id"),
        Index(None, "member"),
        Index("ix_welno_thread_blobs_unfinished", "changed_at", postgresql_where=text("completed_at is null")),
        Index(None, "completed_at"),
    )

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    blob_id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID]
    member: Mapped[str]
    parts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    size_bytes: Mapped[int] = mapped_column(server_default=text("0"))
    charged_bytes: Mapped[int] = mapped_column(server_default=text("0"))
    sealed_hash: Mapped[str | None]
    after_seq: Mapped[int | None]
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[Moment] = mapped_column(server_default=func.now())
    completed_at: Mapped[Moment | None]
