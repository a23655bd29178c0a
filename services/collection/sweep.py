"""What a periodic sweep finds: runs whose process died, tasks that got lost, sessions that ended, events left behind.

Each function does a bounded part of the work in one transaction; several sweepers do no harm (SKIP LOCKED).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.names import Event, Status, Step, step_task
from models.collection import CollectionRun, CollectionStep, RunState
from models.collection.run_states import MAX_TAKEOVERS, SAVING_STEPS
from models.processes import ProcessLease
from services.collection.events import say, say_ended
from services.collection.requests import RESEND_AFTER, end_run, make_ready, note_change, resume_run
from services.collection.run import stop_run
from services.delivery.outbox import left_over
from services.delivery.unit_of_work import Work
from services.processes.leases import DEAD_OWNER

log = get_logger(__name__)

_BATCH = 200
_LONGEST_RESEND = timedelta(seconds=60)
# A sender is given this long before its events count as left behind.
_OUTBOX_PATIENCE = timedelta(seconds=1)


def take_from_dead(work: Work, now: datetime) -> int:
    """Make runs ready again whose process died, hangs, or has spent the step's time. Returns how many."""
    query = (
        select(CollectionRun)
        .where(CollectionRun.run_state == RunState.RUNNING, or_(DEAD_OWNER, CollectionRun.lease_until < now))
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    runs = work.session.execute(query).scalars().all()
    for run in runs:
        _take_back(work, run, now)
    return len(runs)


def _take_back(work: Work, run: CollectionRun, now: datetime) -> None:
    takeovers = run.takeovers + 1
    log.warning("run_taken_back", session_id=str(run.session_id), step=run.step, takeovers=takeovers)
    work.session.add(
        CollectionStep(
            session_id=run.session_id,
            step=run.step,
            fence=run.fence,
            attempt=run.attempts + takeovers,
            outcome="taken_back",
            reason="PROCESS_LOST",
            started_at=run.step_started_at or run.updated_at,
            ended_at=now,
        )
    )
    if takeovers > MAX_TAKEOVERS:
        _stop_poison(work, run, now)
        return
    attempts = run.attempts
    make_ready(work, run, Step(run.step), now=now)
    run.attempts, run.takeovers = attempts, takeovers
    # The zombie that may wake up must find its fence outdated even before somebody takes the run.
    run.fence += 1


def _stop_poison(work: Work, run: CollectionRun, now: datetime) -> None:
    run.status = Status.ERROR
    run.error_code, run.error_detail = "POISON", {"reason": "the step took its process down each time"}
    message = "처리하는 중에 문제가 생겼어요. 확인 후 다시 이어서 진행할게요."
    data = {"code": run.error_code, "retry_available": True}
    say(work, run.session_id, Event.COLLECTION_ERROR, message, now=now, status=run.status, data=data)
    stop_run(work, run, now)


def resend_lost(work: Work, now: datetime, *, queue_is_empty: bool = False) -> int:
    """Send the tasks of runs that nobody took in time, or that are due for another try. Pauses double, so that a
    backlog does not feed itself; but what was sent and is in an empty queue no more got lost, and is sent again soon.
    """
    due: ColumnElement[bool] = CollectionRun.resend_at <= now
    if queue_is_empty:
        due = or_(due, and_(CollectionRun.sends > 0, _last_sent() <= now - RESEND_AFTER))
    query = (
        select(CollectionRun)
        .where(CollectionRun.run_state == RunState.READY, due)
        .order_by(CollectionRun.resend_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    runs = work.session.execute(query).scalars().all()
    for run in runs:
        run.resend_at = now + min(timedelta(seconds=2 ** min(run.sends, 10)), _LONGEST_RESEND)
        run.sends += 1
        work.send(step_task(Step(run.step)), str(run.session_id), run.request_id)
    return len(runs)


def _last_sent() -> ColumnElement[Any]:
    pause = func.least(func.power(2, func.least(CollectionRun.sends - 1, 10)), _LONGEST_RESEND.total_seconds())
    return CollectionRun.resend_at - func.make_interval(0, 0, 0, 0, 0, 0, pause)


def resume_stopped(work: Work, now: datetime) -> int:
    """Take up runs that stopped while saving what is already on disk, once their pause is over."""
    query = (
        select(CollectionRun)
        .where(CollectionRun.run_state == RunState.IDLE, CollectionRun.resend_at <= now)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    runs = work.session.execute(query).scalars().all()
    for run in runs:
        log.info("run_resumed", session_id=str(run.session_id), step=run.step, resumes=run.resumes)
        resume_run(work, run, now=now)
    return len(runs)


def expire_sessions(work: Work, now: datetime) -> int:
    """End the sessions that wait for a person beyond their time. Work under way is never cut short by this, nor is a
    run let go whose answers are on disk but not yet in the database."""
    query = (
        select(CollectionRun)
        .where(CollectionRun.run_state.in_([RunState.IDLE, RunState.WAITING]), CollectionRun.expires_at <= now)
        .where(CollectionRun.step.not_in(SAVING_STEPS))
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    runs = work.session.execute(query).scalars().all()
    for run in runs:
        say_ended(work, run.session_id, Status.EXPIRED, "시간이 지나 연결이 끝났어요. 다시 시작해 주세요.", now=now)
        end_run(run, Status.EXPIRED, now)
        note_change(work, run, now)
    return len(runs)


def left_behind(session: Session, now: datetime) -> list[str]:
    """Subjects whose committed events have not reached their stream."""
    return list(left_over(session, now - _OUTBOX_PATIENCE, _BATCH))


def ended_sessions(session: Session, session_ids: Sequence[str]) -> list[str]:
    """Those of these sessions whose run has ended: nobody comes for what they left in incoming/."""
    ids = [UUID(session_id) for session_id in session_ids]
    query = select(CollectionRun.session_id).where(
        CollectionRun.session_id.in_(ids), CollectionRun.run_state == RunState.ENDED
    )
    return [str(session_id) for session_id in session.execute(query).scalars()]


def forget_dead_processes(work: Work) -> None:
    """Remove leases that ran out long ago."""
    long_ago = func.now() - text("interval '1 hour'")
    work.session.execute(delete(ProcessLease).where(ProcessLease.lease_until < long_ago))
