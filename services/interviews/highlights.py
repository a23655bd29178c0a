"""Highlights: ranges of a script that members mark for each other, several on one range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.accounts import Account
from models.interviews import Highlight, Interview, ProjectRole
from services.interviews.bodies import Body
from services.interviews.changing import note_change
from services.interviews.errors import HighlightNotFound, InterviewNotFound, TextRefused
from services.interviews.events import tell_highlighted
from services.interviews.masking.masker import Masker
from services.interviews.membership import require_interview, require_project
from services.interviews.script import ScriptUtterance, find_range, read_utterances
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


class _Script(NamedTuple):
    utterances: Sequence[ScriptUtterance]
    names: Mapping[str, str]


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
    scripts = _read_scripts(member.session, {row[0].interview_id for row in found})
    return [
        _describe(one, name) | {"title": title} | _describe_lines(scripts[one.interview_id], one)
        for one, name, title in found
    ]


def _read_scripts(session: Session, interview_ids: set[UUID]) -> Mapping[UUID, _Script]:
    query = select(Interview.id, Interview.cleaned_script, Interview.speakers).where(Interview.id.in_(interview_ids))
    return {row[0]: _Script(read_utterances(row[1]), row[2] or {}) for row in session.execute(query)}


def _describe_lines(script: _Script, highlight: Highlight) -> Body:
    """With the names that speakers have by now. Not as they are searched: there an utterance that was merged has the
    first of its numbers alone."""
    within = find_range(script.utterances, highlight.first_utterance_id, highlight.last_utterance_id)
    lines = [
        {"utterance_id": one.ids[0], "speaker": script.names.get(one.speaker, one.speaker), "text": one.text}
        for one in within[:_LINES_LISTED]
    ]
    return {"utterances": lines, "utterance_count": len(within)}


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
    utterances = read_utterances(interview.cleaned_script)
    if not find_range(utterances, draft.first_utterance_id, draft.last_utterance_id):
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
