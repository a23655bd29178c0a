"""Lines: joining, looking, calling, and what else is done with an entry."""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, g

from services.journey.calling import call_by_id, call_next, recall, undo_call
from services.journey.errors import EntryNotFound
from services.journey.queueing import delay_entry, join_queue, prioritize_entry, transfer_entry
from services.journey.reading import QueueFilter, list_entries, read_entry
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.acting import whose_journey
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.keys import answer_of, take_key
from webapp.api.journey.schemas.queues import (
    CallInput,
    CallOutput,
    DelayInput,
    JoinInput,
    PriorityInput,
    QueueChangeOutput,
    QueueOutput,
    QueuesOutput,
    QueuesQuery,
    RecallInput,
    TransferInput,
)
from webapp.api.journey.shown_people import note_shown
from webapp.auth.journey_callers import JourneyCaller, for_journey, for_journey_staff
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

blueprint = JourneyBlueprint("journey_queues", __name__, url_prefix="/api/v1/queue", description="Lines")
_CHANGE_FAILS = (400, 401, 403, 404, 409, 413, 415)


@blueprint.post("/join")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(JoinInput, error_status_code=400)
@blueprint.response(201, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def join(caller: JourneyCaller, body: dict[str, Any]) -> Response:
    """Into the line of an exam; staff name who, who may also wait in a second one."""
    key, user_id = take_key(body), whose_journey(caller, body["patient_id"])
    appointment_id: UUID | None = body["appointment_id"]
    answer = stores().journeys.run(
        lambda journey: join_queue(
            journey, user_id, body["exam_id"], caller.actor, appointment_id=appointment_id, key=key
        ),
        g.request_id,
    )
    return answer_of(answer, 201)


@blueprint.get("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(QueuesQuery, location="query", error_status_code=400)
@blueprint.response(200, QueuesOutput)
@fails(blueprint, 400, 401, 403)
def show_queues(caller: JourneyCaller, query: dict[str, Any]) -> dict[str, Any]:
    """Entries, the newest first; a patient sees their own."""
    wanted = QueueFilter(
        user_id=None if caller.is_staff else caller.principal_id,
        exam_id=query["exam_id"],
        state=query["state"],
        after=None if query["cursor"] is None else _read_cursor(query["cursor"]),
        limit=query["limit"],
    )
    queues, more = stores().journeys.read(lambda journey: list_entries(journey, wanted))
    note_shown(caller, "queues", len(queues))
    return {"success": True, "queues": queues, "next_cursor": more and _write_cursor(*more)}


@blueprint.get("/<string:queue_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.response(200, QueueOutput)
@fails(blueprint, 401, 403, 404)
def show_queue(caller: JourneyCaller, queue_id: str) -> dict[str, Any]:
    """One entry, for its owner and for staff."""
    known = _read_id(queue_id)
    entry = stores().journeys.read(lambda journey: read_entry(journey, known, caller.actor))
    note_shown(caller, "queue", 1, [known])
    return {"success": True, "queue": entry}


@blueprint.post("/medical/call-patient/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(CallInput, error_status_code=400)
@blueprint.response(200, CallOutput)
@fails(blueprint, *_CHANGE_FAILS)
def call(caller: JourneyCaller, body: dict[str, Any]) -> Response:
    """The next in the line of an exam, or one by their entry."""
    key, room_id, queue_id = take_key(body), body["room_id"], body["queue_id"]
    if queue_id is not None:
        answer = stores().journeys.run(
            lambda journey: call_by_id(journey, queue_id, caller.actor, room_id=room_id, key=key), g.request_id
        )
    else:
        answer = stores().journeys.run(
            lambda journey: call_next(journey, body["exam_id"], caller.actor, room_id=room_id, key=key), g.request_id
        )
    return answer_of(answer)


@blueprint.post("/<string:queue_id>/recall")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(RecallInput, required=False, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def call_again(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> Response:
    """Somebody who has not come yet."""
    key, known = take_key(body), _read_id(queue_id)
    answer = stores().journeys.run(lambda journey: recall(journey, known, caller.actor, key=key), g.request_id)
    return answer_of(answer)


@blueprint.post("/<string:queue_id>/undo-call")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, 401, 403, 404, 409, 413)
def take_call_back(caller: JourneyCaller, queue_id: str) -> dict[str, Any]:
    """A mistaken call, within a minute."""
    known = _read_id(queue_id)
    body = stores().journeys.run(lambda journey: undo_call(journey, known, caller.actor), g.request_id)
    return {"success": True, **body}


@blueprint.post("/<string:queue_id>/delay")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(DelayInput, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def delay(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """Step aside, or come back to the place that was kept."""
    known = _read_id(queue_id)
    changed = stores().journeys.run(
        lambda journey: delay_entry(journey, known, caller.actor, is_delayed=body["delayed"], reason=body["reason"]),
        g.request_id,
    )
    return {"success": True, **changed}


@blueprint.post("/<string:queue_id>/priority")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(PriorityInput, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def prioritize(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """Before others, for a reason."""
    known = _read_id(queue_id)
    changed = stores().journeys.run(
        lambda journey: prioritize_entry(journey, known, caller.actor, **body), g.request_id
    )
    return {"success": True, **changed}


@blueprint.post("/<string:queue_id>/transfer")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(TransferInput, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def transfer(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> Response:
    """Into the line of another exam, with a number of that line."""
    key, known = take_key(body), _read_id(queue_id)
    answer = stores().journeys.run(
        lambda journey: transfer_entry(
            journey, known, caller.actor, exam_id=body["exam_id"], reason=body["reason"], key=key
        ),
        g.request_id,
    )
    return answer_of(answer)


def _read_id(text: str) -> UUID:
    """What is no id at all is answered like one that is unknown. Raises EntryNotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise EntryNotFound from None


def _write_cursor(joined_at: datetime, queue_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{joined_at.isoformat()}|{queue_id}".encode()).decode()


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    """Raises ApiError for one that we did not give."""
    try:
        at, _, queue_id = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        joined_at, known = datetime.fromisoformat(at), UUID(queue_id)
    except ValueError:
        raise ApiError(Code.VALIDATION_FAILED, details={"cursor": ["앞 쪽의 next_cursor를 보내 주세요."]}) from None
    if joined_at.tzinfo is None or _write_cursor(joined_at, known) != text:
        raise ApiError(Code.VALIDATION_FAILED, details={"cursor": ["앞 쪽의 next_cursor를 보내 주세요."]})
    return joined_at, known
