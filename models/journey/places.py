"""The hospital: rooms, exams, who works where, screens in its halls."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table

OF_ROOM = "welno.rooms.room_id"
OF_EXAM = "welno.exams.exam_id"
_OPEN = text("ended_at is null")


class HospitalRoom(Table):
    """A room; `x` and `y` are of its floor's map."""

    __tablename__ = "rooms"

    room_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    floor: Mapped[int]
    x: Mapped[float]
    y: Mapped[float]


class Exam(Table):
    """What people wait for. `title` is for the person, `display_title` says in a hall no more than everybody may know.
    `room_id` is where it is done when no shift says otherwise."""

    __tablename__ = "exams"

    exam_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    display_title: Mapped[str]
    room_id: Mapped[str | None] = mapped_column(ForeignKey(OF_ROOM))
    avg_minutes: Mapped[int | None]
    needs_fasting: Mapped[bool] = mapped_column(server_default=false())


class Shift(Table):
    """That a member of staff works on an exam in a room; one room each, one member each."""

    __tablename__ = "shifts"
    __table_args__ = (
        Index("uq_shifts_staff_id_open", "staff_id", unique=True, postgresql_where=_OPEN),
        Index("uq_shifts_room_id_open", "room_id", unique=True, postgresql_where=_OPEN),
        Index("ix_shifts_exam_id_open", "exam_id", postgresql_where=_OPEN),
    )

    shift_id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("welno.accounts.account_id"))
    exam_id: Mapped[str] = mapped_column(ForeignKey(OF_EXAM))
    room_id: Mapped[str] = mapped_column(ForeignKey(OF_ROOM))
    started_at: Mapped[CreatedAt]
    ended_at: Mapped[Moment | None]


class Display(Table):
    """A screen in a hall, which shows these exams to whoever has its key."""

    __tablename__ = "displays"

    display_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    exam_ids: Mapped[list[Any]]
    key_hash: Mapped[str]
    revoked_at: Mapped[datetime | None]
