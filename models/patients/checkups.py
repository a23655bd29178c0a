"""Checkups, one row each."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table

# Laboratory values have at most two decimals; a wide precision keeps what an instrument may print.
Measurement = Annotated[Decimal, mapped_column(Numeric(10, 3))]


class Checkup(Table):
    """One checkup of one year: every item in `items`, the common ones also in columns of their own, all in raw_data.

    A measurement that the insurer did not give is NULL, never 0. `answered_at` is the time of the newest answer that
    held the record, `updated_at` of the one that its content is of, `withdrawn_at` of the first later one without it.
    `record_key` is of the content that came first. `details_key` and `content_hash` are what it is recognised by.
    """

    __tablename__ = "welno_checkup_data"
    __table_args__ = (
        UniqueConstraint("patient_uuid", "record_key"),
        Index(None, "patient_uuid", "checkup_date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    hospital_id: Mapped[str] = mapped_column(ForeignKey("welno.welno_hospitals.hospital_id"))
    session_id: Mapped[UUID]
    record_key: Mapped[str]
    year: Mapped[int | None]
    checkup_date: Mapped[date | None]
    location: Mapped[str]
    code: Mapped[str]
    description: Mapped[str]
    height_cm: Mapped[Measurement | None]
    weight_kg: Mapped[Measurement | None]
    waist_cm: Mapped[Measurement | None]
    bmi: Mapped[Measurement | None]
    systolic_mmhg: Mapped[Measurement | None]
    diastolic_mmhg: Mapped[Measurement | None]
    fasting_glucose_mg_dl: Mapped[Measurement | None]
    total_cholesterol_mg_dl: Mapped[Measurement | None]
    hdl_mg_dl: Mapped[Measurement | None]
    ldl_mg_dl: Mapped[Measurement | None]
    triglycerides_mg_dl: Mapped[Measurement | None]
    hemoglobin_g_dl: Mapped[Measurement | None]
    creatinine_mg_dl: Mapped[Measurement | None]
    gfr: Mapped[Measurement | None]
    ast_u_l: Mapped[Measurement | None]
    alt_u_l: Mapped[Measurement | None]
    gamma_gtp_u_l: Mapped[Measurement | None]
    urine_protein: Mapped[str | None]
    tuberculosis: Mapped[str | None]
    bone_density: Mapped[str | None]
    vision_left: Mapped[str | None]
    vision_right: Mapped[str | None]
    hearing_left: Mapped[str | None]
    hearing_right: Mapped[str | None]
    items: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    raw_data: Mapped[dict[str, Any]]
    details_key: Mapped[str] = mapped_column(server_default="")
    content_hash: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[CreatedAt]
    withdrawn_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
