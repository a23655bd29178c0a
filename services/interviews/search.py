"""Searches what was said in all interviews of a project, spaces and punctuation aside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import Text

from models.interviews import IndexedUtterance, Interview
from services.interviews.bodies import Body
from services.interviews.errors import InterviewNotFound
from services.interviews.membership import require_project
from services.interviews.row_security import MemberWork
from services.interviews.script import bare_letters, read_letters
from services.interviews.utterance_index import bigrams_of

# What is searched by: a text with fewer letters has no pair of them.
SHORTEST_QUERY = 2


class UtterancePlace(NamedTuple):
    """Of an utterance."""

    interview_id: UUID
    position: int

    def __str__(self) -> str:
        return f"{self.interview_id}.{self.position}"


@dataclass(frozen=True)
class SearchWish:
    """`text` has SHORTEST_QUERY letters at least. `after` is the last place of the page before."""

    text: str
    limit: int = 50
    after: UtterancePlace | None = None


@dataclass(frozen=True)
class SearchPage:
    results: list[Body]
    next: str | None


def search_utterances(member: MemberWork, project_id: UUID, wish: SearchWish) -> SearchPage:
    """The newest interview first, each in its own order. Raises ProjectNotFound, and InterviewNotFound for another's
    `after`."""
    require_project(member, project_id)
    letters = bare_letters(wish.text)
    places = _find_places(member, project_id, letters, wish)
    page = places[: wish.limit]
    has_more = len(places) > wish.limit
    results = list(_describe(member.session, page, letters)) if page else []
    return SearchPage(results, str(page[-1]) if has_more else None)


def _find_places(member: MemberWork, project_id: UUID, letters: str, wish: SearchWish) -> list[UtterancePlace]:
    """One more than asked for, where there is one."""
    after_at = None if wish.after is None else _began(member, project_id, wish.after.interview_id)
    after = (None, None) if wish.after is None else wish.after
    # Under row-level security an index on arrays is of no use: `@>` is not leakproof, and PostgreSQL first asks of each
    # row whether it may be seen. The function asks that of the project, once.
    found = func.welno.find_utterances(
        project_id, array(bigrams_of(letters), type_=ARRAY(Text())), letters, wish.limit + 1, after_at, *after
    ).table_valued("interview_id", "position")
    return [UtterancePlace(*row) for row in member.session.execute(select(found.c.interview_id, found.c.position))]


def _began(member: MemberWork, project_id: UUID, interview_id: UUID) -> datetime:
    """Raises InterviewNotFound."""
    asked = select(Interview.created_at).where(Interview.id == interview_id, Interview.project_id == project_id)
    began = member.session.scalar(asked)
    if began is None:
        raise InterviewNotFound
    return began


def _describe(session: Session, places: Sequence[UtterancePlace], letters: str) -> Iterator[Body]:
    """Each with what was said before and after it."""
    here, before, after = IndexedUtterance, aliased(IndexedUtterance), aliased(IndexedUtterance)
    query = (
        select(here, before, after, Interview.title, Interview.speakers)
        .join(Interview, and_(Interview.id == here.interview_id, Interview.deleted_at.is_(None)))
        .outerjoin(before, and_(before.interview_id == here.interview_id, before.position == here.position - 1))
        .outerjoin(after, and_(after.interview_id == here.interview_id, after.position == here.position + 1))
        .where(tuple_(here.interview_id, here.position).in_(places))
    )
    found = {UtterancePlace(row[0].interview_id, row[0].position): row for row in session.execute(query)}
    for place in places:
        if place in found:
            one, earlier, later, title, names = found[place]
            yield {
                "interview_id": str(one.interview_id),
                "title": title,
                **_describe_utterance(one, names),
                "marks": find_marks(one.said, letters),
                "before": earlier and _describe_utterance(earlier, names),
                "after": later and _describe_utterance(later, names),
            }


def _describe_utterance(utterance: IndexedUtterance, names: Mapping[str, str] | None) -> Body:
    speaker = (names or {}).get(utterance.speaker, utterance.speaker)
    return {"utterance_id": utterance.utterance_id, "speaker": speaker, "text": utterance.said}


def find_marks(text: str, letters: str) -> list[list[int]]:
    """From and up to which character of the text these letters stand."""
    bare, marks = read_letters(text), []
    start = bare.text.find(letters)
    while start >= 0:
        end = start + len(letters)
        marks.append([bare.places[start], bare.places[end - 1] + 1])
        start = bare.text.find(letters, end)
    return marks
