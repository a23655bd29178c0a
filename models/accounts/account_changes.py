"""Who was given which access, by whom."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class AccountChangeKind(StrEnum):
    """What was done to an account."""

    ADDED = "added"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 an event
    DISABLED = "disabled"
    ENABLED = "enabled"
    SECOND_FACTOR_CONFIRMED = "second_factor_confirmed"
    SECOND_FACTOR_FORGOTTEN = "second_factor_forgotten"
    LOGINS_ENDED = "logins_ended"
    THREAD_DEVICE_ADMITTED = "thread_device_admitted"


class AccountChange(Table):
    """One change. PostgreSQL refuses to change or delete a row, also to its owner; the account itself may go.

    `by` is an account's id, or whom the operators' command was told.
    """

    __tablename__ = "account_changes"
    __table_args__ = (Index(None, "account_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    kind: Mapped[str]
    role: Mapped[str]
    what: Mapped[str]
    by: Mapped[str]
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
