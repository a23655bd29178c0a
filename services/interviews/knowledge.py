"""Brings MISO's knowledge base to where it shall be: masked results of completed interviews in it, of deleted ones not.

A step is a call or two; what it did is noted under the row's fence. A document whose id got lost with a process is
found by its name. Segments of which nobody knows whether they arrived go with their document, which is made anew.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, not_, select, update
from sqlalchemy.orm import Session

from core.clock import Clock
from core.logs import get_logger
from models.interviews import Interview, InterviewStatus, KnowledgeEntry
from services.delivery.unit_of_work import UnitOfWork
from services.interviews.masking.placeholders import without_numbers
from services.interviews.row_security import as_analyst
from upstream.miso.errors import MisoError
from upstream.miso.knowledge import MisoKnowledge

log = get_logger(__name__)

# Longer than any call: whoever holds a row for longer has died.
_HELD = timedelta(minutes=2)
_LOOK_AGAIN, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(hours=1)
_BATCH = 20
# Of one name. More of them is a MISO that deletes nothing.
_MOST_DOCUMENTS = 10
_POINTS = (("불편", "primary_pain_points"), ("필요", "primary_needs"))


@dataclass(frozen=True)
class KnowledgeTools:
    """Safe to share between threads."""

    clock: Clock
    unit_of_work: UnitOfWork
    knowledge: MisoKnowledge
    is_stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A row as it was taken; `due_at` is its fence."""

    interview_id: UUID
    project_id: UUID
    is_wanted: bool
    document_id: str | None
    is_begun: bool
    is_filling: bool
    due_at: datetime
    tries: int

    @property
    def name(self) -> str:
        """Of nobody's title or name."""
        return f"interview-{self.interview_id}"


def sync_documents(tools: KnowledgeTools) -> int:
    """How many rows were taken. Twice at once does no harm. Of a process that stops, others have what is left when its
    hold on it has ended."""
    with tools.unit_of_work() as work:
        held = _take_due(work.session, tools.clock.now())
    for one in held:
        if tools.is_stopping():
            break
        _sync(tools, one)
    return len(held)


def _take_due(session: Session, now: datetime) -> list[HeldDocument]:
    row = KnowledgeEntry
    is_done = and_(row.is_wanted, row.is_filled)
    due = select(row.interview_id).where(row.due_at <= now, not_(is_done)).order_by(row.due_at).limit(_BATCH)
    held = due.with_for_update(skip_locked=True).cte("due")
    taken = update(row).where(row.interview_id.in_(select(held.c.interview_id)))
    statement = taken.values(due_at=now + _HELD, tries=row.tries + 1).returning(row)
    return [_held(found) for found in session.scalars(statement)]


def _held(entry: KnowledgeEntry) -> HeldDocument:
    return HeldDocument(
        entry.interview_id,
        entry.project_id,
        entry.is_wanted,
        entry.document_id,
        entry.is_begun,
        entry.is_filling,
        entry.due_at,
        entry.tries,
    )


def _sync(tools: KnowledgeTools, held: HeldDocument) -> None:
    try:
        if held.is_wanted:
            _bring_in(tools, held)
        else:
            _take_out(tools, held)
    except MisoError as exc:
        log.warning(
            "knowledge_not_synced",
            interview_id=str(held.interview_id),
            error=type(exc).__name__,
            http_status=exc.http_status,
        )
        pause = min(_LOOK_AGAIN * 2 ** min(held.tries, 20), _LONGEST_PAUSE)
        _note(tools, held, due_at=tools.clock.now() + pause)


def _take_out(tools: KnowledgeTools, held: HeldDocument) -> None:
    # Whoever restores the interview meanwhile finds a document that is to be made anew.
    if not _note(tools, held, is_filling=True, is_filled=False):
        return
    dropped = _drop_document(tools, held)
    if held.is_begun and not dropped:
        # Whoever makes it may not have heard yet that nobody wants it: looked for once more after their hold.
        _note(tools, held, is_begun=False, document_id=None, due_at=tools.clock.now() + _HELD)
        return
    row = KnowledgeEntry
    with tools.unit_of_work() as work:
        theirs = row.interview_id == held.interview_id, row.due_at == held.due_at
        work.session.execute(delete(row).where(*theirs))


