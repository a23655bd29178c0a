"""Highlights: ranges of a script that members mark for each other, several on one range."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, select, true
from sqlalchemy.orm import Session

from models.accounts import Account
from models.interviews import Highlight, IndexedUtterance, Interview, ProjectRole
from services.interviews.bodies import Body
from services.interviews.changing import note_change
from services.interviews.errors import HighlightNotFound, InterviewNotFound, TextRefused
from services.interviews.events import tell_highlighted
from services.interviews.masking.masker import Masker
from services.interviews.membership import require_interview, require_project
from services.interviews.script import read_utterances
from services.interviews.wall import MemberWork

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

    def mask(self, masker: Masker) -> dict[str, Any]:
        """The columns. In clear the database holds masked text only."""
        tags = dict.fromkeys(masker.mask(" ".join(tag.split())).text for tag in self.tags if tag.strip())
        return {
            "first_utterance_id": self.first_utterance_id,
            "last_utterance_id": self.last_utterance_id,
            "tags": list(tags),
            "note": masker.mask(self.note.strip()).text,
        }


def add_highlight(member: MemberWork, interview_id: UUID, draft: HighlightDraft, masker: Masker) -> Body:
    """Raises InterviewNotFound, also for a deleted one, RoleTooSmall, TextRefused."""
    interview = _require_editable(member, interview_id)
    _require_range(interview, draft)
    highlight = Highlight(
        id=uuid4(),
        project_id=interview.project_id,
        interview_id=interview.id,
        account_id=member.account_id,
        created_at=member.now,
        updated_at=member.now,
        **draft.mask(masker),
    )
    member.session.add(highlight)
    return _tell(member, interview, highlight)


def change_highlight(
    member: MemberWork, interview_id: UUID, highlight_id: UUID, draft: HighlightDraft, masker: Masker
) -> Body:
    """Whoever made it. Raises InterviewNotFound, RoleTooSmall, HighlightNotFound, TextRefused."""
    interview = _require_editable(member, interview_id)
    highlight = _require_highlight(member.session, interview, highlight_id)
    _require_range(interview, draft)
    for name, value in draft.mask(masker).items():
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
        .add_columns(Interview.title)
        .join(Interview, Interview.id == Highlight.interview_id)
        .where(Highlight.project_id == project_id, Interview.deleted_at.is_(None))
        .order_by(Highlight.created_at.desc(), Highlight.id.desc())
        .limit(_MOST_LISTED)
    )
    if tag is not None:
        query = query.where(Highlight.tags.contains([tag]))
    found = member.session.execute(query).all()
    said = _first_lines(member.session, [row[0].id for row in found])
    return [_describe(one, name) | {"title": title, "utterances": said[one.id]} for one, name, title in found]


def _first_lines(session: Session, highlight_ids: Sequence[UUID]) -> Mapping[UUID, list[Body]]:
    """As they are searched, with the names that speakers have by now."""
    line = IndexedUtterance
    within = (
        line.interview_id == Highlight.interview_id,
        line.utterance_id.between(Highlight.first_utterance_id, Highlight.last_utterance_id),
    )
    lines = select(line.utterance_id, line.speaker, line.said, line.position).where(*within)
    lines = lines.order_by(line.position).limit(_LINES_LISTED)
    first = lines.lateral("first_lines")
    query = (
        select(Highlight.id, Interview.speakers, first.c.utterance_id, first.c.speaker, first.c.said)
        .join(Interview, Interview.id == Highlight.interview_id)
        .join(first, true())
        .where(Highlight.id.in_(highlight_ids))
        .order_by(Highlight.id, first.c.position)
    )
    said: dict[UUID, list[Body]] = defaultdict(list)
    for highlight_id, names, number, speaker, text in session.execute(query):
        one = {"utterance_id": number, "speaker": (names or {}).get(speaker, speaker), "text": text}
        said[highlight_id].append(one)
    return said


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


def _require_range(interview: Interview, draft: HighlightDraft) -> None:
    """Raises TextRefused."""
    positions = {number: one.position for one in read_utterances(interview.cleaned_script) for number in one.ids}
    first, last = positions.get(draft.first_utterance_id), positions.get(draft.last_utterance_id)
    if first is None or last is None or first > last:
        raise TextRefused({"lastUtteranceId": [_NO_RANGE]})


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
