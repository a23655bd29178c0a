"""What members do to an interview that is there: delete, restore, retry, have it started."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.interviews import (
    Insight,
    Interview,
    InterviewRun,
    InterviewRunState,
    InterviewStatus,
    InterviewStep,
    Project,
    ProjectRole,
)
from services.interviews.analysis_failures import AnalysisFault, failure_of
from services.interviews.budgets import most_characters, reserve_budget
from services.interviews.errors import ConsentMissing, InterviewNotFound, NoKeptAnswer, NotDeleted, NotFailed, UnderWay
from services.interviews.events import tell_added, tell_deleted, tell_status
from services.interviews.knowledge_wishes import want_document, withdraw_document
from services.interviews.membership import require_interview
from services.interviews.row_security import MemberWork
from services.interviews.runs import NO_CALL, end_run, restart_run
from services.interviews.uploading import STARTS_AFTER
from services.interviews.utterance_index import drop_utterances, index_utterances

UNFINISHED = frozenset({InterviewStatus.PROCESSING, InterviewStatus.ANALYZING})
# A run that is due for so long stands still, as the sweep has sent it several times by then.
_STANDS_STILL_AFTER = timedelta(seconds=10)
# Of the metadata: they are noted anew.
_OF_ATTEMPT = frozenset({"processing_started_at", "processing_completed_at", "failed_at"})


def delete_interview(member: MemberWork, interview_id: UUID) -> None:
    """Softly; a second time nothing. Its analysis ends, and what is still answered changes nothing.

    Raises InterviewNotFound, RoleTooSmall.
    """
    interview = require_interview(member, interview_id, ProjectRole.EDITOR, lock=True)
    if interview.deleted_at is not None:
        return
    end_run(member.session, interview.id, member.now)
    interview.deleted_at, interview.deleted_by = member.now, member.account_id
    drop_utterances(member.session, interview.id)
    withdraw_document(member.session, interview.id)
    note_change(interview, member.now)
    tell_deleted(member.work, interview, member.now)


def restore_interview(member: MemberWork, interview_id: UUID, keep_days: int) -> Interview:
    """One that was under way comes back as failed. Raises InterviewNotFound, also when its time is over, RoleTooSmall,
    NotDeleted."""
    interview = require_interview(member, interview_id, ProjectRole.EDITOR, lock=True)
    if interview.deleted_at is None:
        raise NotDeleted
    if interview.deleted_at + timedelta(days=keep_days) <= member.now:
        raise InterviewNotFound
    interview.deleted_at = interview.deleted_by = None
    if InterviewStatus(interview.status) in UNFINISHED:
        interview.status = InterviewStatus.FAILED
        interview.error = failure_of(AnalysisFault.CANCELLED).describe()
        interview.details = interview.details | {"failed_at": member.now.isoformat()}
    index_utterances(member.session, interview)
    if interview.status == InterviewStatus.COMPLETED:
        want_document(member.session, interview)
    note_change(interview, member.now)
    member.session.flush()
    tell_added(member.work, interview, member.now)
    return interview


def retry_interview(member: MemberWork, interview_id: UUID, *, max_characters: int, consents: bool = False) -> int:
    """The new attempt's number. What need not be done again is not. Of several at once one wins. `consents`: whoever
    was interviewed has, if that was not said at the upload. `max_characters`: that a text may have.

    Raises InterviewNotFound, also for a deleted one, RoleTooSmall, NotFailed, ConsentMissing, BudgetSpent.
    """
    interview = require_interview(member, interview_id, ProjectRole.EDITOR, lock=True)
    if interview.deleted_at is not None:
        raise InterviewNotFound
    if interview.status != InterviewStatus.FAILED:
        raise NotFailed
    project = member.session.get_one(Project, interview.project_id)
    _require_consent(member, project, interview, consents=consents)
    characters = _characters_of(interview, max_characters)
    reserved = reserve_budget(member.session, project, member.now, characters=characters)
    interview.attempt += 1
    retried = {"retry_at": member.now.isoformat(), "retry_by": str(member.account_id)}
    _begin_again(member, interview, retried)
    step = InterviewStep.EXTRACT if interview.masked_text is None else InterviewStep.ANALYSE
    begin = NO_CALL | {"attempt": interview.attempt, "reserved_tokens": reserved}
    restart_run(member, interview.id, member.now + STARTS_AFTER, step=step, **begin)
    return interview.attempt


def _characters_of(interview: Interview, max_characters: int) -> int:
    if interview.masked_text is not None:
        return len(interview.masked_text)
    if interview.file_name is None or interview.file_bytes is None:
        return max_characters
    return most_characters(interview.file_name, interview.file_bytes, max_characters)


def _require_consent(member: MemberWork, project: Project, interview: Interview, *, consents: bool) -> None:
    """Also where the project did not require it when the interview was uploaded. Raises ConsentMissing."""
    if consents and interview.consent_at is None:
        interview.consent_at, interview.consent_by = member.now, member.account_id
    if project.requires_consent and interview.consent_at is None:
        raise ConsentMissing


def process_interview(
    member: MemberWork, interview_id: UUID, project_id: UUID, *, has_answer: Callable[[int], bool]
) -> None:
    """Start what stands still, or read the kept answer of a failed attempt once more: without a new call. `has_answer`
    says of an attempt whether its answer is kept.

    Raises InterviewNotFound, RoleTooSmall, UnderWay, NoKeptAnswer.
    """
    interview = require_interview(member, interview_id, ProjectRole.ADMIN, lock=True)
    if interview.project_id != project_id or interview.deleted_at is not None:
        raise InterviewNotFound
    run = member.session.get_one(InterviewRun, interview.id, with_for_update=True)
    if interview.status == InterviewStatus.FAILED:
        if not has_answer(interview.attempt):
            raise NoKeptAnswer
        _begin_again(member, interview, {})
        restart_run(member, interview.id, member.now, step=InterviewStep.SAVE, reserved_tokens=0)
        return
    stands_still = run.state == InterviewRunState.READY and run.due_at + _STANDS_STILL_AFTER <= member.now
    if InterviewStatus(interview.status) not in UNFINISHED or not stands_still:
        raise UnderWay
    restart_run(member, interview.id, member.now, step=InterviewStep(run.step))


def note_change(interview: Interview | Insight, now: datetime) -> None:
    """Count a change that members see."""
    interview.revision += 1
    interview.updated_at = now


def _begin_again(member: MemberWork, interview: Interview, noted: dict[str, Any]) -> None:
    interview.status = InterviewStatus.PROCESSING
    interview.error = None
    interview.details = {name: value for name, value in interview.details.items() if name not in _OF_ATTEMPT} | noted
    note_change(interview, member.now)
    member.session.flush()
    tell_status(member.work, interview, InterviewStatus.FAILED, member.now)
