"""Answers of the insurer that were imported: when they were given, and what they are about."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class RecordKind(StrEnum):
    CHECKUP = "checkup"
    PRESCRIPTION = "prescription"


KINDS = ", ".join(f"'{kind}'" for kind in RecordKind)


class RecordAnswer(Table):
    """One answer, so that another, whichever is imported first, knows what it says of the records of its window.

    Without a window it says nothing of what it does not hold: the window is not known, or not all of it was readable.
    """

    __tablename__ = "welno_record_answers"
    __table_args__ = (
        UniqueConstraint("patient_uuid", "kind", "session_id"),
        CheckConstraint(f"kind in ({KINDS})", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    kind: Mapped[str]
    session_id: Mapped[UUID]
    answered_at: Mapped[Moment]
    window_first: Mapped[date | None]
    window_last: Mapped[date | None]
    records: Mapped[int]
    skipped: Mapped[int]
    created_at: Mapped[CreatedAt]
