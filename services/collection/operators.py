"""What operators see of runs and may do to them. Nothing that is shown says who a run is about.

Errors: SessionNotFound, NotStopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from core.names import Step
from models.collection import CollectionRun, CollectionStep, RunState
from models.patients import Consent, PatientSession
from services.collection.errors import NotStopped, SessionNotFound
from services.collection.requests import resume_run
from services.collection.run_store import locked_run
from services.delivery.unit_of_work import Work

# By the index on changed_at: there is none on what is looked for a few times a week.
_FOUND_WITHIN = timedelta(days=7)
_MOST_FOUND = 20


@dataclass(frozen=True)
class RunSummary:
    """One run in a list."""

    session_id: str
    status: str
    step: str
    run_state: str
    attempts: int
    takeovers: int
    error_code: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class StepRecord:
    """One try of one step."""

    step: str
    attempt: int
    outcome: str
    reason: str | None
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class RunHistory:
    """A run and all tries of its steps, oldest first. `detail` is what the operators need of its error."""

    summary: RunSummary
    detail: dict[str, Any] | None
    health_count: int | None
    prescription_count: int | None
    owner_id: int | None
    fence: int
    expires_at: datetime
    steps: Sequence[StepRecord]


def list_runs(
    session: Session,
    *,
    state: RunState | None = None,
    error_only: bool = False,
    before: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[RunSummary]:
    """Newest change first; `before` and `before_id` are `updated_at` and `session_id` of the last one of the page
    before. Without the id, those that changed in the same microsecond are left out."""
    query = select(CollectionRun).order_by(CollectionRun.updated_at.desc(), CollectionRun.session_id).limit(limit)
    if state is not None:
        query = query.where(CollectionRun.run_state == state)
    if error_only:
        query = query.where(CollectionRun.error_code.is_not(None))
    if before is not None:
        follows = CollectionRun.updated_at < before
        if before_id is not None:
            follows |= and_(CollectionRun.updated_at == before, CollectionRun.session_id > before_id)
        query = query.where(follows)
    return [_summarize(run) for run in session.execute(query).scalars()]


def read_run_history(session: Session, session_id: UUID) -> RunHistory:
    run = session.get(CollectionRun, session_id)
    if run is None:
        raise SessionNotFound(str(session_id))
    tries = select(CollectionStep).where(CollectionStep.session_id == session_id).order_by(CollectionStep.id)
    return RunHistory(
        summary=_summarize(run),
        detail=run.error_detail,
        health_count=run.health_count,
        prescription_count=run.prescription_count,
        owner_id=run.owner_id,
        fence=run.fence,
        expires_at=run.expires_at,
        steps=[
            StepRecord(row.step, row.attempt, row.outcome, row.reason, row.started_at, row.ended_at)
            for row in session.execute(tries).scalars()
        ],
    )


def find_runs_of_request(session: Session, request_id: str, *, now: datetime) -> list[str]:
    """Session ids of the runs that this request moved last, among those that changed within a week."""
    lately = CollectionRun.changed_at > now - _FOUND_WITHIN
    query = select(CollectionRun.session_id).where(lately, CollectionRun.request_id == request_id)
    return [str(found) for found in session.execute(query.limit(_MOST_FOUND)).scalars()]


def resume_stopped_run(work: Work, session_id: UUID, *, now: datetime) -> None:
    """Have a stopped run go on at its step; asked twice, the second finds it under way. A push is the person's to ask
    for."""
    with locked_run(work, session_id) as run:
        is_push = run.step == Step.REQUEST_SIMPLE_AUTH
        if run.run_state != RunState.IDLE or run.error_code is None or is_push:
            raise NotStopped(run.run_state)
        resume_run(work, run, now=now)


def _summarize(run: CollectionRun) -> RunSummary:
    return RunSummary(
        session_id=str(run.session_id),
        status=run.status,
        step=run.step,
        run_state=run.run_state,
        attempts=run.attempts,
        takeovers=run.takeovers,
        error_code=run.error_code,
        created_at=run.created_at,
        updated_at=run.updated_at,
    )


def find_person(session: Session, session_id: UUID) -> UUID | None:
    """Whose patient uuid a session is about, also when its run's history is gone; of one that never came to know whose
    it is, the uuid of whom its person claimed to be. None where nothing tells."""
    proved = (
        select(model.patient_uuid).where(model.session_id == session_id, model.patient_uuid.is_not(None)).limit(1)
        for model in (CollectionRun, PatientSession, Consent)
    )
    claimed = select(Consent.claimed_uuid).where(Consent.session_id == session_id, Consent.claimed_uuid.is_not(None))
    return next(filter(None, map(session.scalar, (*proved, claimed.limit(1)))), None)
