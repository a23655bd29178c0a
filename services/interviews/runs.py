"""The row of a run: how it is taken, held, given back, ended. Nobody else changes its state, owner and fence.

Whoever works on a run holds a claim: the fence under which it was taken. What is settled under another fence than the
row's changes nothing, so a late answer, a second delivery and a process that wakes up are harmless. Order of locks: the
interview, then its run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.names import Task
from models.interviews import Insight, Interview, InterviewRun, InterviewRunState, InterviewStep, UnsettledCall
from services.delivery.unit_of_work import UnitOfWork, Work
from services.interviews.outputs import OUTPUT_NAMES
from services.interviews.row_security import MemberWork, as_analyst
from services.processes.leases import has_dead_owner


class RunOutdated(Exception):
    """The run has moved on: deleted, retried, or another process has it."""

    retryable = False


@dataclass(frozen=True, slots=True)
class InterviewClaim:
    """What a process holds of a run. `step` is the one to do next; `interview_id` may be an insight's, as in its row;
    `output_names` are what is asked of MISO's answer."""

    interview_id: UUID
    project_id: UUID
    step: InterviewStep
    fence: int
    owner_id: int
    attempt: int
    request_id: str
    output_names: tuple[str, ...] = OUTPUT_NAMES


@dataclass(frozen=True, slots=True)
class HeldRun:
    """Both rows locked, under row-level security, until the end of the unit. What is put into `outside_row_security` is
    done in the same transaction, after it was left."""

    work: Work
    analysed: Interview | Insight
    run: InterviewRun
    outside_row_security: list[Callable[[Work], object]] = field(default_factory=list)

    @property
    def session(self) -> Session:
        return self.work.session

    @property
    def interview(self) -> Interview:
        """Of a step that no insight has."""
        if not isinstance(self.analysed, Interview):
            raise TypeError("an insight has no text of its own")
        return self.analysed


def read_run(session: Session, interview_id: UUID) -> InterviewRun | None:
    """Outside row-level security, which cannot be entered before the project is known."""
    return session.get(InterviewRun, interview_id)


@contextmanager
def locked_run(unit_of_work: UnitOfWork, project_id: UUID, interview_id: UUID) -> Iterator[HeldRun]:
    """One unit with the rows, whoever has the run."""
    with unit_of_work() as work:
        with as_analyst(work.session, project_id):
            analysed = work.session.get(Interview, interview_id, with_for_update=True) or work.session.get_one(
                Insight, interview_id, with_for_update=True
            )
            held = HeldRun(work, analysed, work.session.get_one(InterviewRun, interview_id, with_for_update=True))
            yield held
        for act in held.outside_row_security:
            act(work)


@contextmanager
def held_run(unit_of_work: UnitOfWork, claim: InterviewClaim) -> Iterator[HeldRun]:
    """The same under a claim. Raises RunOutdated."""
    with locked_run(unit_of_work, claim.project_id, claim.interview_id) as held:
        if (held.run.state, held.run.fence) != (InterviewRunState.RUNNING, claim.fence):
            raise RunOutdated(str(claim.interview_id))
        yield held


def take_run(run: InterviewRun, owner_id: int, now: datetime) -> InterviewClaim | None:
    """None when it is another's, over, or not yet due."""
    if run.state != InterviewRunState.READY or run.due_at > now:
        return None
    run.state, run.owner_id = InterviewRunState.RUNNING, owner_id
    run.fence += 1
    run.updated_at = now
    step = InterviewStep(run.step)
    return InterviewClaim(run.interview_id, run.project_id, step, run.fence, owner_id, run.attempt, run.request_id)


def release_run(run: InterviewRun, due_at: datetime, now: datetime) -> None:
    """Let anybody go on with its step at that time; the sweep sends it then."""
    run.state, run.owner_id = InterviewRunState.READY, None
    run.fence += 1
    run.due_at, run.sends, run.sent_at = due_at, 0, None
    run.updated_at = now


def finish_run(run: InterviewRun, now: datetime) -> None:
    """Nothing is left to do for this attempt."""
    run.state, run.owner_id = InterviewRunState.ENDED, None
    run.fence += 1
    run.updated_at = now


def give_up_call(session: Session, run: InterviewRun) -> None:
    """Nobody waits any more for the call that is under way, if one is: not one that MISO has refused."""
    if run.called_at is not None and run.miso_user is not None:
        note_unwanted(session, run, run.miso_user, run.miso_task_id)


