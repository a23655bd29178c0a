"""Highlights: ranges of a script that members mark for each other, several on one range."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from models.accounts import Account
from models.interviews import Highlight, IndexedUtterance, Interview, ProjectRole
from services.interviews.bodies import Body
from services.interviews.changing import note_change
from services.interviews.errors import HighlightNotFound, InterviewNotFound, TextRefused
from services.interviews.events import tell_highlighted
from services.interviews.membership import require_interview, require_project
from services.interviews.numbering import NoteMasker
from services.interviews.row_security import MemberWork
from services.interviews.script import find_range, read_utterances

_NO_RANGE = "이 인터뷰의 발화 번호를 앞에서 뒤로 보내 주세요."
# Of a project at once; who looks for more looks by tag.
_MOST_LISTED = 500
_LINES_LISTED = 3


@dataclass(frozen=True, kw_only=True)
class HighlightDraft:
    """As somebody wrote it; the numbers are the script's own."""

    first_utterance_id: int
    last_utterance_id: int
    tags: Sequence[str] = ()
    note: str = ""


class _Line(NamedTuple):
    utterance_id: int
    speaker: str
    text: str


class _Lines(NamedTuple):
    """The first ones of a range, with the script's labels of their speakers; and how many it has in total."""

    first: Sequence[_Line] = ()
    total: int = 0


def add_highlight(member: MemberWork, interview_id: UUID, draft: HighlightDraft, masker: NoteMasker) -> Body:
    """Raises InterviewNotFound, also for a deleted one, RoleTooSmall, TextRefused, SpoolError."""
    interview = _require_editable(member, interview_id)
    positions = _require_range(interview, draft)
    highlight_id = uuid4()
    highlight = Highlight(
        id=highlight_id,
        project_id=interview.project_id,
        interview_id=interview.id,
        account_id=member.account_id,
        created_at=member.now,
        updated_at=member.now,
        **_mask(member.session, interview, draft, masker, highlight_id),
        **positions,
    )
    member.session.add(highlight)
    return _tell(member, interview, highlight)


def change_highlight(
    member: MemberWork, interview_id: UUID, highlight_id: UUID, draft: HighlightDraft, masker: NoteMasker
) -> Body:
    """Whoever made it. Raises InterviewNotFound, RoleTooSmall, HighlightNotFound, TextRefused, SpoolError."""
    interview = _require_editable(member, interview_id)
    highlight = _require_highlight(member.session, interview, highlight_id)
    positions = _require_range(interview, draft)
    columns = _mask(member.session, interview, draft, masker, highlight_id)
    for name, value in (columns | positions).items():
        setattr(highlight, name, value)
    highlight.updated_at = member.now
    return _tell(member, interview, highlight)


def remove_highlight(member: MemberWork, interview_id: UUID, highlight_id: UUID) -> None:
    """Whoever made it. Raises InterviewNotFound, RoleTooSmall, HighlightNotFound."""
    interview = _require_editable(member, interview_id)
    member.session.delete(_require_highlight(member.session, interview, highlight_id))
    note_change(interview, member.now)
    member.session.flush()
    tell_highlighted(member.work, interview, highlight_id, None, member.now)


def list_highlights(member: MemberWork, interview_id: UUID) -> list[Body]:
    """In the order in which they were made. Raises InterviewNotFound, also for a deleted one."""
    interview = require_interview(member, interview_id)
    if interview.deleted_at is not None:
        raise InterviewNotFound
    query = _described().where(Highlight.interview_id == interview.id).order_by(Highlight.created_at, Highlight.id)
    return [_describe(*row) for row in member.session.execute(query)]


def list_project_highlights(member: MemberWork, project_id: UUID, tag: str | None) -> list[Body]:
    """The newest ones, of interviews that are not deleted, each with its interview's title and the first lines of what
    was said. Raises ProjectNotFound."""
    require_project(member, project_id)
    query = (
        _described()
        .add_columns(Interview.title, Interview.speakers)
        .join(Interview, Interview.id == Highlight.interview_id)
        .where(Highlight.project_id == project_id, Interview.deleted_at.is_(None))
        .order_by(Highlight.created_at.desc(), Highlight.id.desc())
        .limit(_MOST_LISTED)
    )
    if tag is not None:
        query = query.where(Highlight.tags.contains([tag]))
    found = member.session.execute(query).all()
    lines = _read_lines(member.session, [row[0] for row in found])
    return [
        _describe(one, name) | {"title": title} | _describe_lines(lines.get(one.id, _Lines()), speakers or {})
        for one, name, title, speakers in found
    ]


def _read_lines(session: Session, highlights: Sequence[Highlight]) -> Mapping[UUID, _Lines]:
    """By their highlights. Whole scripts are megabytes: they are read only for those whose place is not known."""
    placed = [one for one in highlights if one.first_position is not None]
    unplaced = [one for one in highlights if one.first_position is None]
    return _find_lines(session, placed) | _read_from_scripts(session, unplaced)


