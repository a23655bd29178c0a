"""What the sweep finds of the interviews: runs whose process died, that are due, that nobody will ever take; and calls
that are still to be settled.

Several sweepers do no harm (SKIP LOCKED, and the fence).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, false, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.logs import get_logger
from models.interviews import InterviewRun, InterviewRunState, UnsettledCall
from services.delivery.unit_of_work import UnitOfWork, Work
from services.interviews.analysis_failures import AnalysisFault, failure_of
from services.interviews.endings import fail_interview
from services.interviews.runs import DEAD_OWNER, give_up_call, locked_run, lost_runs, send_run, take_back_runs

log = get_logger(__name__)

# A step that took its process down with it so often, or broke a fifth as often by a mistake of ours, is poison.
MAX_TAKEOVERS, WEIGHT_OF_MISTAKE = 20, 5
STALE_AFTER = timedelta(hours=24)
_BATCH = 200
# Pauses between two sends of one run double, so that a backlog, or a queue that nobody serves, does not feed itself.
_LONGEST_RESEND_SECONDS = 300
# What was sent and is in an empty queue no more got lost.
_LOST_AFTER = timedelta(seconds=2)
_SETTLED_WITHIN = timedelta(hours=24)


def held_by_dead(now: datetime) -> Select[UUID]:  # noqa: ARG001 as the others are asked
    return lost_runs(MAX_TAKEOVERS)


def take_from_dead(work: Work, now: datetime) -> int:
    """How many runs."""
    taken = take_back_runs(work.session, now, MAX_TAKEOVERS, _BATCH)
    for interview_id, request_id in taken:
        log.warning("interview_run_taken_back", interview_id=str(interview_id))
        send_run(work, interview_id, request_id)
    return len(taken)


def due(now: datetime) -> Select[UUID]:
    """Those that `send_due` may find, whatever waits in the queue."""
    return select(InterviewRun.interview_id).where(_is_due(now))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(InterviewRun.state == InterviewRunState.READY, InterviewRun.due_at <= now)


def send_due(work: Work, now: datetime, *, queue_is_empty: bool = False) -> int:
    """How many runs."""
    is_due = _is_due(now)
    unsent = or_(InterviewRun.sent_at.is_(None), InterviewRun.sent_at <= now - _pause_after(InterviewRun.sends))
    is_lost = and_(is_due, InterviewRun.sent_at <= now - _LOST_AFTER) if queue_is_empty else false()
    chosen = (
        select(InterviewRun.interview_id)
        .where(or_(and_(is_due, unsent), is_lost))
        .order_by(InterviewRun.due_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    noted = {"sends": InterviewRun.sends + 1, "sent_at": now}
    statement = update(InterviewRun).where(InterviewRun.interview_id.in_(select(chosen.c.interview_id))).values(noted)
    rows = work.session.execute(statement.returning(InterviewRun.interview_id, InterviewRun.request_id)).all()
    for row in rows:
        send_run(work, row[0], row[1])
    return len(rows)


def unsettled(now: datetime) -> Select[str]:  # noqa: ARG001 as the others are asked
    """All calls that are to be settled."""
    return select(UnsettledCall.miso_user)


def send_unsettled(work: Work, now: datetime, *, queue_is_empty: bool = False) -> int:
    """Calls that are to be settled; how many messages were sent."""
    call = UnsettledCall
    is_unsent: ColumnElement[bool] = call.sent_at.is_(None)
    # Nobody waits for it: it is sent again only where no message of before can be waiting for an analyst.
    if queue_is_empty:
        is_unsent = or_(is_unsent, call.sent_at <= now - _pause_after(call.sends))
    unsent = select(call.miso_user).where(is_unsent).order_by(call.noted_at).limit(_BATCH)
    held = unsent.with_for_update(skip_locked=True).cte("due")
    sent = update(call).where(
        call.miso_user.in_(select(held.c.miso_user)), call.interview_id == InterviewRun.interview_id
    )
    told = sent.values(sends=call.sends + 1, sent_at=now).returning(call.interview_id, InterviewRun.request_id)
    messages = {(row[0], row[1]) for row in work.session.execute(told)}
    for interview_id, request_id in messages:
        send_run(work, interview_id, request_id)
    return len(messages)


def _pause_after(sends: InstrumentedAttribute[int]) -> ColumnElement[Any]:
    seconds = func.least(func.power(2, func.least(sends, 10)), _LONGEST_RESEND_SECONDS)
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def give_up_unsettled(work: Work, now: datetime) -> None:
    """MISO has had a day, and does not say what they have used. How often it was asked is known to nobody: messages are
    sent also while the analysts, the broker or MISO are away."""
    call = UnsettledCall
    old = select(call.miso_user).where(call.noted_at <= now - _SETTLED_WITHIN).with_for_update(skip_locked=True)
    forgotten = delete(call).where(call.miso_user.in_(old))
    for interview_id in work.session.scalars(forgotten.returning(call.interview_id)):
        log.warning("usage_never_told", interview_id=str(interview_id))


def fail_hopeless(unit_of_work: UnitOfWork, now: datetime) -> int:
    """What nobody has taken within a day, and what takes its process down each time. How many interviews."""
    failed = 0
    with unit_of_work() as work:
        found = find_hopeless(work.session, now)
    for interview_id, project_id, fence, fault in found:
        with locked_run(unit_of_work, project_id, interview_id) as held:
            if held.run.fence == fence:
                give_up_call(held.session, held.run)
                fail_interview(held, failure_of(fault), now)
                failed += 1
    return failed


def hopeless(now: datetime) -> Select[UUID, UUID, int, str]:
    is_stale = and_(InterviewRun.state == InterviewRunState.READY, InterviewRun.due_at <= now - STALE_AFTER)
    is_poison = and_(
        InterviewRun.state == InterviewRunState.RUNNING, InterviewRun.takeovers >= MAX_TAKEOVERS, DEAD_OWNER
    )
    query = select(InterviewRun.interview_id, InterviewRun.project_id, InterviewRun.fence, InterviewRun.state)
    return query.where(or_(is_stale, is_poison))


def find_hopeless(session: Session, now: datetime) -> Sequence[tuple[UUID, UUID, int, AnalysisFault]]:
    rows = session.execute(hopeless(now).limit(_BATCH)).all()
    faults = {InterviewRunState.READY: AnalysisFault.STALE, InterviewRunState.RUNNING: AnalysisFault.POISON}
    return [(row[0], row[1], row[2], faults[InterviewRunState(row[3])]) for row in rows]
