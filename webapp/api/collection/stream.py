"""A session's events as WebSocket, server-sent events and polls: who may follow, from where, and when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, cast

import orjson
from flask import Flask, Response, current_app, request
from flask_smorest import Blueprint
from structlog.contextvars import get_contextvars

from core.names import session_subject
from services.collection.errors import SessionNotFound
from services.collection.session_cache import SessionView
from streams import Position
from webapp.api.collection.schemas.sessions import MessagesOutput, MessagesQuery
from webapp.api.collection.session_authority import SessionAuthority
from webapp.api.collection.socket_admission import SocketAdmission, SocketAttempt
from webapp.api.documented import SECURITY_SESSION, fails
from webapp.api.fields import WORD_MAX
from webapp.auth import for_session, mark_access, presented_credential
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import count_use, countable_address
from webapp.origins import is_listed
from webapp.relay.errors import DrainingError, RightLostError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.handshake import AcceptedSocket, RelaySock
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SubscribeRequest

blueprint = Blueprint("session_stream", __name__, url_prefix="/api/v1/tilko/session", description="Live events")
_ADMISSION = "socket_admission"
_DRAIN_RETRY_SECONDS = 2


@blueprint.get("/<string:session_id>/messages")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.arguments(MessagesQuery, location="query", error_status_code=400)
@blueprint.response(200, MessagesOutput)
@fails(blueprint, 400, 404, 429)
def messages(view: SessionView, query: dict[str, Any]) -> dict[str, Any]:
    """The events after a number: the polling fallback. With `wait` it answers when something comes."""
    count_use(stores().settings.web.poll_limit, "poll", view.session_id)
    after = Position(query["epoch"], query["after_seq"])
    with _refusals_answered():
        polled = parts().relay.poll(_request_for(view, after), query["wait"])
    answer = {
        "success": True,
        "session_id": view.session_id,
        "messages": [orjson.loads(event.to_json()) for event in polled.events],
        "last_seq": polled.position.seq,
        "epoch": polled.position.epoch,
        "resync": polled.is_gone,
    }
    return answer | ({"state": stores().directory.read_state(view.session_id)} if polled.is_gone else {})


@blueprint.get("/<string:session_id>/events")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 400, 404, 429)
def events(view: SessionView) -> Response:
    """The same events as server-sent events, resumed by `Last-Event-ID` or `after_seq`. 204 for who has read the end of
    a session that completed a while ago, so that an EventSource stays away; whoever has not is told the rest."""
    asked = _asked_position()
    if _is_over(view) and _has_read_all(view, asked):
        return Response(status=204)
    with _refusals_answered():
        body = parts().relay.stream_sse(_request_for(view, asked))
    return Response(body, headers=HEADERS)


def _is_over(view: SessionView) -> bool:
    ended = view.collection_end_time
    stays = timedelta(seconds=stores().settings.collection.stream_after_completed_seconds)
    return view.completed and ended is not None and ended + stays <= stores().clock.now()


def _has_read_all(view: SessionView, asked: Position) -> bool:
    """By the session's own row, as Redis may lack its end yet. A number of another epoch is no place in this one."""
    if asked.seq < view.event_seq:
        return False
    page = stores().events.read_after(session_subject(view.session_id), view.event_seq, limit=1)
    return asked.epoch in {"", page.position.epoch}


@contextmanager
def _refusals_answered() -> Iterator[None]:
    """Raises ApiError in the place of the relay's refusals."""
    try:
        yield
    except RightLostError as exc:
        raise ApiError(Code.SESSION_NOT_FOUND) from exc
    except TooManySocketsError as exc:
        raise ApiError(Code.TOO_MANY_SOCKETS, retry_after_seconds=_DRAIN_RETRY_SECONDS) from exc
    except (DrainingError, SubscriptionClosedError) as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_DRAIN_RETRY_SECONDS) from exc


def _admission() -> SocketAdmission:
    return cast(SocketAdmission, current_app.extensions[_ADMISSION])


def _request_for(view: SessionView, after: Position) -> SubscribeRequest:
    """Raises SessionNotFound when nobody presented a credential."""
    credential = presented_credential()
    if credential is None:
        raise SessionNotFound(view.session_id)
    return _admission().request_for(view, credential, after, countable_address())


def add_socket(app: Flask, sock: RelaySock) -> None:
    """Declare the WebSocket's route; flask-sock takes no flask-smorest blueprint."""
    here = parts(app).stores
    # One authority for the process: the relay asks it about all readers together.
    app.extensions[_ADMISSION] = SocketAdmission(here, SessionAuthority(here))
    sock.route("/api/v1/tilko/ws/<string:session_id>")(serve_socket)
    mark_access(app.view_functions["serve_socket"], "session")


def serve_socket(ws: AcceptedSocket, session_id: str) -> None:
    """Refusals, too, are told by close codes: a browser's script cannot read the status of a failed handshake."""
    attempt = SocketAttempt(
        session_id=session_id,
        credential=presented_credential(),
        is_own_origin=_is_own_origin(),
        after=_asked_position_or_start(),
        address=countable_address(),
        log_context=get_contextvars(),
    )
    parts().relay.receive_websocket(ws, partial(_admission().decide, attempt))


def _is_own_origin() -> bool:
    origin = request.headers.get("Origin")
    return origin is None or is_listed(origin)


def _asked_position() -> Position:
    """`Last-Event-ID` wins over `after_seq`: an EventSource that comes back repeats its first address. Raises
    ApiError."""
    text = request.headers.get("Last-Event-ID") or request.args.get("after_seq", "0")
    try:
        position = parse_position(text)
    except ValueError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={"after_seq": ["0 이상의 숫자로 보내 주세요."]}) from exc
    epoch = position.epoch or request.args.get("epoch", "")
    if len(epoch) > WORD_MAX:
        raise ApiError(Code.VALIDATION_FAILED, details={"epoch": [f"{WORD_MAX}자까지 쓸 수 있어요."]})
    return Position(epoch, position.seq)


def _asked_position_or_start() -> Position:
    """A socket that names no place, or none that can be, gets everything from the first event."""
    try:
        return _asked_position()
    except ApiError:
        return Position("", 0)
