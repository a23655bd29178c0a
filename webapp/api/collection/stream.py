"""A session's events as WebSocket, server-sent events and polls: who may follow, from where, and when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import orjson
from flask import Flask, Response, current_app, request
from flask_smorest import Blueprint
from flask_sock import Sock

from core.logs import get_logger
from core.names import Status
from services.collection.errors import SessionExpired, SessionNotFound
from services.collection.session_cache import SessionView
from streams import Position
from webapp.api.collection.schemas.sessions import MessagesOutput, MessagesQuery
from webapp.api.collection.session_authority import SessionAuthority
from webapp.api.collection.session_source import SessionSource
from webapp.api.documented import SECURITY_SESSION, fails
from webapp.api.fields import WORD_MAX
from webapp.auth import Credential, for_session, mark_access, presented_credential, renew_session
from webapp.current import parts, stores
from webapp.errors import STORES_DOWN, ApiError, Code
from webapp.limits import caller_address, count_use
from webapp.origins import is_listed
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.handshake import install_handshake
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SubscribeRequest

log = get_logger(__name__)
blueprint = Blueprint("session_stream", __name__, url_prefix="/api/v1/tilko/session", description="Live events")
# Offered beside `welno.token.{token}`: a browser closes a socket whose server picks none of its protocols.
PROTOCOL = "welno.v1"
_AUTHORITY = "session_authority"
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
    source = _source_of(view, presented_credential())
    with _refusals_answered():
        polled = parts().relay.poll(_request_for(source, view, after), query["wait"])
    answer = {
        "success": True,
        "session_id": view.session_id,
        "messages": [orjson.loads(event.to_json()) for event in polled.events],
        "last_seq": polled.position.seq,
        "epoch": polled.position.epoch,
        "resync": polled.is_gone,
    }
    return answer | ({"state": source.snapshot()} if polled.is_gone else {})


@blueprint.get("/<string:session_id>/events")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 400, 404, 429)
def events(view: SessionView) -> Response:
    """The same events as server-sent events, resumed by `Last-Event-ID` or `after_seq`."""
    with _refusals_answered():
        source = _source_of(view, presented_credential())
        body = parts().relay.stream_sse(_request_for(source, view, _asked_position()))
    return Response(body, headers=HEADERS)


@contextmanager
def _refusals_answered() -> Iterator[None]:
    """Raises ApiError in the place of the relay's refusals."""
    try:
        yield
    except TooManySocketsError as exc:
        raise ApiError(Code.TOO_MANY_SOCKETS, retry_after_seconds=_DRAIN_RETRY_SECONDS) from exc
    except (DrainingError, SubscriptionClosedError) as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_DRAIN_RETRY_SECONDS) from exc


def _source_of(view: SessionView, credential: Credential | None) -> SessionSource:
    """Raises SessionNotFound when nobody presented a credential."""
    if credential is None:
        raise SessionNotFound(view.session_id)
    # One authority for the process: the relay asks it about all sockets together.
    authority = cast(SessionAuthority, current_app.extensions[_AUTHORITY])
    return SessionSource(stores(), authority, view, credential.secret)


def _request_for(source: SessionSource, view: SessionView, after: Position) -> SubscribeRequest:
    return SubscribeRequest(source=source, after=after, address=caller_address(), person=view.patient_uuid)


def add_socket(app: Flask) -> None:
    """Declare the WebSocket's route; flask-sock takes no flask-smorest blueprint."""
    sock: Sock = install_handshake(app)
    app.config["SOCK_SERVER_OPTIONS"]["subprotocols"] = [PROTOCOL]
    sock.route("/api/v1/tilko/ws/<string:session_id>")(serve_socket)
    mark_access(app.view_functions["serve_socket"], "session")
    app.extensions[_AUTHORITY] = SessionAuthority(parts(app).stores)


def serve_socket(ws: Any, session_id: str) -> None:
    """Refusals, too, are told by close codes: a browser's script cannot read the status of a failed handshake."""
    parts().relay.receive_websocket(ws, partial(_decide, session_id))


def _decide(session_id: str) -> SubscribeRequest | CloseCode:
    try:
        decided = open_socket(session_id)
    except STORES_DOWN as exc:
        log.warning("socket_refused", error=type(exc).__name__)
        return CloseCode.TRY_AGAIN_LATER
    if isinstance(decided, CloseCode):
        log.info("socket_refused", code=int(decided))
    return decided


def open_socket(session_id: str) -> SubscribeRequest | CloseCode:
    """The caller's place in their session's stream, or the code that refuses them."""
    credential = presented_credential()
    if credential is None:
        return CloseCode.NOT_AUTHENTICATED
    # Browsers send cookies along to sockets of any page, and CORS does not hold them back.
    if credential.by_cookie and not _is_own_origin():
        return CloseCode.FORBIDDEN_ORIGIN
    known = stores().directory.read(session_id)
    if known is None or known.status == Status.CANCELLED:
        return CloseCode.UNKNOWN
    if not credential.is_for(session_id):
        return CloseCode.NOT_AUTHENTICATED
    return _admit(known, credential)


def _admit(view: SessionView, credential: Credential) -> SubscribeRequest | CloseCode:
    try:
        stores().directory.admit(view, credential.secret)
    except SessionExpired:
        return CloseCode.EXPIRED
    except SessionNotFound:
        return CloseCode.NOT_AUTHENTICATED
    renew_session(view)
    return _request_for(_source_of(view, credential), view, _asked_position_or_start())


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
