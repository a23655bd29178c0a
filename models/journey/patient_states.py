"""Where each person is, the visits they make, and every step they took."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.people import OF_USER
from models.journey.places import OF_EXAM
from models.journey.states import JourneyState, TriggerType, VisitEnd
from models.table import CreatedAt, Moment, Table, one_of

OF_VISIT = "welno.visits.visit_id"


class Visit(Table):
    """From the arrival until the person has left, or the day was closed. `is_unpaid`: closed before the payment."""

    __tablename__ = "visits"
    __table_args__ = (
        one_of("ended_by", VisitEnd),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_somehow"),
        Index("uq_visits_user_id_open", "user_id", unique=True, postgresql_where=text("ended_at is null")),
        Index(None, "user_id", "began_at"),
        Index(None, "began_at"),
    )

    visit_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    began_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    ended_by: Mapped[str | None]
    is_unpaid: Mapped[bool] = mapped_column(server_default=false())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class PatientState(Table):
    """Where a person is: the row that is locked first by every change of their journey. Made on first use.

    `event_seq` is the number of the last event of `patient:{user_id}`, `changed_at` tells the sweep where to look.
    `version` grows with every change, so that a tool that changes many rows without locks is noticed.
    `is_logged_in`: on any device; what a login opens is decided by its own row.
    """

    __tablename__ = "patient_states"
    __table_args__ = (one_of("current_state", JourneyState), one_of("login_method", ["simple"]))

    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"), primary_key=True)
    current_state: Mapped[str] = mapped_column(server_default=JourneyState.UNREGISTERED)
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey(OF_VISIT), index=True)
    event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp(), index=True)
    is_logged_in: Mapped[bool] = mapped_column(server_default=false())
    login_method: Mapped[str | None]
    current_exam_id: Mapped[str | None] = mapped_column(ForeignKey(OF_EXAM))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 read by SQLAlchemy


class StateTransition(Table):
    """One step of one person, in the order of `id`. `trigger_source` is the action, or why it was made."""

    __tablename__ = "state_transitions"
    __table_args__ = (
        one_of("from_state", JourneyState),
        one_of("to_state", JourneyState),
        one_of("trigger_type", TriggerType),
        Index(None, "user_id", "created_at"),
        Index(None, "visit_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey(OF_VISIT))
    from_state: Mapped[str]
    to_state: Mapped[str]
    trigger_type: Mapped[str]
    trigger_source: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    request_id: Mapped[str]
    created_at: Mapped[CreatedAt]
