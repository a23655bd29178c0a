"""Erasures: how far each has come, its receipt, and what keeps an erased person from coming back."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class ErasureState(StrEnum):
    """Of an erasure: there is nothing in between, and no way back."""

    RUNNING = "running"
    COMPLETED = "completed"


class Erasure(Table):
    """One erasure, under an id that nobody guesses. `pseudonym` is the person's in the access log.

    `step` is the eraser that comes next; `person` what it needs, sealed, and gone at the end. `receipt` counts what was
    erased, by place. At `resend_at` the sweep sends the task (again).
    """

    __tablename__ = "welno_erasures"
    __table_args__ = (
        CheckConstraint("state in ('running', 'completed')", name="state"),
        CheckConstraint("(state = 'completed') = (person is null)", name="nothing_personal_at_the_end"),
        Index(None, "resend_at", postgresql_where=text("state = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    step: Mapped[str | None]
    person: Mapped[bytes | None]
    receipt: Mapped[dict[str, Any]]
    request_id: Mapped[str]
    requested_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    resend_at: Mapped[Moment]
    completed_at: Mapped[Moment | None]


class Tombstone(Table):
    """The hash of the uuid of an erased patient, or of the id of a session of theirs: nothing comes back under it."""

    __tablename__ = "welno_tombstones"

    id_hash: Mapped[str] = mapped_column(primary_key=True)
    erased_at: Mapped[CreatedAt]
