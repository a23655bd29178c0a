"""Sessions in which a patient's records may be open: shown to the person, who can end each."""

from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class OpenedBy(StrEnum):
    """What proved who it is."""

    AUTHENTICATOR = "authenticator"
    PASSWORD = "password"  # noqa: S105 a kind


class PatientSession(Table):
    """One browser, from its start or its password on.

    `session_id` is that of the collection, where an authenticator opened it; whose it is stands here once that is
    proved, and `valid_from` is the moment of the proof. One of a password ends at `expires_at`; one of an authenticator
    with its collection's session. `sealed` holds the shortened address and the device. `browser_hash` is of a
    random number that only this browser has; None for those of before there were any.
    """

    __tablename__ = "welno_patient_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    patient_uuid: Mapped[UUID | None] = mapped_column(
        ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"), index=True
    )
    session_id: Mapped[UUID | None] = mapped_column(unique=True)
    opened_by: Mapped[str]
    sealed: Mapped[bytes | None]
    browser_hash: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[Moment] = mapped_column(index=True)
    valid_from: Mapped[Moment | None]
    expires_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
