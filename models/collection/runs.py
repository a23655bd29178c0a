"""Runs: how far each collection has come. This row is the truth; Redis and the broker may be emptied at any moment."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.names import Status, Step
from models.table import CreatedAt, Moment, Table


class RunState(StrEnum):
    """Who acts next on a run."""

    IDLE = "idle"  # the person (nothing asked for yet, or something to correct)
    READY = "ready"  # any worker, once not_before has passed
    RUNNING = "running"  # the process in owner_id
    WAITING = "waiting"  # the poller: the phone has not approved yet
    ENDED = "ended"  # nobody


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


class CollectionRun(Table):
    """One session and its run.

    `fence` grows with every claim: only its holder may move the run, so a process that was stopped and comes back
    changes nothing. `identity` and `auth` are sealed and erased at the end. `revision` grows with every change that a
    browser can see. `attempts` counts tries of this step that failed, `takeovers` those that died with their process.
    `resumes` counts how often a run that stopped while saving was taken up again by itself.
    `call_until` says until when a paid call of this step may be under way, whoever made it.
    A READY run may be taken from `not_before` on; at `resend_at` the sweep sends its task (again).
    `event_seq` is the number of its last event; `changed_at`, of the database's clock, is renewed with it and with
    `revision`, and tells the sweep where to look.
    `token_hash` is of the token of the start; `token_renewed_at`: the one that follows it at the approval is in use.
    `approve_by` is until when the request on the phone can be approved; None while none was sent.
    `consents_until` is when the first of the consents ends that a call to a provider needs; None, of a session from
    before there were any, means that there are none.
    """

    __tablename__ = "welno_collection_history"
    __table_args__ = (
        _one_of("status", Status),
        _one_of("step", Step),
        _one_of("run_state", RunState),
        # The sweep and the poller look only at what is under way; most rows have ended.
        Index(
            "ix_welno_collection_history_open",
            "run_state",
            "resend_at",
            postgresql_where=text("run_state <> 'ended'"),
        ),
        Index("ix_welno_collection_history_expiry", "expires_at", postgresql_where=text("run_state <> 'ended'")),
        # A poller asks a few times a second which of its sessions have ended, and whose person has just asked.
        Index(
            "ix_welno_collection_history_left",
            "owner_id",
            postgresql_where=text("run_state = 'ended' and owner_id is not null"),
        ),
        Index(
            "ix_welno_collection_history_asked",
            "owner_id",
            postgresql_where=text("run_state = 'waiting' and collect_requested"),
        ),
        Index(
            "ix_welno_collection_history_patient",
            "patient_uuid",
            postgresql_where=text("patient_uuid is not null"),
        ),
        Index("ix_welno_collection_history_ended", "collection_ended_at", postgresql_where=text("run_state = 'ended'")),
    )

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[str | None]
    token_renewed_at: Mapped[Moment | None]
    request_id: Mapped[str]
    status: Mapped[str]
    step: Mapped[str]
    run_state: Mapped[str]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp(), index=True)
    # taking and moving on
    owner_id: Mapped[int | None]
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    takeovers: Mapped[int] = mapped_column(server_default=text("0"))
    resumes: Mapped[int] = mapped_column(server_default=text("0"))
    lease_until: Mapped[Moment | None]
    call_until: Mapped[Moment | None]
    not_before: Mapped[Moment]
    resend_at: Mapped[Moment | None]
    sends: Mapped[int] = mapped_column(server_default=text("0"))
    step_started_at: Mapped[Moment | None]
    # waiting for the phone
    polls: Mapped[int] = mapped_column(server_default=text("0"))
    approve_by: Mapped[Moment | None]
    collect_requested: Mapped[bool] = mapped_column(server_default=false())
    # what is needed to resume
    identity: Mapped[bytes | None]
    auth: Mapped[bytes | None]
    # what the person asked for
    redirect_path: Mapped[str | None]
    oid: Mapped[str | None]
    hospital_id: Mapped[str] = mapped_column(ForeignKey("welno.welno_hospitals.hospital_id"))
    partner_id: Mapped[str]
    masked_name: Mapped[str]
    # what came of it
    patient_uuid: Mapped[UUID | None]
    health_count: Mapped[int | None]
    prescription_count: Mapped[int | None]
    health_failed: Mapped[bool] = mapped_column(server_default=false())
    prescriptions_failed: Mapped[bool] = mapped_column(server_default=false())
    auth_completed_at: Mapped[Moment | None]
    saved_at: Mapped[Moment | None]
    collection_started_at: Mapped[Moment | None]
    collection_ended_at: Mapped[Moment | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[dict[str, Any] | None]
    consents_until: Mapped[Moment | None]
    expires_at: Mapped[Moment]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


@dataclass(frozen=True, eq=False)
class FromNow:
    """A moment so far ahead of PostgreSQL's clock when it is written: hosts' clocks differ. No two are the same."""

    ahead: timedelta


class PaidAgain(Table):
    """How often a call was made once more, because the process that had made it was lost before its answer was on
    disk."""

    __tablename__ = "welno_paid_again"

    call: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[int]


class CollectionStep(Table):
    """One try of one step of a run, for the operators' eyes: when, how it ended, why."""

    __tablename__ = "welno_collection_steps"
    __table_args__ = (Index(None, "session_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_collection_history.session_id", ondelete="CASCADE")
    )
    step: Mapped[str]
    fence: Mapped[int]
    attempt: Mapped[int]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    started_at: Mapped[Moment]
    ended_at: Mapped[Moment]