def note_unwanted(session: Session, run: InterviewRun, user: str, task_id: str | None) -> None:
    """Have the call of this user stopped, where MISO has told its task, and counted what it has used; the sweep has it
    done. Known already, it is done anew with what is news of it."""
    row = insert(UnsettledCall).values(
        miso_user=user,
        interview_id=run.interview_id,
        project_id=run.project_id,
        task_id=task_id,
        reserved_tokens=run.reserved_tokens if run.miso_user == user else 0,
    )
    task = func.coalesce(row.excluded.task_id, UnsettledCall.task_id)
    reserved = func.greatest(row.excluded.reserved_tokens, UnsettledCall.reserved_tokens)
    renewed = {"task_id": task, "sends": 0, "sent_at": None, "reserved_tokens": reserved}
    session.execute(row.on_conflict_do_update(constraint="pk_interview_unsettled_calls", set_=renewed))


def free_reservation(session: Session, run: InterviewRun, attempt: int) -> None:
    """What this attempt has used is known, and counts as spent; its call may still have to be settled."""
    if attempt == run.attempt:
        run.reserved_tokens = 0
    user = UnsettledCall.miso_user.startswith(user_prefix(run.interview_id, attempt), autoescape=True)
    its_call = UnsettledCall.interview_id == run.interview_id, user
    session.execute(update(UnsettledCall).where(*its_call).values(reserved_tokens=0))


def user_prefix(interview_id: UUID, attempt: int) -> str:
    """What the user of an attempt's call begins with."""
    return f"iv-{interview_id}-{attempt}-"


def forget_call(session: Session, user: str) -> bool:
    """Nothing is left to be asked of it. Of several that say so, one hears that it was there."""
    forgotten = delete(UnsettledCall).where(UnsettledCall.miso_user == user).returning(UnsettledCall.miso_user)
    return session.scalar(forgotten) is not None


def send_run(work: Work, interview_id: UUID, request_id: str) -> None:
    """After the commit. A hint: what gets lost, the sweep sends again."""
    work.send(Task.RUN_INTERVIEW, str(interview_id), request_id)


def end_run(session: Session, interview_id: UUID, now: datetime) -> None:
    """Whoever works on it finds another fence. Nothing becomes of one that has ended."""
    run = session.get(InterviewRun, interview_id, with_for_update=True)
    if run is not None and run.state != InterviewRunState.ENDED:
        give_up_call(session, run)
        finish_run(run, now)


def restart_run(member: MemberWork, interview_id: UUID, due_at: datetime, *, step: InterviewStep, **more: Any) -> None:
    """Begin at this step, whatever was going on."""
    values = {
        "state": InterviewRunState.READY,
        "owner_id": None,
        "fence": InterviewRun.fence + 1,
        "step": step,
        "due_at": due_at,
        "tries": 0,
        "takeovers": 0,
        "sends": 1,
        "sent_at": due_at,
        "updated_at": member.now,
    }
    member.session.execute(update(InterviewRun).where(InterviewRun.interview_id == interview_id).values(values | more))
    send_run(member.work, interview_id, member.request_id)


def lost_runs(most_takeovers: int) -> Select[UUID]:
    return select(InterviewRun.interview_id).where(
        InterviewRun.state == InterviewRunState.RUNNING, DEAD_OWNER, InterviewRun.takeovers < most_takeovers
    )


def take_back_runs(session: Session, now: datetime, most_takeovers: int, limit: int) -> list[tuple[UUID, str]]:
    """Of processes that died or hang, for others to go on with: the interviews, and the requests they stem from."""
    lost = lost_runs(most_takeovers).limit(limit).with_for_update(skip_locked=True).cte("lost")
    ready = {
        "state": InterviewRunState.READY,
        "owner_id": None,
        "fence": InterviewRun.fence + 1,
        "takeovers": InterviewRun.takeovers + 1,
        "due_at": now,
        "sends": 1,
        "sent_at": now,
        "updated_at": now,
    }
    statement = update(InterviewRun).where(InterviewRun.interview_id.in_(select(lost.c.interview_id))).values(ready)
    rows = session.execute(statement.returning(InterviewRun.interview_id, InterviewRun.request_id))
    return [(row[0], row[1]) for row in rows]


DEAD_OWNER = has_dead_owner("welno.interview_runs.owner_id")
# Of the attempt before.
NO_CALL: dict[str, Any] = {
    "miso_user": None,
    "miso_task_id": None,
    "miso_run_id": None,
    "called_at": None,
    "deadline_at": None,
    "lost": None,
    "elapsed_seconds": None,
}
