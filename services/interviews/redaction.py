"""Redacts what was told of an interview, when it is erased or its title named somebody: its events keep their numbers.

Outside row-level security, as the log of events and the replies to uploads lie there. The project's stream in Redis
has to be forgotten after the commit: readers are answered from the log. Where Redis was away, the sweep over
streams does it.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.names import InterviewEvent, project_subject
from models.delivery import IdempotencyKey
from services.delivery.event_log import rewrite_events
from services.delivery.unit_of_work import Work
from services.interviews.bodies import Body

ERASED_TITLE = "지워진 인터뷰"
_NOTHING_SAID: Mapping[str, Any] = {"title": ERASED_TITLE, "file_name": None}


def redact_erased(work: Work, project_id: UUID, interview_id: UUID) -> dict[str, int]:
    """In the transaction that erases: how many events and stored replies lost what they said."""
    about = str(interview_id)
    return {
        "events": _rewrite(work, project_id, about, lambda body: empty_event(body, about)),
        "replies": _rewrite_replies(work.session, about, _NOTHING_SAID),
    }


def redact_title(work: Work, project_id: UUID, interview_id: UUID, title: str, file_name: str | None) -> None:
    """Have everything that was told say the masked ones. Twice is once."""
    about, said = str(interview_id), {"title": title, "file_name": file_name}
    _rewrite(work, project_id, about, lambda body: _with_names(body, about, said))
    _rewrite_replies(work.session, about, said)


def _rewrite(work: Work, project_id: UUID, about: str, rewrite: Callable[[Body], Body]) -> int:
    subject = project_subject(project_id)
    return rewrite_events(work.session, work.kinds.of(subject), subject, about, rewrite)


def _with_names(body: Body, interview_id: str, said: Mapping[str, Any]) -> Body:
    """Of `interview:added`, the only one that names it; any other as it is."""
    data = body["data"]
    if data.get("interview", {}).get("id") != interview_id:
        return body
    return body | {"data": data | {"interview": data["interview"] | said}}


def empty_event(body: Body, interview_id: str) -> Body:
    """Of the same shape, with its ids, revision and attempt; the same body where it says nothing of the interview."""
    data = body["data"]
    if data.get("interviewId") != interview_id:
        return _with_names(body, interview_id, _NOTHING_SAID)
    if body["type"] == InterviewEvent.COMPLETED:
        result: Body = {"counts": {}, "key_takeaways": [], "persona_combination_id": None, "processing_seconds": None}
        return body | {"data": data | {"result": result}}
    if body["type"] == InterviewEvent.HIGHLIGHTED:
        return body | {"data": data | {"highlight": None}}
    return body


def _rewrite_replies(session: Session, interview_id: str, said: Mapping[str, Any]) -> int:
    """Of the upload, which may be asked for again under its idempotency key."""
    query = select(IdempotencyKey).where(IdempotencyKey.reply.contains(interview_id)).with_for_update()
    rewritten = 0
    for key in session.scalars(query):
        reply = orjson.loads(key.reply or "null")
        if reply.get("interview_id") != interview_id:
            continue
        key.reply = orjson.dumps(reply | {"interview": reply["interview"] | said}).decode()
        rewritten += 1
    return rewritten
