"""The journey's streams over HTTP and WebSocket: who may follow which, from where on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import orjson
from flask import Flask, Response, current_app, request
from marshmallow import EXCLUDE, ValidationError
from structlog.contextvars import get_contextvars

from streams import Position
from webapp.addresses import host_of
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.addresses import SOCKETS
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.live.admission import Admitted, LiveAttempt, NotTheirs, decide, open_with
from webapp.api.journey.live.streams import LiveStreams
from webapp.api.journey.schemas.live import EntryLiveQuery, LiveOutput, LiveQuery
from webapp.api.journey.schemas.words import ReasonQuery
from webapp.api.journey.shown_people import StreamOpening
from webapp.auth import mark_access
from webapp.auth.credentials import bearer_token, sub_protocol_token
from webapp.auth.displays import HallScreen, for_display
from webapp.auth.journey_callers import (
    JourneyCaller,
    JourneyClaims,
    for_journey,
    for_journey_patient,
    for_journey_staff,
    read_journey_token,
)
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import caller_place, count_use, countable_address
from webapp.origins import is_listed
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, RightLostError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.handshake import AcceptedSocket, RelaySock
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SubscribeRequest

blueprint = JourneyBlueprint("journey_live", __name__, url_prefix="/api/v1", description="Live events of the journey")
_STREAMS = "journey_streams"
_RETRY_SECONDS = 2
_SSE = {"type": "string"}


@blueprint.get("/patient-journey/messages")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.arguments(LiveQuery, location="query", error_status_code=400)
@blueprint.response(200, LiveOutput)
@fails(blueprint, 400, 401, 403, 404, 429)
def patient_messages(caller: JourneyCaller, query: dict[str, Any]) -> dict[str, Any]:
    """The events of one's own journey after a number; with `wait` when something comes."""
    return _poll(lambda: _streams().of_patient(caller, caller_place()), query, Code.PATIENT_NOT_FOUND)


@blueprint.get("/patient-journey/events")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.response(200, _SSE, content_type="text/event-stream")
@fails(blueprint, 400, 401, 403, 404, 429)
def patient_events(caller: JourneyCaller) -> Response:
    """The same as server-sent events, resumed by `Last-Event-ID` or `after_seq`."""
    return _stream(lambda: _streams().of_patient(caller, caller_place()), Code.PATIENT_NOT_FOUND)


@blueprint.get("/queue/<string:queue_id>/messages")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(EntryLiveQuery, location="query", error_status_code=400)
@blueprint.response(200, LiveOutput)
@fails(blueprint, 400, 401, 403, 404, 429)
def entry_messages(caller: JourneyCaller, query: dict[str, Any], queue_id: str) -> dict[str, Any]:
    """The events of one entry after a number."""
    opening = StreamOpening(host_of(request.remote_addr), query["reason"], query["after_seq"] is not None)
    return _poll(lambda: _streams().of_entry(caller, queue_id, opening), query, Code.QUEUE_NOT_FOUND)


@blueprint.get("/queue/<string:queue_id>/events")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(ReasonQuery, location="query", error_status_code=400)
@blueprint.response(200, _SSE, content_type="text/event-stream")
@fails(blueprint, 400, 401, 403, 404, 429)
def entry_events(caller: JourneyCaller, query: dict[str, Any], queue_id: str) -> Response:
    """The same as server-sent events."""
    opening = StreamOpening(host_of(request.remote_addr), query["reason"], _asked_position() is not None)
    return _stream(lambda: _streams().of_entry(caller, queue_id, opening), Code.QUEUE_NOT_FOUND)


@blueprint.get("/board/<string:exam_id>/messages")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(LiveQuery, location="query", error_status_code=400)
@blueprint.response(200, LiveOutput)
@fails(blueprint, 400, 401, 403, 404, 429)
def exam_messages(caller: JourneyCaller, query: dict[str, Any], exam_id: str) -> dict[str, Any]:
    """The events of a line after a number."""
    return _poll(lambda: _streams().of_exam(caller, exam_id), query, Code.EXAM_NOT_FOUND)


@blueprint.get("/board/<string:exam_id>/events")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(200, _SSE, content_type="text/event-stream")
@fails(blueprint, 400, 401, 403, 404, 429)
def exam_events(caller: JourneyCaller, exam_id: str) -> Response:
    """The same as server-sent events."""
    return _stream(lambda: _streams().of_exam(caller, exam_id), Code.EXAM_NOT_FOUND)


@blueprint.get("/hall/<string:display_id>/messages")
@blueprint.doc(security=SECURITY_STAFF)
@for_display
@blueprint.arguments(LiveQuery, location="query", error_status_code=400)
@blueprint.response(200, LiveOutput)
@fails(blueprint, 400, 401, 404, 429)
def hall_messages(screen: HallScreen, query: dict[str, Any]) -> dict[str, Any]:
    """The events of a hall after a number."""
    return _poll(lambda: _streams().of_hall(screen), query, Code.NOT_FOUND)


@blueprint.get("/hall/<string:display_id>/events")
@blueprint.doc(security=SECURITY_STAFF)
@for_display
@blueprint.response(200, _SSE, content_type="text/event-stream")
@fails(blueprint, 400, 401, 404, 429)
def hall_events(screen: HallScreen) -> Response:
    """The same as server-sent events."""
    return _stream(lambda: _streams().of_hall(screen), Code.NOT_FOUND)