def _drop_document(tools: KnowledgeTools, held: HeldDocument) -> int:
    """How many there were: also those that two processes made, or whose id got lost."""
    if held.document_id is not None:
        tools.knowledge.delete_document(held.document_id)
    dropped = int(held.document_id is not None)
    while (found := tools.knowledge.find_document(held.name)) is not None and dropped <= _MOST_DOCUMENTS:
        tools.knowledge.delete_document(found.document_id)
        dropped += 1
    return dropped


def _bring_in(tools: KnowledgeTools, held: HeldDocument) -> None:
    now = tools.clock.now()
    if held.is_filling:
        _drop_document(tools, held)
        _note(tools, held, document_id=None, is_begun=True, is_filling=False, due_at=now)
        return
    found = tools.knowledge.find_document(held.name) if held.is_begun else None
    if found is None and held.document_id is not None:
        # Removed at MISO, or not listed yet: looked for once more before it is made anew.
        _note(tools, held, document_id=None, due_at=now + _LOOK_AGAIN)
    elif found is None:
        _add_document(tools, held)
    elif not found.is_indexed:
        _note(tools, held, document_id=found.document_id, due_at=now + _LOOK_AGAIN * min(held.tries, 30))
    else:
        _fill(tools, held, found.document_id)


def _add_document(tools: KnowledgeTools, held: HeldDocument) -> None:
    segments = _read_segments(tools, held)
    if segments and _note(tools, held, is_begun=True):
        document_id = tools.knowledge.add_document(held.name, segments[0])
        if not _note(tools, held, document_id=document_id, due_at=tools.clock.now()):
            # Withdrawn meanwhile: whoever takes it out may have looked before it was there.
            tools.knowledge.delete_document(document_id)


def _fill(tools: KnowledgeTools, held: HeldDocument, document_id: str) -> None:
    segments = _read_segments(tools, held)
    if segments and _note(tools, held, document_id=document_id, is_filling=True):
        tools.knowledge.add_segments(document_id, segments)
        _note(tools, held, is_filling=False, is_filled=True, tries=0)


def _note(tools: KnowledgeTools, held: HeldDocument, **values: Any) -> bool:
    """Whether the row is still ours."""
    row = KnowledgeEntry
    with tools.unit_of_work() as work:
        theirs = row.interview_id == held.interview_id, row.due_at == held.due_at
        noted = update(row).where(*theirs).values(values).returning(row.interview_id)
        return work.session.scalar(noted) is not None


def _read_segments(tools: KnowledgeTools, held: HeldDocument) -> list[str]:
    """Empty for an interview that was deleted meanwhile."""
    with tools.unit_of_work() as work, as_analyst(work.session, held.project_id):
        interview = work.session.get(Interview, held.interview_id)
        is_there = interview is not None and interview.deleted_at is None
        is_there = is_there and interview is not None and interview.status == InterviewStatus.COMPLETED
        return list(describe_segments(interview)) if interview is not None and is_there else []


def describe_segments(interview: Interview) -> Iterator[str]:
    """One per finding, with the quotes that stand in the script; the first says which interview it is. All masked, and
    without numbers: MISO puts segments of several interviews into one context, each of which numbers its people."""
    yield from map(without_numbers, _findings_of(interview))


def _findings_of(interview: Interview) -> Iterator[str]:
    yield f"{interview.title} ({interview.interview_date.isoformat()})"
    evidence = interview.evidence or {}
    yield from (f"핵심: {text}" for text in interview.key_takeaways or ())
    for label, column in _POINTS:
        points = getattr(interview, column) or ()
        for point, found in zip(points, evidence.get(column) or [[]] * len(points), strict=False):
            quotes = [f"“{one['quote']}”" for one in found if one["verified"]]
            yield "\n".join([f"{label}: {point['description']}", *quotes])
