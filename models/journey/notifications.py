"""What a person was told, which browsers are told it, and what the hospital's own system still has to be told."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.people import OF_USER
from models.table import CreatedAt, Moment, Table, one_of


class NotificationKind(StrEnum):
    PATIENT_CALLED = "patient_called"
    CALL_REPEATED = "call_repeated"
    CALL_WITHDRAWN = "call_withdrawn"
    MOVED = "moved"
    CANCELLED = "cancelled"
    DAY_CLOSED = "day_closed"


CALL_KINDS = frozenset({NotificationKind.PATIENT_CALLED, NotificationKind.CALL_REPEATED})


class EmrEntity(StrEnum):
    """What the hospital's system (EMR) knows of a journey."""

    APPOINTMENT = "appointment"
    QUEUE = "queue"
    VISIT = "visit"


class EmrStatus(StrEnum):
    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"


class Notification(Table):
    """One sentence to one person. It may be read on a lock screen: no name and no exam."""

    __tablename__ = "notifications"
    __table_args__ = (one_of("kind", NotificationKind), Index(None, "user_id", "id"), Index(None, "queue_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    kind: Mapped[str]
    body: Mapped[str]
    queue_id: Mapped[UUID | None] = mapped_column(ForeignKey("welno.queues.queue_id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    read_at: Mapped[Moment | None]


class WebPushSubscription(Table):
    """A browser that is told notifications while its page is closed, until its login ends; one login has one.

    `key_id` tells with which of the server's keys it was subscribed; `sealed` holds where and for whom to encrypt.
    `told_id`: the last notification that it was told, or that nobody has to tell it. `claimed_until`: somebody may be
    telling it until then, or its push service is left in peace. `last_result` is an HTTP status or the word for what
    kept it from coming.
    """

    __tablename__ = "web_push_subscriptions"
    __table_args__ = (Index(None, "sid", unique=True), Index(None, "user_id"))

    endpoint_hash: Mapped[str] = mapped_column(primary_key=True)
    sid: Mapped[UUID] = mapped_column(ForeignKey("welno.logins.sid", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    key_id: Mapped[str]
    sealed: Mapped[bytes]
    told_id: Mapped[int]
    claimed_until: Mapped[Moment | None]
    last_result: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class EmrSync(Table):
    """How far the hospital's system is told of one thing. Pending again with its next change; `updated_at` tells a push
    that was under way from it."""

    __tablename__ = "emr_sync_status"
    __table_args__ = (
        one_of("entity", EmrEntity),
        one_of("status", EmrStatus),
        UniqueConstraint("entity", "entity_id"),
        Index("ix_emr_sync_status_pending", "updated_at", postgresql_where=text("status = 'pending'")),
        Index(None, "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    entity: Mapped[str]
    entity_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(server_default=EmrStatus.PENDING)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    updated_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