def _poll(open_stream: Callable[[], Admitted], query: dict[str, Any], unknown: Code) -> dict[str, Any]:
    after = None if query["after_seq"] is None else parse_position(query["after_seq"])
    with _refusals_answered(unknown):
        asked = _request_for(open_stream(), after)
        count_use(stores().settings.web.poll_limit, "poll", f"{asked.source.subject}:{asked.person}")
        polled = parts().relay.poll(asked, query["wait"])
    answer = {
        "success": True,
        "messages": [orjson.loads(event.to_json()) for event in polled.events],
        "last_seq": polled.position.seq,
        "epoch": polled.position.epoch,
        "resync": polled.is_gone,
    }
    return answer | ({"state": orjson.loads(asked.source.resync(polled.position))} if polled.is_gone else {})


def _stream(open_stream: Callable[[], Admitted], unknown: Code) -> Response:
    with _refusals_answered(unknown):
        body = parts().relay.stream_sse(_request_for(open_stream(), _asked_position()))
    return Response(body, headers=HEADERS)


def _request_for(admitted: Admitted, after: Position | None) -> SubscribeRequest:
    return SubscribeRequest(source=admitted.source, after=after, address=countable_address(), person=admitted.person)


@contextmanager
def _refusals_answered(unknown: Code) -> Iterator[None]:
    """Raises ApiError in the place of what refuses a reader."""
    try:
        yield
    except NotTheirs as exc:
        raise ApiError(unknown) from exc
    except RightLostError as exc:
        raise ApiError(Code.UNAUTHORIZED if exc.code == CloseCode.NOT_AUTHENTICATED else unknown) from exc
    except TooManySocketsError as exc:
        raise ApiError(Code.TOO_MANY_SOCKETS, retry_after_seconds=_RETRY_SECONDS) from exc
    except (DrainingError, SubscriptionClosedError) as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_RETRY_SECONDS) from exc


def _streams() -> LiveStreams:
    return cast(LiveStreams, current_app.extensions[_STREAMS])


def _asked_position() -> Position | None:
    """`Last-Event-ID` wins over `after_seq`: an EventSource that comes back repeats its first address. None for what
    comes from now on. Raises ApiError."""
    text = request.headers.get("Last-Event-ID") or request.args.get("after_seq")
    if text is None:
        return None
    try:
        return parse_position(text)
    except ValueError as exc:
        details = {"after_seq": ["12 또는 epoch:12처럼 보내 주세요."]}
        raise ApiError(Code.VALIDATION_FAILED, details=details) from exc


def add_live_sockets(app: Flask, sock: RelaySock) -> None:
    """Declare the socket routes; flask-sock takes no flask-smorest blueprint."""
    app.extensions[_STREAMS] = LiveStreams(parts(app).stores, app.app_context)
    views: dict[str, Callable[..., None]] = {
        "patient_journey": serve_journey,
        "queue": serve_entry,
        "exam": serve_exam,
        "hall": serve_hall,
    }
    for name, view in views.items():
        path = SOCKETS[name].replace("{", "<string:").replace("}", ">")
        sock.route(path, endpoint=f"journey_socket_{name}", strict_slashes=False)(view)
        mark_access(app.view_functions[f"journey_socket_{name}"], "display" if name == "hall" else "journey")


def serve_journey(ws: AcceptedSocket) -> None:
    """Refusals, too, are told by close codes: a browser's script cannot read the status of a failed handshake."""
    streams, place = _streams(), caller_place()
    _serve(ws, open_with(stores(), _shown_claims(), lambda caller: streams.of_patient(caller, place)))


def serve_entry(ws: AcceptedSocket, queue_id: str) -> None:
    streams = _streams()
    opening = StreamOpening(host_of(request.remote_addr), _stated_reason(), _asked_position_or_now() is not None)
    _serve(ws, open_with(stores(), _shown_claims(), lambda caller: streams.of_entry(caller, queue_id, opening)))


def serve_exam(ws: AcceptedSocket, exam_id: str) -> None:
    streams = _streams()
    _serve(ws, open_with(stores(), _shown_claims(), lambda caller: streams.of_exam(caller, exam_id)))


def serve_hall(ws: AcceptedSocket, display_id: str) -> None:
    streams, key = _streams(), _shown_token()
    _serve(ws, lambda: None if key is None else streams.of_display(display_id, key))


def _serve(ws: AcceptedSocket, open_stream: Callable[[], Admitted | None]) -> None:
    origin = request.headers.get("Origin")
    attempt = LiveAttempt(
        open=open_stream,
        is_own_origin=origin is None or is_listed(origin),
        after=_asked_position_or_now(),
        address=countable_address(),
        log_context=get_contextvars(),
    )
    parts().relay.receive_websocket(ws, partial(decide, attempt))


def _asked_position_or_now() -> Position | None:
    try:
        return _asked_position()
    except ApiError:
        return None


def _stated_reason() -> str | None:
    """What says nothing is none: of a socket it cannot be told what is wrong with it."""
    try:
        reason: str | None = ReasonQuery(unknown=EXCLUDE).load(request.args)["reason"]
    except ValidationError:
        return None
    return reason


def _shown_token() -> str | None:
    return bearer_token() or sub_protocol_token()


def _shown_claims() -> JourneyClaims | None:
    try:
        return read_journey_token(_shown_token())
    except ApiError:
        return None
