"""Sessions: start, the push to the phone, the collection, how far it is, its end."""

import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response, g, jsonify
from flask_smorest import Blueprint

from core.names import session_subject
from models.collection import CollectionRun
from models.collection.run_states import asks_for_report
from models.patients import AccessedWhat
from services.collection.errors import SessionNotFound
from services.collection.pushes import PushPending
from services.collection.requests import Asked, ask_for_collection, cancel_session
from services.collection.session_cache import SessionView, status_of
from services.collection.sessions import start_session
from services.patients.consents import ConsentRequired, GivenConsents, GuardianRequired
from services.patients.identification import Identity
from webapp.api.collection.collected import RecordWriter, record_writers, with_records
from webapp.api.collection.schemas.sessions import (
    CollectOutput,
    SessionIdInput,
    SessionIdQuery,
    SimpleAuthOutput,
    StartInput,
    StartOutput,
    StatusOutput,
)
from webapp.api.documented import SECURITY_SESSION, fails
from webapp.approving_addresses import has_approved
from webapp.auth import (
    drop_patient_cookie,
    drop_session_cookie,
    enter_records,
    for_own_session,
    for_session,
    forget_kept,
    is_same_session,
    join_token,
    keep_session_cookie,
    mark_access,
)
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import LimitedUse, caller_address, count_uses
from webapp.looks import record_look
from webapp.origins import refuse_foreign_origin
from webapp.visitors import current_visitor

blueprint = Blueprint("sessions", __name__, url_prefix="/api/v1/tilko/session", description="Collections")
_SHOWN_EVENTS = 3


@blueprint.post("/start")
@blueprint.arguments(StartInput, error_status_code=400)
@blueprint.response(201, StartOutput)
@fails(blueprint, 400, 403, 413, 415, 429)
def start(asked: dict[str, Any]) -> Response:
    """Open a session for a person who has consented."""
    refuse_foreign_origin()
    identity: Identity = asked["identity"]
    given = _agree(asked)
    with stores().unit_of_work() as work:
        started = start_session(
            work,
            identity,
            redirect_path=asked["redirect_path"],
            lifetime=stores().session_lifetime,
            sealer=stores().sealer,
            given=given,
            now=stores().clock.now(),
            request_id=g.request_id,
            visitor=current_visitor(),
        )
    token = join_token(started.session_id, started.token)
    body = {
        "success": True,
        "session_id": started.session_id,
        "session_token": token,
        "message": "시작할 준비가 됐어요.",
        "next_step": "simple_auth",
    }
    response = jsonify(body)
    response.status_code = 201
    keep_session_cookie(response, token)
    drop_patient_cookie(response)  # whoever starts may be another than who typed a password here
    forget_kept(response)  # also where the cookies of the one before have run out: their answers have not
    return response


mark_access(start, "public")


def _agree(asked: dict[str, Any]) -> GivenConsents:
    """Before anything is counted or stored. Raises ApiError."""
    try:
        return stores().consents.agree(
            asked["identity"],
            asked["consents"],
            wants_report=asks_for_report(asked["redirect_path"]),
            now=stores().clock.now(),
            shown=asked["consent_texts"],
            until=asked["consents_until"],
        )
    except GuardianRequired as exc:
        raise ApiError(Code.GUARDIAN_REQUIRED) from exc
    except ConsentRequired as exc:
        raise ApiError(Code.CONSENT_REQUIRED, details={"missing": exc.missing, "changed": exc.changed}) from exc


@blueprint.post("/simple-auth")
@blueprint.doc(security=SECURITY_SESSION)
@for_own_session
@blueprint.arguments(SessionIdQuery, location="query", error_status_code=400)
@blueprint.arguments(SessionIdInput, required=False, error_status_code=400)
@blueprint.response(202, SimpleAuthOutput)
@blueprint.alt_response(200, schema=SimpleAuthOutput, description="Asked before; Tilko is not asked again.")
@fails(blueprint, 400, 403, 404, 409, 413, 415, 429)
def simple_auth(view: SessionView, query: dict[str, str], body: dict[str, str]) -> tuple[dict[str, Any], int]:
    """Have the push sent to the person's phone."""
    if not is_same_session(view.session_id, query.get("session_id") or body.get("session_id") or ""):
        raise SessionNotFound(view.session_id)
    with stores().unit_of_work() as work:
        pushes, session_id = stores().pushes, UUID(view.session_id)
        asked = pushes.ask(work, session_id, now=stores().clock.now(), request_id=g.request_id)
        if asked is Asked.ACCEPTED:
            # In here: over the limit nothing is committed, and a call that sends no push is not counted.
            _count_push(pushes.phone_of(work.session, session_id))
    if isinstance(asked, PushPending):
        seconds = math.ceil(asked.left.total_seconds())
        raise ApiError(Code.PUSH_PENDING, details={"seconds_left": seconds}, retry_after_seconds=seconds)
    answer = {
        "success": True,
        "session_id": view.session_id,
        "message": "휴대폰으로 인증 요청을 보내고 있어요.",
        "next_step": "wait_for_auth",
    }
    if asked is Asked.DUPLICATE:
        return answer | {"message": "이미 인증을 요청했어요.", "duplicate_request_prevented": True}, 200
    return answer, 202


