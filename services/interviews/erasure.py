"""Erases an interview for good: its row, what was made of it and learnt from it, what was told of it, its files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.names import project_subject
from models.interviews import (
    RESULT_COLUMNS,
    Highlight,
    Insight,
    Interview,
    InterviewStatus,
    KeyTakeaway,
    ProjectRole,
    ScriptSection,
)
from services.advisory_locks import lock_name
from services.delivery.unit_of_work import UnitOfWork, Work
from services.interviews.changing import note_change
from services.interviews.events import tell_deleted, tell_insight
from services.interviews.knowledge_wishes import withdraw_document
from services.interviews.membership import require_interview
from services.interviews.personas import empty_personas
from services.interviews.redaction import ERASED_TITLE, redact_erased
from services.interviews.row_security import MemberUnitOfWork, MemberWork
from services.interviews.runs import end_run
from services.interviews.utterance_index import drop_utterances
from spool import SpoolError, StreamedFiles

log = get_logger(__name__)

_EMPTIED = ("masked_text", "evidence", "speakers", "persona_combination_id", *RESULT_COLUMNS)


@dataclass(frozen=True)
class ErasureTools:
    """`forget_stream`: see `EventSender.forget`."""

    unit_of_work: UnitOfWork
    forget_stream: Callable[[str], bool]
    files: StreamedFiles


class ErasedInterview(NamedTuple):
    """Whose rows are emptied, and how many of what; `insight_ids` were made of it. The rest is `erase_for_good`'s."""

    interview_id: UUID
    project_id: UUID
    receipt: dict[str, int]
    insight_ids: list[UUID]


class ErasureOutcome(NamedTuple):
    """A receipt for each interview; `fault` when files are left, which `drop_strays` finishes."""

    receipts: list[dict[str, int]]
    fault: SpoolError | None


def erase_for_good(tools: ErasureTools, erase: Callable[[Work], Sequence[ErasedInterview]]) -> ErasureOutcome:
    """`erase` empties rows under row-level security, which it enters and leaves. In its transaction goes what was told
    of them, after the commit their streams in Redis and their files. Twice is once."""
    with tools.unit_of_work() as work:
        erased = erase(work)
        told = [redact_erased(work, one.project_id, one.interview_id) for one in erased]
    for project_id in {one.project_id for one in erased}:
        tools.forget_stream(project_subject(project_id))
    dropped = [_drop_files(tools.files, (one.interview_id, *one.insight_ids)) for one in erased]
    faults = [fault for _, fault in dropped if fault is not None]
    receipts = [
        one.receipt | lost | {"files": count} for one, lost, (count, _) in zip(erased, told, dropped, strict=True)
    ]
    return ErasureOutcome(receipts, faults[0] if faults else None)


def _drop_files(files: StreamedFiles, owners: Iterable[UUID]) -> tuple[int, SpoolError | None]:
    """How many; the disk that refuses those of one owner keeps no other's."""
    count, fault = 0, None
    for owner in owners:
        try:
            count += files.drop_all(owner)
        except SpoolError as exc:
            fault = exc
            log.error("erased_files_left", owner=str(owner), reason=exc.reason)  # noqa: TRY400 it says it all
    return count, fault


def erase_as_member(
    tools: ErasureTools, members: MemberUnitOfWork, account_id: UUID, interview_id: UUID, request_id: str = ""
) -> dict[str, int]:
    """The receipt. Raises InterviewNotFound, RoleTooSmall; SpoolError when nothing but files is left."""

    def erase(work: Work) -> list[ErasedInterview]:
        with members.enter(work, account_id, request_id) as member:
            return [_erase_interview(member, interview_id)]

    [receipt], fault = erase_for_good(tools, erase)
    if fault is not None:
        raise fault
    return receipt


def _erase_interview(member: MemberWork, interview_id: UUID) -> ErasedInterview:
    interview = require_interview(member, interview_id, ProjectRole.ADMIN, lock=True)
    return empty_interview(member.work, interview, member.now, member.account_id)


