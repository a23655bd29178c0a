"""The run that leads an interview to its analysis: one row, three steps."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import OF_INTERVIEW
from models.interviews.projects import OF_PROJECT
from models.table import CreatedAt, Moment, Table, one_of


class InterviewStep(StrEnum):
    EXTRACT = "extract"
    ANALYSE = "analyse"
    SAVE = "save"


class InterviewRunState(StrEnum):
    """`ended`: nothing is left to do for this attempt."""

    READY = "ready"
    RUNNING = "running"
    ENDED = "ended"


class InterviewRun(Table):
    """Of the present attempt. `owner_id` is the lease of the process that works on it, `fence` grows with each owner.

    `deadline_at` is until when an answer of MISO is waited for, also by whoever follows a process that died;
    `miso_user` is unique for the attempt, and what a lost answer is found by. `tokens` are of all attempts together.
    """

    __tablename__ = "interview_runs"
    __table_args__ = (
        one_of("step", InterviewStep),
        one_of("state", InterviewRunState),
        CheckConstraint("(state = 'running') = (owner_id is not null)", name="owner_of_running"),
        Index("ix_interview_runs_due_at", "due_at", postgresql_where=text("state <> 'ended'")),
        Index(None, "project_id"),
    )

    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_INTERVIEW, ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    step: Mapped[str]
    state: Mapped[str]
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    owner_id: Mapped[int | None]
    due_at: Mapped[Moment]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    deadline_at: Mapped[Moment | None]
    miso_user: Mapped[str | None]
    miso_task_id: Mapped[str | None]
    miso_run_id: Mapped[str | None]
    tokens: Mapped[int] = mapped_column(server_default=text("0"))
    elapsed_seconds: Mapped[float | None]
    request_id: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
