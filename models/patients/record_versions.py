"""What a stored record was before a newer answer said otherwise."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.patients.record_answers import KINDS
from models.table import CreatedAt, Moment, Table


class RecordVersion(Table):
    """Content of an answer that is not the newest, as JSON columns of the record; without pictures where the newest
    content has the same. `answered_at` is the time of its answer."""

    __tablename__ = "welno_record_versions"
    __table_args__ = (
        Index(None, "patient_uuid", "kind", "record_id"),
        CheckConstraint(f"kind in ({KINDS})", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    kind: Mapped[str]
    record_id: Mapped[int]
    session_id: Mapped[UUID]
    answered_at: Mapped[Moment]
    content: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
