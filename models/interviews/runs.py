"""The run that leads an interview to its analysis: one row, three steps."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.projects import OF_PROJECT
from models.table import CreatedAt, Moment, Table, one_of

OF_RUN = "welno.interview_runs.interview_id"


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

    `interview_id`  the interview's, or the insight's
    `miso_user`     unique for the attempt, and what a lost answer is found by
    `called_at`     when a call left that may be billed: from then on the answer is looked for, and never asked for
    `deadline_at`   until when it is waited for, also by whoever follows a process that died
    `lost`          how the call ended without an answer: what the analysis fails with when none is found
    `tries`         calls of this attempt that MISO did not take
    `takeovers`     how often the run was taken from a process that died, or broke a step
    `sent_at`       when it was last put into the queue, and `sends` how often since it is due
    `tokens`        of all attempts together
    `reserved_tokens`  what the present attempt may use; counts until it has ended, or what it has used is known
    """

    __tablename__ = "interview_runs"
    __table_args__ = (
        one_of("step", InterviewStep),
        one_of("state", InterviewRunState),
        CheckConstraint("(state = 'running') = (owner_id is not null)", name="owner_of_running"),
        Index("ix_interview_runs_due_at", "due_at", postgresql_where=text("state <> 'ended'")),
        Index(None, "project_id"),
    )

    interview_id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    step: Mapped[str]
    state: Mapped[str]
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    owner_id: Mapped[int | None]
    due_at: Mapped[Moment]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    takeovers: Mapped[int] = mapped_column(server_default=text("0"))
    sends: Mapped[int] = mapped_column(server_default=text("0"))
    sent_at: Mapped[Moment | None]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    deadline_at: Mapped[Moment | None]
    called_at: Mapped[Moment | None]
    lost: Mapped[Annotated[dict[str, Any] | None, mapped_column(JSONB(none_as_null=True))]]
    miso_user: Mapped[str | None]
    miso_task_id: Mapped[str | None]
    miso_run_id: Mapped[str | None]
    tokens: Mapped[int] = mapped_column(server_default=text("0"))
    elapsed_seconds: Mapped[float | None]
    reserved_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    request_id: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
