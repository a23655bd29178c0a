"""Logins: that somebody signed in on one device, until when it holds, and that it was taken back."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class Scope(StrEnum):
    """What a token opens at all; one of another scope opens nothing of it."""

    OPERATIONS = "operations"
    JOURNEY = "journey"
    INTERVIEWS = "interviews"
    RECORDS = "records"


class RevokedWhy(StrEnum):
    """Why a login holds no longer."""

    SIGNED_OUT = "signed_out"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 a reason
    DISABLED = "disabled"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    SECOND_FACTOR_FORGOTTEN = "second_factor_forgotten"
    ENDED_BY_OPERATOR = "ended_by_operator"


class Login(Table):
    """One login, named in its tokens as `sid`. `principal_id` is the account, or the domain's own user.

    `second_factor`: it was opened with one, or its holder has confirmed one since. Of refresh tokens only hashes of
    their ids stand here: the one that holds, and the one before.
    """

    __tablename__ = "logins"
    __table_args__ = (
        Index("ix_logins_principal_id", "principal_id", postgresql_where=text("revoked_at is null")),
        Index("ix_logins_last_seen_at", "last_seen_at"),
        CheckConstraint("scope in ('operations', 'journey', 'interviews', 'records')", name="scope"),
        CheckConstraint("(revoked_at is null) = (revoked_why is null)", name="revoked_for_a_reason"),
    )

    sid: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    principal_id: Mapped[UUID]
    scope: Mapped[str]
    device_id: Mapped[str | None]
    platform: Mapped[str | None]
    refresh_hash: Mapped[str | None]
    previous_hash: Mapped[str | None]
    refreshed_at: Mapped[Moment | None]
    refresh_key_hash: Mapped[str | None]
    refresh_reply: Mapped[str | None]
    second_factor: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    revoked_at: Mapped[Moment | None]
    revoked_why: Mapped[str | None]
