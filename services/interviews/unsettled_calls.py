"""Settles the calls that nobody waits for any more: stops those that can be, and counts what they have used.

A call stays noted until MISO tells its end. Order of locks: the interview, its run, then one call.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from models.interviews import UnsettledCall
from services.interviews.counts import add_counts
from services.interviews.miso_call import attempt_of, read_last_usage, stop_workflow
from services.interviews.row_security import as_analyst
from services.interviews.run_tools import RunTools
from services.interviews.runs import forget_call, locked_run
from services.interviews.saving import note_late_usage
from upstream.miso.usage import Usage
from upstream.miso.workflows import STOP_SECONDS, MisoWorkflows

# A stop and a look, and some to settle; of a process that dies others have it then.
_HELD = timedelta(seconds=4 * STOP_SECONDS)


def settle_calls(tools: RunTools, project_id: UUID, interview_id: UUID) -> None:
    """Each that no other process has. Of one whose end MISO does not tell, the sweep has it tried again; without MISO's
    address or key all are left to processes that have them."""
    if tools.miso is None:
        return
    for user in _find_calls(tools, project_id, interview_id):
        if tools.is_stopping():
            return
        _settle(tools, tools.miso, project_id, interview_id, user)


def _find_calls(tools: RunTools, project_id: UUID, interview_id: UUID) -> Sequence[str]:
    theirs = select(UnsettledCall.miso_user).where(UnsettledCall.interview_id == interview_id)
    with tools.unit_of_work() as work, as_analyst(work.session, project_id):
        return work.session.scalars(theirs.order_by(UnsettledCall.noted_at)).all()


def _settle(tools: RunTools, miso: MisoWorkflows, project_id: UUID, interview_id: UUID, user: str) -> None:
    now = tools.clock.now()
    held_until = now + _HELD
    with tools.unit_of_work() as work, as_analyst(work.session, project_id):
        is_free = or_(UnsettledCall.claimed_until.is_(None), UnsettledCall.claimed_until <= now)
        claim = update(UnsettledCall).where(UnsettledCall.miso_user == user, is_free).values(claimed_until=held_until)
        claimed = work.session.execute(claim.returning(UnsettledCall.task_id)).one_or_none()
    if claimed is None:
        return
    usage = _stop(miso, claimed.task_id, user)
    if usage is None:
        _release(tools, project_id, user, held_until)
        return
    with locked_run(tools.unit_of_work, project_id, interview_id) as held:
        if forget_call(held.session, user):
            attempt = attempt_of(user) or held.run.attempt
            add_counts(held.session, note_late_usage(held, attempt, usage, tools.clock.now()))


def _stop(miso: MisoWorkflows, task_id: str | None, user: str) -> Usage | None:
    """What the workflow has used; None while MISO does not say that it has ended."""
    if task_id is not None:
        stop_workflow(miso, task_id, user)
    return read_last_usage(miso, user)


def _release(tools: RunTools, project_id: UUID, user: str, held_until: datetime) -> None:
    """Not what another has claimed since."""
    ours = UnsettledCall.miso_user == user, UnsettledCall.claimed_until == held_until
    with tools.unit_of_work() as work, as_analyst(work.session, project_id):
        work.session.execute(update(UnsettledCall).where(*ours).values(claimed_until=None))
