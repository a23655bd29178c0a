"""The WebSocket of threads: who may open it, or by which code they are refused."""

from typing import cast

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException

from core.logs import get_logger
from services.accounts.logins import LoginEnded
from webapp.api.threads.bounds import act_counter
from webapp.api.threads.live.authority import AUTHORITY, ThreadAuthority
from webapp.api.threads.live.socket_source import ThreadSocketSource
from webapp.auth import mark_access
from webapp.auth.thread_members import require_known_at_socket
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import STORES_DOWN, ApiError
from webapp.limits import countable_address
from webapp.relay.closing import CloseCode
from webapp.relay.handshake import AcceptedSocket, RelaySock
from webapp.relay.stream_source import MultiSubjectRequest

log = get_logger(__name__)
PATH, ENDPOINT = "/ws/threads", "threads_socket"


def add_thread_socket(app: Flask, sock: RelaySock) -> None:
    """flask-sock takes no flask-smorest blueprint."""
    sock.route(PATH, endpoint=ENDPOINT)(serve_threads)
    mark_access(app.view_functions[ENDPOINT], "thread_member")


def serve_threads(ws: AcceptedSocket) -> None:
    """Refusals, too, are told by close codes: a browser's script cannot read the status of a failed handshake.

    Who it is is asked in the request, as the credentials of records need it; the rest waits for no request.
    """
    decided = _decide()
    if isinstance(decided, CloseCode):
        log.info("socket_refused", code=int(decided))
    parts().relay.receive_multi_subject_websocket(ws, lambda: decided)


def _decide() -> MultiSubjectRequest | CloseCode:
    try:
        known = require_known_at_socket()
    except ApiError as exc:
        forbidden = exc.code is Code.ORIGIN_NOT_ALLOWED
        return CloseCode.FORBIDDEN_ORIGIN if forbidden else CloseCode.NOT_AUTHENTICATED
    except (HTTPException, LoginEnded):  # a session's cookie that is to be renewed first, over HTTP
        return CloseCode.NOT_AUTHENTICATED
    except STORES_DOWN as exc:
        log.warning("socket_not_decided", error=type(exc).__name__)
        return CloseCode.TRY_AGAIN_LATER
    authority = cast(ThreadAuthority, current_app.extensions[AUTHORITY])
    source = ThreadSocketSource(stores(), authority, known, known.as_caller(), act_counter(known))
    return MultiSubjectRequest(source=source, address=countable_address(), person=known.member)