def _find_lines(session: Session, highlights: Sequence[Highlight]) -> dict[UUID, _Lines]:
    said = IndexedUtterance
    is_within = said.position.between(Highlight.first_position, Highlight.last_position)
    within = (
        select(said.position, said.utterance_id, said.speaker, said.said, func.count().over().label("total"))
        .where(said.interview_id == Highlight.interview_id, is_within)
        .order_by(said.position)
        .limit(_LINES_LISTED)
        .lateral()
    )
    columns = (Highlight.id, within.c.total, within.c.utterance_id, within.c.speaker, within.c.said)
    theirs = Highlight.id.in_([one.id for one in highlights])
    lines: defaultdict[UUID, list[_Line]] = defaultdict(list)
    totals: dict[UUID, int] = {}
    for row in session.execute(select(*columns).join(within, true()).where(theirs).order_by(within.c.position)):
        lines[row.id].append(_Line(row.utterance_id, row.speaker, row.said))
        totals[row.id] = row.total
    return {one: _Lines(lines[one], total) for one, total in totals.items()}


def _read_from_scripts(session: Session, highlights: Sequence[Highlight]) -> dict[UUID, _Lines]:
    ids = {one.interview_id for one in highlights}
    query = select(Interview.id, Interview.cleaned_script).where(Interview.id.in_(ids))
    scripts = {row.id: read_utterances(row.cleaned_script) for row in session.execute(query)}
    lines = {}
    for one in highlights:
        within = find_range(scripts[one.interview_id], one.first_utterance_id, one.last_utterance_id)
        first = [_Line(said.ids[0], said.speaker, said.text) for said in within[:_LINES_LISTED]]
        lines[one.id] = _Lines(first, len(within))
    return lines


def _describe_lines(lines: _Lines, names: Mapping[str, str]) -> Body:
    """With the names that speakers have by now."""
    told = [
        {"utterance_id": one.utterance_id, "speaker": names.get(one.speaker, one.speaker), "text": one.text}
        for one in lines.first
    ]
    return {"utterances": told, "utterance_count": lines.total}


def _described() -> Select[Highlight, str]:
    return select(Highlight, Account.name).join(Account, Account.account_id == Highlight.account_id)


def _require_editable(member: MemberWork, interview_id: UUID) -> Interview:
    """Locked, as its revision grows. Raises InterviewNotFound, RoleTooSmall."""
    interview = require_interview(member, interview_id, ProjectRole.EDITOR, lock=True)
    if interview.deleted_at is not None:
        raise InterviewNotFound
    return interview


def _require_highlight(session: Session, interview: Interview, highlight_id: UUID) -> Highlight:
    """Raises HighlightNotFound."""
    query = select(Highlight).where(Highlight.id == highlight_id, Highlight.interview_id == interview.id)
    highlight = session.scalar(query)
    if highlight is None:
        raise HighlightNotFound
    return highlight


def _require_range(interview: Interview, draft: HighlightDraft) -> dict[str, Any]:
    """Where it is, as columns. Raises TextRefused."""
    utterances = read_utterances(interview.cleaned_script)
    within = find_range(utterances, draft.first_utterance_id, draft.last_utterance_id)
    if not within:
        raise TextRefused({"lastUtteranceId": [_NO_RANGE]})
    return {"first_position": within[0].position, "last_position": within[-1].position}


def _mask(
    session: Session, interview: Interview, draft: HighlightDraft, masker: NoteMasker, highlight_id: UUID
) -> dict[str, Any]:
    """The columns. In clear the database holds masked text only."""
    others = select(Highlight.note).where(Highlight.interview_id == interview.id, Highlight.id != highlight_id)
    tags = [bare for tag in draft.tags if (bare := " ".join(tag.split()))]
    masked = masker.mask(interview, draft.note.strip(), tags, session.scalars(others))
    numbers = {"first_utterance_id": draft.first_utterance_id, "last_utterance_id": draft.last_utterance_id}
    return {**numbers, "tags": masked.tags, "note": masked.text}


def _tell(member: MemberWork, interview: Interview, highlight: Highlight) -> Body:
    note_change(interview, member.now)
    member.session.flush()
    name = member.session.scalar(select(Account.name).where(Account.account_id == highlight.account_id)) or ""
    body = _describe(highlight, name)
    tell_highlighted(member.work, interview, highlight.id, body, member.now)
    return body


def _describe(highlight: Highlight, name: str) -> Body:
    return {
        "id": str(highlight.id),
        "interview_id": str(highlight.interview_id),
        "first_utterance_id": highlight.first_utterance_id,
        "last_utterance_id": highlight.last_utterance_id,
        "tags": highlight.tags,
        "note": highlight.note,
        "account": {"id": str(highlight.account_id), "name": name},
        "created_at": highlight.created_at.isoformat(),
        "updated_at": highlight.updated_at.isoformat(),
    }
