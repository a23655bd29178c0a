"""Addresses that operators have added, and the messages to them: ids only, never records or names."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table, one_of


class WebhookKind(StrEnum):
    COMPLETED = "session.completed"
    FAILED = "session.failed"


class Webhook(Table):
    """`secret` is sealed. `disabled_at`: its receiver has answered 410, so it is told no more."""

    __tablename__ = "welno_webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[bytes]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[Moment | None]


class WebhookDelivery(Table):
    """One message to one receiver; its id is the `webhook-id`, the same at each attempt.

    Written in the transaction that ends the session's run. `due_at`: the next attempt; `claimed_until`: one may be
    under way until then. `last_result` is an HTTP status or the word for a connection that failed. With `ended_at`
    there is no further attempt, `is_delivered` or not.
    """

    __tablename__ = "welno_webhook_deliveries"
    __table_args__ = (
        one_of("kind", WebhookKind),
        Index("ix_welno_webhook_deliveries_due", "due_at", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_webhooks.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_collection_history.session_id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    body: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[Moment]
    claimed_until: Mapped[Moment | None]
    last_result: Mapped[str | None]
    is_delivered: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Moment | None]
