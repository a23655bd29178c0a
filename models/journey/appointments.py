"""Appointments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.people import OF_USER
from models.journey.states import AppointmentStatus
from models.table import Moment, Table, one_of


class Appointment(Table):
    """That somebody is expected for an exam at some time."""

    __tablename__ = "appointments"
    __table_args__ = (
        one_of("status", AppointmentStatus),
        Index(None, "user_id", "scheduled_at"),
        Index("ix_appointments_open", "scheduled_at", postgresql_where=text("status = 'scheduled'")),
    )

    appointment_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    exam_id: Mapped[str] = mapped_column(ForeignKey("welno.exams.exam_id"))
    scheduled_at: Mapped[Moment]
    status: Mapped[str] = mapped_column(server_default=AppointmentStatus.SCHEDULED)
    cancelled_reason: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
