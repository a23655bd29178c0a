"""Prescriptions and treatments, one row each."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class Prescription(Table):
    """One treatment or dispensing. `pictures` are those of `details`, by place; `raw_data` is what else was served.

    The times and keys are as those of a checkup.
    """

    __tablename__ = "welno_prescription_data"
    __table_args__ = (
        UniqueConstraint("patient_uuid", "record_key"),
        Index(None, "patient_uuid", "treatment_date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    hospital_id: Mapped[str] = mapped_column(ForeignKey("welno.welno_hospitals.hospital_id"))
    session_id: Mapped[UUID]
    record_key: Mapped[str]
    hospital_name: Mapped[str]
    address: Mapped[str]
    treatment_date: Mapped[date | None]
    treatment_type: Mapped[str]
    visit_count: Mapped[int | None]
    medication_count: Mapped[int | None]
    prescription_count: Mapped[int | None]
    details: Mapped[list[Any]]
    pictures: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    raw_data: Mapped[dict[str, Any]]
    details_key: Mapped[str] = mapped_column(server_default="")
    content_hash: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[CreatedAt]
    withdrawn_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
