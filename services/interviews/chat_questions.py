"""What a persona is asked: the masked question, and what the account's own projects know of this persona."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.derived_keys import Purpose, derive_key
from models.interviews import Conversation, Interview, InterviewStatus, PersonaCombination, Project, ProjectMember
from services.interviews.chat_numbering import NOTHING_ASKED, Numbering, QuestionMasker
from services.interviews.errors import ConversationNotFound, PersonaNotFound
from services.interviews.masking.masker import Masker
from services.interviews.masking.placeholders import without_numbers
from services.interviews.personas import is_known_in
from services.interviews.row_security import MemberWork

MOST_INTERVIEWS = 15
_MOST_POINTS, _POINTS_CHARACTERS = 8, 400
_INSIGHTS_CHARACTERS = 800


@dataclass(frozen=True, slots=True, repr=False)
class ChatQuestion:
    """`project_ids`: whose interviews speak in it. `conversation_id` is empty for a new conversation, with which
    `numbering` is to be kept."""

    account_id: UUID
    persona_id: UUID
    project_ids: frozenset[UUID]
    query: str
    inputs: Mapping[str, str]
    user: str
    conversation_id: str
    numbering: Numbering | None = None


def user_of(account_id: UUID, pseudonym_key: str) -> str:
    """The same for an account at each call, as MISO's conversations belong to it, and telling nothing of whom."""
    key = derive_key(pseudonym_key.encode(), Purpose.CHAT_USERS)
    return f"acc-{hmac.new(key, account_id.bytes, hashlib.sha256).hexdigest()[:32]}"


def make_question(
    member: MemberWork, persona_id: UUID, text: str, conversation_id: str, *, masker: Masker, pseudonym_key: str
) -> ChatQuestion:
    """Raises PersonaNotFound, ConversationNotFound."""
    persona, projects = _find_persona(member, persona_id)
    asked = QuestionMasker(masker, pseudonym_key, member.account_id)
    if conversation_id:
        conversation = _require_conversation(member, persona_id, conversation_id)
        question = asked.mask(text, conversation.placeholders)
        conversation.placeholders = question.numbering
    else:
        question = asked.mask(text, NOTHING_ASKED)
    interviews = _find_interviews(member.session, persona_id, projects)
    return ChatQuestion(
        account_id=member.account_id,
        persona_id=persona_id,
        project_ids=frozenset(one.project_id for one in interviews) or projects,
        query=question.text,
        # Of many interviews, none of which is named here: their placeholders have no numbers.
        inputs={
            "persona_title": without_numbers(persona.title),
            "persona_description": without_numbers(persona.description or ""),
            "interview_insights": join_lines(
                (_texts(one.key_takeaways) for one in interviews), longest=_INSIGHTS_CHARACTERS
            ),
            "pain_points": _join_points(one.primary_pain_points for one in interviews),
            "needs": _join_points(one.primary_needs for one in interviews),
        },
        user=user_of(member.account_id, pseudonym_key),
        conversation_id=conversation_id,
        numbering=question.numbering,
    )


def keep_conversation(member: MemberWork, question: ChatQuestion, provider_id: str) -> None:
    """Twice is once."""
    row = {
        "account_id": member.account_id,
        "provider_id": provider_id,
        "persona_combination_id": question.persona_id,
        "placeholders": question.numbering,
    }
    member.session.execute(insert(Conversation).values(row).on_conflict_do_nothing())


def _find_persona(member: MemberWork, persona_id: UUID) -> tuple[PersonaCombination, frozenset[UUID]]:
    """With the account's projects that know it, of which there is one at least. Raises PersonaNotFound."""
    rows = member.session.execute(
        select(PersonaCombination, Project.id)
        .join(Project, is_known_in(Project.company_id, Project.id))
        .join(ProjectMember, ProjectMember.project_id == Project.id)
        .where(PersonaCombination.id == persona_id, ProjectMember.account_id == member.account_id)
    ).all()
    if not rows:
        raise PersonaNotFound
    return rows[0][0], frozenset(row[1] for row in rows)


def _require_conversation(member: MemberWork, persona_id: UUID, provider_id: str) -> Conversation:
    """Locked: of two questions at once the second goes on from the first one's numbers. Raises ConversationNotFound."""
    found = member.session.get(Conversation, (member.account_id, provider_id), with_for_update=True)
    if found is None or found.persona_combination_id != persona_id:
        raise ConversationNotFound
    return found


def _find_interviews(session: Session, persona_id: UUID, projects: frozenset[UUID]) -> Sequence[Any]:
    """The newest first; nothing of their texts."""
    return session.execute(
        select(Interview.project_id, Interview.key_takeaways, Interview.primary_pain_points, Interview.primary_needs)
        .where(
            Interview.persona_combination_id == persona_id,
            Interview.project_id.in_(projects),
            Interview.status == InterviewStatus.COMPLETED,
            Interview.deleted_at.is_(None),
        )
        .order_by(Interview.created_at.desc(), Interview.id.desc())
        .limit(MOST_INTERVIEWS)
    ).all()


def _join_points(points: Iterable[list[Any] | None]) -> str:
    return join_lines(map(_texts, points), longest=_POINTS_CHARACTERS, most=_MOST_POINTS)


def join_lines(lists: Iterable[Sequence[str]], *, longest: int, most: int | None = None) -> str:
    """The first of each list, then the second of each, so that no interview speaks alone; each text once."""
    mixed = (text for row in zip_longest(*lists) for text in row if text)
    return "\n".join(list(dict.fromkeys(mixed))[:most])[:longest].rstrip()


def _texts(listed: list[Any] | None) -> list[str]:
    """Of texts, and of objects with a description: MISO made them."""
    return list(_each_text(listed or ()))


def _each_text(listed: Iterable[Any]) -> Iterator[str]:
    for item in listed:
        text = item.get("description") if isinstance(item, dict) else item
        if isinstance(text, str) and text.strip():
            yield without_numbers(" ".join(text.split()))
