"""What the person (or their browser) asks of a collection: the push to the phone, the collection itself, the end.

Each holds the run's row in its transaction, so two tabs that ask at once are answered one after the other.
Errors: NotAsked (409: no authentication was asked for yet), RunOver (409: this session has ended and cannot go on).
"""

from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.names import Status, Step, session_subject, step_task
from models.collection import CollectionRun, RunState
from services.collection.events import say_ended
from services.collection.sessions import SessionNotFound
from services.delivery.unit_of_work import Work

# When a task that was sent at once has not been taken by then, the sweep sends it again.
RESEND_AFTER = timedelta(seconds=1)
_LOCK_RUN = select(CollectionRun).where(CollectionRun.session_id == bindparam("session_id")).with_for_update()


class NotAsked(Exception):
    """The collection was asked for before the authentication."""

    retryable = False


class RunOver(Exception):
    """The session has ended; the person has to start a new one."""

    retryable = False


class Asked(Enum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


def lock_run(session: Session, session_id: UUID) -> CollectionRun:
    """The run's row, held until the end of the transaction. Raises SessionNotFound."""
    run = session.execute(_LOCK_RUN, {"session_id": session_id}).scalar_one_or_none()
    if run is None:
        raise SessionNotFound(str(session_id))
    return run


def make_ready(work: Work, run: CollectionRun, step: Step, *, now: datetime) -> None:
    """Let any worker take the run at this step, now; its task is sent after the commit."""
    run.step = step
    run.run_state = RunState.READY
    run.owner_id = None
    run.attempts = 0
    run.takeovers = 0
    run.not_before = now
    run.resend_at = now + RESEND_AFTER
    run.sends = 1
    note_change(work, run, now)
    work.send(step_task(step), str(run.session_id), run.request_id)


def note_change(work: Work, run: CollectionRun, now: datetime) -> None:
    """Count a change that a browser can see, and have the Redis copy renewed."""
    run.revision += 1
    run.updated_at = now
    work.touch(session_subject(str(run.session_id)), run)


def end_run(run: CollectionRun, status: Status, now: datetime) -> None:
    """No step follows; what was only needed to go on is erased. A process still at work finds its fence outdated."""
    run.status = status
    run.run_state = RunState.ENDED
    run.fence += 1
    run.identity = None
    run.auth = None
    run.collection_ended_at = now


def ask_for_simple_auth(work: Work, session_id: UUID, *, now: datetime, request_id: str) -> Asked:
    """Have the push sent to the phone, once: a second call while it is under way or approved changes nothing."""
    run = lock_run(work.session, session_id)
    if run.status in {Status.INFO_REQUIRED, Status.EXPIRED, Status.CANCELLED}:
        raise RunOver(run.status)
    if run.run_state != RunState.IDLE or run.step != Step.REQUEST_SIMPLE_AUTH:
        return Asked.DUPLICATE
    run.request_id = request_id
    run.status = Status.AUTH_REQUESTING
    run.error_code = run.error_detail = None
    make_ready(work, run, Step.REQUEST_SIMPLE_AUTH, now=now)
    return Asked.ACCEPTED


def ask_for_collection(work: Work, session_id: UUID, *, now: datetime, request_id: str) -> Asked:
    """Start the rest, or see to it that the approval is looked for at once. Raises NotAsked or RunOver."""
    run = lock_run(work.session, session_id)
    if run.status in {Status.INFO_REQUIRED, Status.EXPIRED, Status.CANCELLED}:
        raise RunOver(run.status)
    if run.step == Step.REQUEST_SIMPLE_AUTH:
        raise NotAsked(str(session_id))
    if run.run_state == RunState.WAITING and not run.collect_requested:
        run.collect_requested = True
        run.request_id = request_id
        run.collection_started_at = run.collection_started_at or now
        note_change(work, run, now)
        return Asked.ACCEPTED
    if run.run_state == RunState.IDLE:
        run.request_id = request_id
        resume_run(work, run, now=now)
        return Asked.ACCEPTED
    return Asked.DUPLICATE


def resume_run(work: Work, run: CollectionRun, *, now: datetime) -> None:
    """Let a run that stopped with an error go on at the step where it stands."""
    run.error_code = run.error_detail = None
    if run.step == Step.POLL_SIMPLE_AUTH:
        wait_for_phone(work, run, not_before=now, now=now)
        return
    if run.step == Step.FETCH_PRESCRIPTIONS and run.health_failed and run.health_count is None:
        run.health_failed = False
        run.step = Step.FETCH_HEALTH_DATA
    make_ready(work, run, Step(run.step), now=now)


def wait_for_phone(work: Work, run: CollectionRun, *, not_before: datetime, now: datetime) -> None:
    """Give the run to the poller; no worker is held while the phone is silent."""
    run.step = Step.POLL_SIMPLE_AUTH
    run.run_state = RunState.WAITING
    run.status = Status.AUTH_PENDING
    run.owner_id = None
    run.attempts = run.takeovers = 0
    run.not_before = not_before
    run.resend_at = None
    note_change(work, run, now)


def cancel_session(work: Work, session_id: UUID, *, now: datetime) -> None:
    """End the session at the person's wish. Work under way stops at its next step; stored records stay."""
    run = lock_run(work.session, session_id)
    if run.run_state != RunState.ENDED:
        say_ended(work, session_id, Status.CANCELLED, "요청하신 대로 수집을 멈췄어요.", now=now)
        end_run(run, Status.CANCELLED, now)
    # Whoever holds the token gets nothing from now on, also of a collection that had completed.
    run.token_hash = None
    note_change(work, run, now)
