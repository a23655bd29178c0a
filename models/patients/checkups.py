"""Checkups, one row each."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table

# Laboratory values have at most two decimals; a wide precision keeps what an instrument may print.
Measurement = Annotated[Decimal, mapped_column(Numeric(10, 3))]


class Checkup(Table):
    """One checkup of one year, the common measurements in columns of their own, everything in raw_data.

    A measurement that the insurer did not give is NULL, never 0. `record_key` tells two checkups of one day apart.
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
    raw_data: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
