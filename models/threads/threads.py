"""Threads and who is in them."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table, one_of

OF_THREAD = "welno.welno_threads.id"


class MemberRole(StrEnum):
    """What a member may do in a thread; each includes those before it."""

    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"

    def includes(self, other: "MemberRole") -> bool:
        order = list(MemberRole)
        return order.index(self) >= order.index(other)


class KeyState(StrEnum):
    """Whether the thread has a key, and whether the next owner's client should make a new one."""

    MISSING = "missing"
    OK = "ok"
    DUE = "due"


class Thread(Table):
    """`last_seq` is the number of the last item of `thread:{id}`; payloads up to `trimmed_seq` are gone.

    The newest key is `key_generation`, told by the item `key_seq`. `audit_head` and `audit_count` are the end of the
    audit's chain: whoever changes it holds this row's lock.
    """

    __tablename__ = "welno_threads"
    __table_args__ = (
        one_of("key_state", KeyState),
        UniqueConstraint("created_by", "request_id"),
        Index(None, "changed_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    last_seq: Mapped[int] = mapped_column(server_default=text("0"))
    trimmed_seq: Mapped[int] = mapped_column(server_default=text("0"))
    key_generation: Mapped[int] = mapped_column(server_default=text("0"))
    key_state: Mapped[str]
    key_seq: Mapped[int] = mapped_column(server_default=text("0"))
    key_made_at: Mapped[Moment | None]
    audit_head: Mapped[str]
    audit_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_by: Mapped[str]
    request_id: Mapped[UUID]
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
    closed_at: Mapped[Moment | None]


class ThreadMember(Table):
    """One member of one thread, who sees items from `visible_from` on.

    `joined_seq` is the item that told of them, 0 for whoever was in from the beginning.
    """

    __tablename__ = "welno_thread_members"
    __table_args__ = (one_of("role", MemberRole), Index(None, "member"))

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    visible_from: Mapped[int] = mapped_column(server_default=text("1"))
    joined_seq: Mapped[int] = mapped_column(server_default=text("0"))
    acked_seq: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Moment | None]
