"""What a periodic sweep finds: runs whose process died, tasks that got lost, sessions that ended.

Each function does a bounded part of the work in one transaction; several sweepers do no harm (SKIP LOCKED).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select, text
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.names import Event, Status, Step
from models.collection import CollectionRun, RunState
from models.collection.run_states import MAX_TAKEOVERS, SAVING_STEPS
from models.processes import ProcessLease
from services.collection import transitions
from services.collection.consents import ConsentCode
from services.collection.events import say, say_ended
from services.collection.requests import resume_run, send_step
from services.collection.run_store import StepTry, save_run
from services.collection.transitions import RESEND_AFTER
from services.delivery.unit_of_work import Work
from services.patients.tombstones import find_buried
from services.processes.leases import DEAD_OWNER

log = get_logger(__name__)

_BATCH = 200
# So long a session's poller may be missing before the session ends without one.
_POLLERS_TIME = timedelta(seconds=10)
_LONGEST_RESEND = timedelta(seconds=60)


def held_by_dead(now: datetime) -> Select[CollectionRun]:
    return _runs(CollectionRun.run_state == RunState.RUNNING, or_(DEAD_OWNER, CollectionRun.lease_until < now))


def take_from_dead(work: Work, now: datetime) -> int:
    """Make runs ready again whose process died, hangs, or has spent the step's time. Returns how many."""
    runs = _lock_some(work, held_by_dead(now))
    for run in runs:
        _take_back(work, run, now)
    return len(runs)


def give_up_run(work: Work, session_id: UUID, owner_id: int, now: datetime) -> None:
    """Take back a run that its process cannot settle, though it lives. Nothing happens if it has moved on."""
    held = _runs(
        CollectionRun.session_id == session_id,
        CollectionRun.owner_id == owner_id,
        CollectionRun.run_state == RunState.RUNNING,
    )
    for run in _lock_some(work, held):
        _take_back(work, run, now)


def _runs(*conditions: ColumnElement[bool]) -> Select[CollectionRun]:
    return select(CollectionRun).where(*conditions)


def _lock_some(work: Work, query: Select[CollectionRun]) -> Sequence[CollectionRun]:
    """Runs that nobody else works on just now; each is to be written by `save_run`."""
    runs = work.session.scalars(query.limit(_BATCH).with_for_update(skip_locked=True)).all()
    for run in runs:
        work.session.expunge(run)
    return runs


def _take_back(work: Work, run: CollectionRun, now: datetime) -> None:
    takeovers = run.takeovers + 1
    log.warning("run_taken_back", session_id=str(run.session_id), step=run.step, takeovers=takeovers)
    started_at = run.step_started_at or run.updated_at
    lost = StepTry(run.step, run.fence, run.attempts + takeovers, "taken_back", "PROCESS_LOST", started_at, now)
    if takeovers > MAX_TAKEOVERS:
        _stop_poison(work, run, now)
    else:
        transitions.take_back(run, now=now)
        send_step(work, run)
    save_run(work, run, [lost])


def _stop_poison(work: Work, run: CollectionRun, now: datetime) -> None:
    run.status = Status.ERROR
    run.error_code, run.error_detail = "POISON", {"reason": "the step took its process down each time"}
    message = "처리하는 중에 문제가 생겼어요. 확인 후 다시 이어서 진행할게요."
    data = {"code": run.error_code, "retry_available": True}
    say(work, run.session_id, Event.COLLECTION_ERROR, message, now=now, status=run.status, data=data)
    transitions.stop_run(run, now)


def due_or_sent(now: datetime) -> Select[CollectionRun]:
    """Those that `resend_lost` may find, whatever waits in the queue."""
    return _runs(
        CollectionRun.run_state == RunState.READY, or_(CollectionRun.resend_at <= now, CollectionRun.sends > 0)
    )


def resend_lost(work: Work, now: datetime, *, queue_is_empty: bool = False) -> int:
    """Send the tasks of runs that nobody took in time, or that are due for another try. Pauses double, so that a
    backlog does not feed itself; but what was sent and is in an empty queue no more got lost, and is sent again soon.
    """
    due: ColumnElement[bool] = CollectionRun.resend_at <= now
    if queue_is_empty:
        due = or_(due, and_(CollectionRun.sends > 0, _last_sent() <= now - RESEND_AFTER))
    runs = _lock_some(work, _runs(CollectionRun.run_state == RunState.READY, due))
    for run in runs:
        run.resend_at = now + min(timedelta(seconds=2 ** min(run.sends, 10)), _LONGEST_RESEND)
        run.sends += 1
        send_step(work, run)
        save_run(work, run)
    return len(runs)


