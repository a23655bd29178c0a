"""Every transition of a run's owner, fence and state: who acts next on it, who may move it. Nothing else sets these.

Each changes a run that the caller holds, by its row's lock or by its claim's fence; `run_store` writes what changed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from core.names import Status, Step
from models.collection import CollectionRun, FromNow, RunState
from models.processes import ProcessLease
from services.processes.leases import DEAD_OWNER

# When a task that was sent at once has not been taken by then, the sweep sends it again.
RESEND_AFTER = timedelta(seconds=1)


def note_change(run: CollectionRun, now: datetime) -> None:
    """Count a change that a browser can see."""
    run.revision += 1
    run.updated_at = now


def make_ready(run: CollectionRun, step: Step, *, now: datetime) -> None:
    """Let any worker take the run at this step, now; its task has to be sent."""
    run.step = step
    run.run_state = RunState.READY
    run.owner_id = None
    run.attempts = run.takeovers = 0
    run.not_before = now
    run.resend_at = now + RESEND_AFTER
    run.sends = 1
    note_change(run, now)


def claim(run: CollectionRun, owner_id: int) -> None:
    """Give the run to a process. The fence outdates whoever held it before."""
    run.run_state = RunState.RUNNING
    run.owner_id = owner_id
    run.fence += 1
    run.resend_at = None


def begin_call(run: CollectionRun, seconds: float) -> None:
    """A paid call may be under way for so long from now on; without any, none is."""
    run.call_until = FromNow(timedelta(seconds=seconds)) if seconds else None  # type: ignore[assignment] # see run_store


def end_call(run: CollectionRun) -> None:
    """The outcome of the call is known."""
    run.call_until = None


def move_to_step(run: CollectionRun, step: Step) -> None:
    """The process that holds the run goes on with it, under the same fence."""
    run.step = step


def release(run: CollectionRun, not_before: datetime) -> None:
    """Have the same step tried again later, by whatever process."""
    run.run_state = RunState.READY
    run.owner_id = None
    run.lease_until = None
    run.not_before = run.resend_at = not_before
    run.sends = 0


def take_back(run: CollectionRun, *, now: datetime) -> None:
    """Make a run ready whose process is lost. One that wakes up must find its fence outdated even before somebody takes
    the run."""
    attempts, takeovers = run.attempts, run.takeovers
    make_ready(run, Step(run.step), now=now)
    run.attempts, run.takeovers = attempts, takeovers + 1
    run.fence += 1


def wait_for_phone(run: CollectionRun, *, not_before: datetime, now: datetime) -> None:
    """Give the run to the poller; no worker is held while nobody has approved."""
    run.step = Step.POLL_SIMPLE_AUTH
    run.run_state = RunState.WAITING
    run.status = Status.AUTH_PENDING
    run.owner_id = None
    run.attempts = run.takeovers = 0
    run.not_before = not_before
    run.resend_at = None
    note_change(run, now)


def void_authentication(run: CollectionRun) -> None:
    """What was asked of the phone counts no more: a late approval of it finds the fence outdated. The next push begins
    at the first step."""
    run.step = Step.REQUEST_SIMPLE_AUTH
    run.fence += 1
    run.auth = run.approve_by = None
    run.polls = 0
    run.collect_requested = False


def stop_run(run: CollectionRun, now: datetime) -> None:
    """Leave the run where it stands, for the person or an operator to resume."""
    run.run_state = RunState.IDLE
    run.owner_id = None
    run.fence += 1
    run.step_started_at = None
    run.lease_until = run.resend_at = None
    note_change(run, now)


def end_run(run: CollectionRun, status: Status, now: datetime) -> None:
    """No step follows; what was only needed to go on is erased. A process still at work finds its fence outdated; a
    poller stays the owner until it has been told (`drop_ended_runs`)."""
    run.status = status
    if run.run_state != RunState.WAITING:
        run.owner_id = None
    run.run_state = RunState.ENDED
    run.fence += 1
    run.identity = None
    run.auth = None
    run.collection_ended_at = now
    note_change(run, now)


# The poller's, for thousands of runs in one statement each


def take_waiting_runs(
    session: Session, owner_id: int, limit: int, without: Collection[UUID] = ()
) -> Sequence[tuple[CollectionRun, float | None]]:
    """Give waiting runs to a poller that no living one holds; each with the seconds for which a call of the one that
    held it before may still be under way."""
    seconds_left = func.extract("epoch", ProcessLease.calls_until - func.clock_timestamp())
    waiting = (
        select(
            CollectionRun.session_id,
            select(seconds_left).where(ProcessLease.id == CollectionRun.owner_id).scalar_subquery().label("seconds"),
        )
        .where(CollectionRun.run_state == RunState.WAITING)
        .where(or_(CollectionRun.owner_id.is_(None), DEAD_OWNER))
        .order_by(CollectionRun.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True, of=CollectionRun)
    )
    if without:
        waiting = waiting.where(CollectionRun.session_id.not_in(without))
    free = waiting.cte("free")
    statement = (
        update(CollectionRun)
        .where(CollectionRun.session_id == free.c.session_id)
        .values(owner_id=owner_id, fence=CollectionRun.fence + 1)
        .returning(CollectionRun, free.c.seconds)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return [(run, None if seconds is None else float(seconds)) for run, seconds in session.execute(statement).all()]


def drop_ended_runs(session: Session, owner_id: int) -> Sequence[UUID]:
    """Take from a poller the runs that have ended while it held them; every other transition takes them itself."""
    statement = (
        update(CollectionRun)
        .where(CollectionRun.owner_id == owner_id, CollectionRun.run_state == RunState.ENDED)
        .values(owner_id=None)
        .returning(CollectionRun.session_id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).scalars().all()


def find_moved_on(session: Session, owner_id: int, seconds: float) -> Sequence[UUID]:
    """Runs without an approval that were changed within the last seconds and do not wait for this poller: asked anew,
    or never its own. A run that a worker has taken since carries no trace of the poller that held it."""
    is_ours = and_(CollectionRun.run_state == RunState.WAITING, CollectionRun.owner_id == owner_id)
    query = select(CollectionRun.session_id).where(
        # Not clock_timestamp(), which changes within a statement: no index could be used.
        CollectionRun.changed_at > func.now() - timedelta(seconds=seconds),
        CollectionRun.step.in_([Step.REQUEST_SIMPLE_AUTH, Step.POLL_SIMPLE_AUTH]),
        is_ours.is_not(True),
    )
    return session.execute(query).scalars().all()


def free_waiting_runs(session: Session, owner_id: int, only: Collection[UUID] | None = None) -> None:
    """Take from a poller all that it holds, or some of it; another takes them at once."""
    held = (CollectionRun.owner_id == owner_id, CollectionRun.run_state == RunState.WAITING)
    statement = update(CollectionRun).where(*held).values(owner_id=None)
    if only is not None:
        statement = statement.where(CollectionRun.session_id.in_(only))
    session.execute(statement.execution_options(synchronize_session=False))
