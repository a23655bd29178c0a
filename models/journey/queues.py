"""The lines: who waits for which exam, in which order, and every change of an entry."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.patient_states import OF_VISIT
from models.journey.people import OF_USER
from models.journey.places import OF_EXAM, OF_ROOM
from models.journey.states import ACTIVE_STATES, QueueState
from models.table import CreatedAt, Moment, Table, one_of

PRIORITY_REASONS = ("urgent", "elderly", "disabled", "pregnant", "infant", "infection", "returning", "other")
_OF_ENTRY = "welno.queues.queue_id"
ACTIVE_LISTED = ", ".join(f"'{state}'" for state in ACTIVE_STATES)


class QueueEntry(Table):
    """One person in one line. The number is theirs for good; the place is the order, and a no-show gets a new one.

    `place_since` is when it was taken: from then on it is counted by whom the entry was overtaken. `called_at` and
    `call_count` are of the present call and its repetitions. `predicted_*` is what was told at joining, None once the
    place was kept aside; `delay_count` is how often by its owner. `estimated_wait_time` and `told_position` (0: called
    or inside) are what was told last.
    `event_seq` is the number of the last event of `queue:{queue_id}`.
    """

    __tablename__ = "queues"
    __table_args__ = (
        one_of("state", QueueState),
        one_of("priority_reason", PRIORITY_REASONS),
        CheckConstraint("priority between 0 and 3", name="priority"),
        UniqueConstraint("exam_id", "service_date", "queue_number"),
        UniqueConstraint("exam_id", "service_date", "place", name="uq_queues_exam_id_service_date_place"),
        Index(
            "uq_queues_active",
            "user_id",
            "exam_id",
            "service_date",
            unique=True,
            postgresql_where=text(f"state in ({ACTIVE_LISTED})"),
        ),
        Index(None, "exam_id", "service_date", "state", "place"),
        # A line is looked through by each call and each snapshot; most entries of a day have ended.
        Index("ix_queues_line", "exam_id", postgresql_where=text(f"state in ({ACTIVE_LISTED})")),
        Index("ix_queues_called", "exam_id", "called_at", postgresql_where=text("called_at is not null")),
        Index("ix_queues_completed", "exam_id", "completed_at", postgresql_where=text("completed_at is not null")),
        Index(None, "user_id", "state"),
        Index(None, "visit_id"),
    )

    queue_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(OF_USER, ondelete="CASCADE"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey(OF_VISIT))
    exam_id: Mapped[str] = mapped_column(ForeignKey(OF_EXAM))
    room_id: Mapped[str | None] = mapped_column(ForeignKey(OF_ROOM))
    appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("welno.appointments.appointment_id"), index=True)
    service_date: Mapped[date]
    queue_number: Mapped[int]
    place: Mapped[int]
    place_since: Mapped[Moment]
    state: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default=text("0"))
    priority_reason: Mapped[str | None]
    estimated_wait_time: Mapped[int | None]
    predicted_wait_minutes: Mapped[int | None]
    predicted_low_minutes: Mapped[int | None]
    predicted_high_minutes: Mapped[int | None]
    told_position: Mapped[int | None]
    no_show_count: Mapped[int] = mapped_column(server_default=text("0"))
    delay_count: Mapped[int] = mapped_column(server_default=text("0"))
    call_count: Mapped[int] = mapped_column(server_default=text("0"))
    joined_at: Mapped[Moment]
    called_at: Mapped[Moment | None]
    call_seen_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    completed_at: Mapped[Moment | None]
    transferred_from: Mapped[UUID | None] = mapped_column(ForeignKey(_OF_ENTRY))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp(), index=True)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 read by SQLAlchemy


class QueueCounter(Table):
    """The last number and the last place of one line and day. Its row lock gives joins their order."""

    __tablename__ = "queue_counters"

    exam_id: Mapped[str] = mapped_column(ForeignKey(OF_EXAM), primary_key=True)
    service_date: Mapped[date] = mapped_column(primary_key=True)
    last_number: Mapped[int]
    last_place: Mapped[int]


class QueueStatusLog(Table):
    """One change of one entry's state, in the order of `id`. `previous_state` is None at joining; `changed_by` is a
    member of staff, None for the person or ourselves, which `metadata` tells apart."""

    __tablename__ = "queue_status_logs"
    __table_args__ = (
        one_of("previous_state", QueueState),
        one_of("new_state", QueueState),
        Index(None, "queue_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_ENTRY, ondelete="CASCADE"))
    previous_state: Mapped[str | None]
    new_state: Mapped[str]
    reason: Mapped[str | None]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("welno.accounts.account_id"))
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
