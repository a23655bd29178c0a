"""Disease-prediction reports."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class MediarcReport(Table):
    """The newest report of a patient at a partner's hospital; `checkup_date` is of the checkup that it is based on."""

    __tablename__ = "welno_mediarc_reports"
    __table_args__ = (UniqueConstraint("partner_id", "patient_uuid", "hospital_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    hospital_id: Mapped[str] = mapped_column(ForeignKey("welno.welno_hospitals.hospital_id"))
    session_id: Mapped[UUID]
    mkt_uuid: Mapped[str | None]
    report_url: Mapped[str | None]
    provider: Mapped[str | None]
    analyzed_at: Mapped[Moment | None]
    checkup_date: Mapped[date | None]
    bodyage: Mapped[int | None]
    rank: Mapped[int | None]
    disease_data: Mapped[list[Any]]
    cancer_data: Mapped[list[Any]]
    mediarc_response: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
