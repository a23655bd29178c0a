"""Lines: joining, looking, calling, and what else is done with an entry."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, g

from models.journey import JourneyAction
from services.journey.answers import JourneyAnswer
from services.journey.bodies import Body
from services.journey.calling import call_by_id, call_next, recall, undo_call
from services.journey.errors import EntryNotFound
from services.journey.queueing import delay_entry, join_queue, prioritize_entry, transfer_entry
from services.journey.reading import QueueFilter, list_entries, read_entry
from services.journey.work import JourneyWork
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.acting import count_action, whose_journey
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
from webapp.api.journey.schemas.words import ReasonQuery
from webapp.api.journey.shown_people import note_shown, run_with_look, show_person
from webapp.auth.journey_callers import JourneyCaller, for_journey, for_journey_staff
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

blueprint = JourneyBlueprint("journey_queues", __name__, url_prefix="/api/v1/queue", description="Lines")
ResultT = TypeVar("ResultT")
_CHANGE_FAILS = (400, 401, 403, 404, 409, 413, 415)


@blueprint.post("/join")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(JoinInput, error_status_code=400)
@blueprint.response(201, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def join(caller: JourneyCaller, body: dict[str, Any]) -> Response:
    """Into the line of an exam; staff name who, who may also wait in a second one."""
    key, appointment_id = take_key(body), body["appointment_id"]

    def do(journey: JourneyWork) -> JourneyAnswer:
        user_id = whose_journey(caller, body["patient_id"])
        return join_queue(journey, user_id, body["exam_id"], caller.actor, appointment_id=appointment_id, key=key)

    return answer_of(_run(caller, JourneyAction.CONFIRM_ARRIVAL, do), 201)


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
@blueprint.arguments(ReasonQuery, location="query", error_status_code=400)
@blueprint.response(200, QueueOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_queue(caller: JourneyCaller, query: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """One entry, for its owner and for staff."""
    known = _read_id(queue_id)
    entry = stores().journeys.read(lambda journey: read_entry(journey, known, caller.actor))
    show_person(caller, "queue", UUID(entry["user_id"]), query["reason"], asked_about=known)
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

    def do(journey: JourneyWork) -> JourneyAnswer:
        if queue_id is not None:
            return call_by_id(journey, queue_id, caller.actor, room_id=room_id, key=key)
        return call_next(journey, body["exam_id"], caller.actor, room_id=room_id, key=key)

    return answer_of(_run(caller, JourneyAction.CALL_PATIENT, do))


@blueprint.post("/<string:queue_id>/recall")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(RecallInput, required=False, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def call_again(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> Response:
    """Somebody who has not come yet."""
    key = take_key(body)
    answer = _run(caller, "recall", lambda journey: recall(journey, _read_id(queue_id), caller.actor, key=key))
    return answer_of(answer)


@blueprint.post("/<string:queue_id>/undo-call")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, 401, 403, 404, 409, 413)
def take_call_back(caller: JourneyCaller, queue_id: str) -> dict[str, Any]:
    """A mistaken call, within a minute."""
    body = _run(caller, "undo_call", lambda journey: undo_call(journey, _read_id(queue_id), caller.actor))
    return {"success": True, **body}


@blueprint.post("/<string:queue_id>/delay")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(DelayInput, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def delay(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """Step aside, or come back to the place that was kept."""
    is_delayed, reason = body["delayed"], body["reason"]

    def do(journey: JourneyWork) -> Body:
        return delay_entry(journey, _read_id(queue_id), caller.actor, is_delayed=is_delayed, reason=reason)

    return {"success": True, **_run(caller, "delay", do)}


@blueprint.post("/<string:queue_id>/priority")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(PriorityInput, error_status_code=400)
@blueprint.response(200, QueueChangeOutput)
@fails(blueprint, *_CHANGE_FAILS)
def prioritize(caller: JourneyCaller, body: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """Before others, for a reason."""
    changed = _run(
        caller, "priority", lambda journey: prioritize_entry(journey, _read_id(queue_id), caller.actor, **body)
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
    key, exam_id, reason = take_key(body), body["exam_id"], body["reason"]

    def do(journey: JourneyWork) -> JourneyAnswer:
        return transfer_entry(journey, _read_id(queue_id), caller.actor, exam_id=exam_id, reason=reason, key=key)

    return answer_of(_run(caller, "transfer", do))


def _run(caller: JourneyCaller, action: str, change: Callable[[JourneyWork], ResultT]) -> ResultT:
    """One change in a transaction of its own, counted. Raises what it raises."""
    here, request_id = stores(), g.request_id
    return count_action(here, caller, action, lambda: run_with_look(here, caller, action, change, request_id))


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
