"""Exports: archives of a person's data that they asked for, fetched once."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class ExportState(StrEnum):
    BUILDING = "building"
    READY = "ready"
    FETCHED = "fetched"


class Export(Table):
    """One archive. `link_hash` is of the key of the newest link, which opens it once until `link_expires_at`.
    At `expires_at` the row and its file are removed.
    """

    __tablename__ = "welno_exports"
    __table_args__ = (
        CheckConstraint("state in ('building', 'ready', 'fetched')", name="state"),
        Index(None, "patient_uuid"),
        Index(None, "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    state: Mapped[str]
    link_hash: Mapped[str | None]
    link_expires_at: Mapped[Moment | None]
    request_id: Mapped[str]
    requested_at: Mapped[CreatedAt]
    resend_at: Mapped[Moment]
    expires_at: Mapped[Moment]