def _count_push(phone: str | None) -> None:
    """The caller's own share of the phone, and the phone's: who is beyond one of them takes nothing of the other. What
    others have taken is nothing to who has approved a push from where this one is asked for."""
    web = stores().settings.web
    counted = [LimitedUse(web.push_limit, "push", f"{phone}/{caller_address()}")]
    if phone is None or not has_approved(phone):
        counted.append(LimitedUse(web.push_phone_limit, "push-phone", f"{phone}"))
    count_uses(*counted)


@blueprint.post("/<string:session_id>/collect-data")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(202, CollectOutput)
@blueprint.alt_response(200, schema=CollectOutput, description="It is running, or done.")
@fails(blueprint, 400, 403, 404, 409, 413, 415)
def collect_data(view: SessionView) -> tuple[dict[str, Any], int]:
    """Collect the records, or look at once whether the phone has approved."""
    with stores().unit_of_work() as work:
        asked = ask_for_collection(work, UUID(view.session_id), now=stores().clock.now(), request_id=g.request_id)
        status = work.session.get_one(CollectionRun, UUID(view.session_id)).status
    answer = {"success": True, "session_id": view.session_id, "status": str(status)}
    if asked is Asked.DUPLICATE:
        said = {"message": "이미 기록을 가져오고 있거나 다 가져왔어요.", "duplicate_collection_prevented": True}
        return answer | said, 200
    return answer | {"message": "기록을 가져올게요."}, 202


@blueprint.get("/<string:session_id>/status")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(200, StatusOutput)
@fails(blueprint, 404)
def status(view: SessionView) -> dict[str, Any] | Response:
    """How far it is, the last events, and, when completed, all records."""
    return describe_status(view)


@blueprint.get("/status/<string:session_id>")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(200, StatusOutput)
@fails(blueprint, 404)
def status_alias(view: SessionView) -> dict[str, Any] | Response:
    """The same under its older address."""
    return describe_status(view)


@blueprint.delete("/<string:session_id>")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(204)
@fails(blueprint, 403, 404)
def cancel(view: SessionView) -> Response:
    """End the session. Work under way stops at its next step; stored records stay."""
    with stores().unit_of_work() as work:
        cancel_session(work, UUID(view.session_id), now=stores().clock.now())
    response = Response(status=204)
    drop_session_cookie(response)
    return response


def describe_status(view: SessionView) -> dict[str, Any] | Response:
    """The state and the number of its last event are of one row, so nothing is missed by a client that shows the state
    and follows the stream from there."""
    subject = session_subject(view.session_id)
    page = stores().events.read_after(subject, max(view.event_seq - _SHOWN_EVENTS, 0), limit=_SHOWN_EVENTS)
    answer = {
        "success": True,
        "messages": [orjson.loads(event.to_json()) for event in page.events],
        "last_seq": view.event_seq,
        "epoch": page.position.epoch,
    }
    renewed = {"session_token": g.token_of_approval} if "token_of_approval" in g else {}
    state = answer | renewed | status_of(view)
    records = _collected(view)
    return with_records(StatusOutput().dump(state), records) if records else state


def _collected(view: SessionView) -> Mapping[str, RecordWriter]:
    """Only for who may open the records, too: a session's older token stays behind."""
    if not view.completed or view.patient_uuid is None or not g.has_token_of_approval:
        return {}
    patient_uuid = UUID(view.patient_uuid)
    if not enter_records(view, patient_uuid):
        return {}
    told = record_writers(patient_uuid)
    with stores().unit_of_work() as work:
        for records in told.values():
            records.read_first(work.session)
        for what in (AccessedWhat.CHECKUPS, AccessedWhat.PRESCRIPTIONS):
            record_look(work, patient_uuid, what)
    return told
