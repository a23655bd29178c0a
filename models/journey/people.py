"""The journey's people, and the tokens by which a scan of a stranger becomes theirs."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.states import JourneyRole
from models.table import CreatedAt, Moment, Table, one_of

OF_USER = "welno.users.user_id"


class JourneyUser(Table):
    """Somebody who comes to the hospital. Who has a journey login opens no health record by it.

    `phone` and `birth_date` are sealed. `phone_hash` finds by the whole number, `login_hash` by its last four digits
    with the birth date: several people may share either.
    """

    __tablename__ = "users"
    __table_args__ = (one_of("role", [JourneyRole.PATIENT]), Index(None, "phone_hash"), Index(None, "login_hash"))

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str]
    phone_hash: Mapped[str]
    login_hash: Mapped[str]
    birth_date: Mapped[str]
    role: Mapped[str] = mapped_column(server_default=JourneyRole.PATIENT)
    created_at: Mapped[CreatedAt]


class ScanToken(Table):
    """A token given for a scan and then claimed by one person, who may present it again. Locked before the person's
    state."""

    __tablename__ = "scan_tokens"
    __table_args__ = (Index(None, "expires_at"),)

    jti: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"), index=True)
    claimed_at: Mapped[Moment]
    expires_at: Mapped[Moment]
