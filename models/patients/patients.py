"""Patients: who a person is, once identified."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table

DEFAULT_PARTNER = "welno"


class Patient(Table):
    """One person. The natural key makes two sessions of the same new person end with one patient.

    Sessions whose person was proved before `sessions_valid_after` open nothing.
    From `erasing_since` on nothing is added and nobody is let in any more; the row itself goes last.
    """

    __tablename__ = "welno_patients"
    __table_args__ = (
        UniqueConstraint("phone", "birth_date", "name"),
        CheckConstraint("gender in ('M', 'F')", name="gender"),
    )

    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    hospital_id: Mapped[str] = mapped_column(ForeignKey("welno.welno_hospitals.hospital_id"))
    partner_id: Mapped[str] = mapped_column(server_default=DEFAULT_PARTNER)
    name: Mapped[str]
    birth_date: Mapped[date]
    gender: Mapped[str | None]
    phone: Mapped[str]
    has_health_data: Mapped[bool] = mapped_column(server_default=false())
    has_prescription_data: Mapped[bool] = mapped_column(server_default=false())
    has_mediarc_report: Mapped[bool] = mapped_column(server_default=false())
    last_data_update: Mapped[Moment | None]
    sessions_valid_after: Mapped[Moment | None]
    erasing_since: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