def empty_interview(work: Work, interview: Interview, now: datetime, account_id: UUID) -> ErasedInterview:
    """Its run ends, and the project is told: of it, and of what was made of it, which open pages still show. What is
    left says that there was one, who has deleted it, who read its original, and what it cost."""
    session = work.session
    end_run(session, interview.id, now)
    receipt = {"texts": int(interview.masked_text is not None)}
    receipt["results"] = sum(getattr(interview, name) is not None for name in RESULT_COLUMNS)
    highlights = delete(Highlight).where(Highlight.interview_id == interview.id).returning(Highlight.id)
    receipt["highlights"] = len(session.execute(highlights).all())
    drop_utterances(session, interview.id)
    withdraw_document(session, interview.id)
    receipt |= _erase_learnt(session, interview)
    insight_ids = _erase_insights(work, interview.id, now)
    receipt["insights"] = len(insight_ids)
    receipt["personas"] = empty_personas(session, insight_ids)
    for name in _EMPTIED:
        setattr(interview, name, None)
    interview.title = ERASED_TITLE
    interview.file_name = interview.file_sha256 = None
    interview.details = {}
    interview.deleted_at = interview.deleted_at or now
    interview.deleted_by = interview.deleted_by or account_id
    interview.erased_at = now
    note_change(interview, now)
    tell_deleted(work, interview, now)
    return ErasedInterview(interview.id, interview.project_id, receipt, insight_ids)


def _erase_insights(work: Work, interview_id: UUID, now: datetime) -> list[UUID]:
    """Themes and personas quote it. Of one that is under way nothing is saved any more."""
    made_of_it = Insight.interview_ids.contains([str(interview_id)]), Insight.erased_at.is_(None)
    session = work.session
    insights = session.scalars(select(Insight).where(*made_of_it).order_by(Insight.id).with_for_update()).all()
    for insight in insights:
        end_run(session, insight.id, now)
        empty_insight(insight, now)
        tell_insight(work, insight, now)
    return [insight.id for insight in insights]


def is_made_of_erased(session: Session, insight: Insight) -> bool:
    """Whether one of its interviews was erased, after it was read and before that was noted in the insight."""
    interview_ids = [UUID(one) for one in insight.interview_ids]
    erased = exists().where(Interview.id.in_(interview_ids), Interview.erased_at.is_not(None))
    return session.scalar(select(erased)) is True


def empty_insight(insight: Insight, now: datetime) -> None:
    insight.result = insight.error = None
    insight.status, insight.erased_at = InterviewStatus.FAILED, now
    note_change(insight, now)


def _erase_learnt(session: Session, interview: Interview) -> dict[str, int]:
    """Delete the takeaways and sections that no other interview of the project has, of which later ones would tell
    MISO; how many of each. Before the interview's own result is emptied, and after that of those that are erased with
    it.

    What another interview learns at this very moment may go, too: the next one that says it brings it back.
    """
    session.flush()
    # Two that share a takeaway, and are erased at once, would each leave it to the other.
    lock_name(session, f"welno.learnt:{interview.project_id}")
    takeaway, section = KeyTakeaway.takeaway_text, ScriptSection.section_name
    takeaway_entry = func.jsonb_build_array(takeaway, type_=JSONB)
    section_entry = func.jsonb_build_array(func.jsonb_build_object("sector_name", section), type_=JSONB)
    sections = [one["sector_name"] for one in interview.script_sections or ()]
    return {
        "takeaways": _delete_learnt(
            session,
            KeyTakeaway,
            [KeyTakeaway.project_id == interview.project_id, takeaway.in_(interview.key_takeaways or ())],
            _another(interview, Interview.key_takeaways.contains(takeaway_entry)),
        ),
        "sections": _delete_learnt(
            session,
            ScriptSection,
            [ScriptSection.project_id == interview.project_id, section.in_(sections)],
            _another(interview, Interview.script_sections.contains(section_entry)),
        ),
    }


def _another(interview: Interview, has_it: ColumnElement[bool]) -> ColumnElement[bool]:
    """An erased one has nothing any more."""
    return exists().where(Interview.project_id == interview.project_id, Interview.id != interview.id, has_it)


def _delete_learnt(
    session: Session, model: Any, learnt: list[ColumnElement[bool]], another: ColumnElement[bool]
) -> int:
    return session.connection().execute(delete(model).where(*learnt, ~another)).rowcount