def _last_sent() -> ColumnElement[Any]:
    pause = func.least(func.power(2, func.least(CollectionRun.sends - 1, 10)), _LONGEST_RESEND.total_seconds())
    return CollectionRun.resend_at - func.make_interval(0, 0, 0, 0, 0, 0, pause)


def stopped_while_saving(now: datetime) -> Select[CollectionRun]:
    return _runs(CollectionRun.run_state == RunState.IDLE, CollectionRun.resend_at <= now)


def resume_stopped(work: Work, now: datetime) -> int:
    """Take up runs that stopped while saving what is already on disk, once their pause is over."""
    runs = _lock_some(work, stopped_while_saving(now))
    for run in runs:
        log.info("run_resumed", session_id=str(run.session_id), step=run.step, resumes=run.resumes)
        resume_run(work, run, now=now)
        save_run(work, run)
    return len(runs)


def beyond_their_time(now: datetime) -> Select[CollectionRun]:
    """Those that wait for a person, or whose push was not sent yet. Not those whose work is under way or whose answers
    are on disk but not yet in the database; and who waits for their phone is a poller's, which knows whether an answer
    is on its way."""
    is_idle = and_(CollectionRun.run_state == RunState.IDLE, CollectionRun.expires_at <= now)
    is_forsaken = and_(
        CollectionRun.run_state == RunState.WAITING,
        CollectionRun.expires_at <= now - _POLLERS_TIME,
        or_(CollectionRun.owner_id.is_(None), DEAD_OWNER),
    )
    is_unsent = and_(
        CollectionRun.run_state == RunState.READY,
        CollectionRun.step == Step.REQUEST_SIMPLE_AUTH,
        CollectionRun.expires_at <= now,
    )
    return _runs(or_(is_idle, is_forsaken, is_unsent), CollectionRun.step.not_in(SAVING_STEPS))


def expire_sessions(work: Work, now: datetime) -> int:
    """End the sessions beyond their time. Work under way is never cut short by this."""
    runs = _lock_some(work, beyond_their_time(now))
    for run in runs:
        expire_run(work, run, now)
    return len(runs)


def expire_run(work: Work, run: CollectionRun, now: datetime) -> None:
    say_ended(work, run.session_id, Status.EXPIRED, "시간이 지나 연결이 끝났어요. 다시 시작해 주세요.", now=now)
    transitions.end_run(run, Status.EXPIRED, now)
    save_run(work, run)


def ended_sessions(session: Session, session_ids: Sequence[str]) -> dict[str, Status]:
    """Those of these sessions whose run has ended, and how: nobody comes for what they left in incoming/. Whose
    consents ran out counts as expired, whose person was erased as cancelled."""
    ids = [UUID(session_id) for session_id in session_ids]
    ran_out = CollectionRun.error_code == ConsentCode.EXPIRED
    status = case((ran_out, Status.EXPIRED.value), else_=CollectionRun.status).label("status")
    query = select(CollectionRun.session_id, status).where(
        CollectionRun.session_id.in_(ids), CollectionRun.run_state == RunState.ENDED
    )
    ended = {str(session_id): Status(status) for session_id, status in session.execute(query).all()}
    return ended | dict.fromkeys(map(str, find_buried(session, ids)), Status.CANCELLED)


def unknown_sessions(session: Session, session_ids: Sequence[str]) -> set[str]:
    """Those of these sessions of which there is no run."""
    query = select(CollectionRun.session_id).where(CollectionRun.session_id.in_([UUID(one) for one in session_ids]))
    return set(session_ids) - set(map(str, session.scalars(query)))


def forget_dead_processes(work: Work) -> None:
    """Remove leases that ran out long ago."""
    long_ago = func.now() - text("interval '1 hour'")
    work.session.execute(delete(ProcessLease).where(ProcessLease.lease_until < long_ago))
