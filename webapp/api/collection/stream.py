"""A session's events as WebSocket, server-sent events and polls: who may follow, from where, and when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask, Response, request
from flask_smorest import Blueprint
from flask_sock import Sock

from core.logs import get_logger
from core.names import Event, Status, session_subject
from services.collection.errors import SessionExpired, SessionNotFound
from services.collection.session_cache import SessionView, state_of
from services.stores import Stores
from streams import Position, StoredEvent
from webapp.api.collection.schemas.sessions import MessagesOutput, MessagesQuery
from webapp.api.documented import SECURITY_SESSION, fails
from webapp.auth import Credential, for_session, mark_access, presented_credential, renew_session
from webapp.current import parts, stores
from webapp.errors import STORES_DOWN, ApiError, Code
from webapp.limits import caller_address, count_use
from webapp.origins import is_listed
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.handshake import install_handshake
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import StreamSource, SubscribeRequest

log = get_logger(__name__)
blueprint = Blueprint("session_stream", __name__, url_prefix="/api/v1/tilko/session", description="Live events")
# Offered beside `welno.token.{token}`: a browser closes a socket whose server picks none of its protocols.
PROTOCOL = "welno.v1"
_ENDINGS = {str(Status.EXPIRED): CloseCode.EXPIRED, str(Status.CANCELLED): CloseCode.UNKNOWN}
_DRAIN_RETRY_SECONDS = 2
# Twenty thousand watchers are a write every few milliseconds if each is renewed as often as a visitor. Below one half,
# so that nobody who watches is told again and again that their time was extended.
_WATCHERS_SHARE = 0.4


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
        polled = parts().relay.poll(**_subscribe_arguments(view, after), wait_seconds=query["wait"])
    answer = {
        "success": True,
        "session_id": view.session_id,
        "messages": polled["events"],
        "last_seq": polled["seq"],
        "epoch": polled["epoch"],
        "resync": "resync" in polled,
    }
    return answer | ({"state": polled["resync"]["data"]} if "resync" in polled else {})


@blueprint.get("/<string:session_id>/events")
@blueprint.doc(security=SECURITY_SESSION)
@for_session
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 400, 404, 429)
def events(view: SessionView) -> Response:
    """The same events as server-sent events, resumed by `Last-Event-ID` or `after_seq`."""
    with _refusals_answered():
        body = parts().relay.stream_sse(**_subscribe_arguments(view, _asked_position()))
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


def _subscribe_arguments(view: SessionView, after: Position, credential: Credential | None = None) -> dict[str, Any]:
    source = build_source(stores(), view, credential or presented_credential())
    return {"source": source, "after": after, "address": caller_address(), "person": view.patient_uuid}


def add_socket(app: Flask) -> None:
    """Declare the WebSocket's route; flask-sock takes no flask-smorest blueprint."""
    sock: Sock = install_handshake(app)
    app.config["SOCK_SERVER_OPTIONS"]["subprotocols"] = [PROTOCOL]
    sock.route("/api/v1/tilko/ws/<string:session_id>")(serve_socket)
    mark_access(app.view_functions["serve_socket"], "session")


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
    return SubscribeRequest(**_subscribe_arguments(view, _asked_position_or_start(), credential), state=state_of(view))


def build_source(here: Stores, view: SessionView, credential: Credential | None) -> StreamSource:
    """Its callbacks outlive the request, so they get the stores and not the app."""
    return StreamSource(
        subject=session_subject(view.session_id),
        snapshot=partial(here.directory.read_state, view.session_id),
        greeting={"session_id": view.session_id},
        reauthorize=partial(_reauthorize, here, view.session_id, credential.secret if credential else ""),
        close_code_for=_close_code_for,
    )


def _reauthorize(here: Stores, session_id: str, secret: str) -> int | None:
    """Asked once a minute: whoever watches uses the session, so it is renewed; a lost right ends the watching."""
    try:
        known = here.directory.find(session_id, secret)
    except SessionExpired:
        return CloseCode.EXPIRED
    except SessionNotFound:
        return CloseCode.UNKNOWN
    deadline = here.directory.renewal(known, share=_WATCHERS_SHARE)
    if deadline is not None:
        with here.unit_of_work() as work:
            here.directory.renew(work, known, deadline)
    return None


def _close_code_for(event: StoredEvent) -> int | None:
    """Asked for every event: most are told apart by their bytes alone."""
    if b'"type":"error"' not in event.to_json():
        return None
    body = event.body
    return _ENDINGS.get(str(body.get("status"))) if body.get("type") == Event.ERROR else None


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
    return Position(epoch, position.seq)


def _asked_position_or_start() -> Position:
    """A socket that names no place, or none that can be, gets everything from the first event."""
    try:
        return _asked_position()
    except ApiError:
        return Position("", 0)
