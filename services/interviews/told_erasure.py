"""What was told of an interview that is erased: its events keep their numbers and lose what they said.

Outside the wall, in the transaction that erases: the log of events and the replies to uploads lie there.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.names import InterviewEvent, project_subject
from models.delivery import IdempotencyKey
from models.interviews import Interview, Project
from services.delivery.event_log import rewrite_events
from services.delivery.event_sender import EventSender
from services.delivery.unit_of_work import UnitOfWork, Work
from services.interviews.bodies import Body
from services.interviews.wall import as_analyst

ERASED_TITLE = "지워진 인터뷰"
_NOTHING_SAID: Mapping[str, Any] = {"title": ERASED_TITLE, "file_name": None}
# Two runs of the housekeeping: one that found Redis away is made up for, as is an append that came late.
_FORGOTTEN_AGAIN_WITHIN = timedelta(days=2)


def erase_told(work: Work, project_id: UUID, interview_id: UUID) -> dict[str, int]:
    """How many events and stored replies were emptied. The project's stream has to be forgotten after the commit."""
    subject, about = project_subject(project_id), str(interview_id)
    kind = work.kinds.of(subject)
    return {
        "events": rewrite_events(work.session, kind, subject, about, lambda body: empty_event(body, about)),
        "replies": _empty_replies(work.session, about),
    }


def empty_event(body: Body, interview_id: str) -> Body:
    """Of the same shape, with its ids, revision and attempt; the same body where it says nothing of the interview."""
    data = body["data"]
    if data.get("interview", {}).get("id") == interview_id:
        return body | {"data": data | {"interview": data["interview"] | _NOTHING_SAID}}
    if data.get("interviewId") != interview_id:
        return body
    if body["type"] == InterviewEvent.COMPLETED:
        result: Body = {"counts": {}, "key_takeaways": [], "persona_combination_id": None, "processing_seconds": None}
        return body | {"data": data | {"result": result}}
    if body["type"] == InterviewEvent.HIGHLIGHTED:
        return body | {"data": data | {"highlight": None}}
    return body


def forget_told(unit_of_work: UnitOfWork, sender: EventSender, now: datetime) -> int:
    """Have the streams of projects with lately erased interviews begun anew: how many. Repeatable."""
    with unit_of_work() as work:
        project_ids = work.session.scalars(select(Project.id).order_by(Project.id)).all()
    forgotten = 0
    for project_id in project_ids:
        with unit_of_work() as work, as_analyst(work.session, project_id):
            erased = select(Interview.id).where(Interview.erased_at > now - _FORGOTTEN_AGAIN_WITHIN).limit(1)
            has_erased = work.session.scalar(erased) is not None
        forgotten += has_erased and sender.forget(project_subject(project_id))
    return forgotten


def _empty_replies(session: Session, interview_id: str) -> int:
    """Of the upload, which may be asked for again under its idempotency key."""
    query = select(IdempotencyKey).where(IdempotencyKey.reply.contains(interview_id)).with_for_update()
    emptied = 0
    for key in session.scalars(query):
        reply = orjson.loads(key.reply or "null")
        if reply.get("interview_id") != interview_id:
            continue
        key.reply = orjson.dumps(reply | {"interview": reply["interview"] | _NOTHING_SAID}).decode()
        emptied += 1
    return emptied
