"""Lets sockets in to their sessions' streams, or says by which code they are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from structlog.contextvars import bound_contextvars

from core.logs import get_logger
from core.names import Status
from services.collection.errors import SessionExpired, SessionNotFound
from services.collection.session_cache import SessionView
from services.stores import Stores
from streams import Position
from webapp.api.collection.session_authority import SessionAuthority
from webapp.api.collection.session_source import SessionSource
from webapp.auth import Credential, renew_session
from webapp.errors import STORES_DOWN
from webapp.relay.closing import CloseCode
from webapp.relay.stream_source import SubscribeRequest

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketAttempt:
    """What a handshake asked for. Of a crowd thousands wait, so it keeps no more than the decision takes."""

    session_id: str
    credential: Credential | None
    is_own_origin: bool
    after: Position
    address: str | None
    log_context: Mapping[str, Any]  # of the request


class SocketAdmission:
    """Finds no request and no app context: a request that waited for it would weigh ten times what is asked for."""

    def __init__(self, here: Stores, authority: SessionAuthority) -> None:
        self._here = here
        self._authority = authority

    def decide(self, attempt: SocketAttempt) -> SubscribeRequest | CloseCode:
        """The caller's place in their session's stream, or the code that refuses them."""
        with bound_contextvars(**attempt.log_context):
            return self._decide_and_log(attempt)

    def _decide_and_log(self, attempt: SocketAttempt) -> SubscribeRequest | CloseCode:
        try:
            decided = self._decide(attempt)
        except STORES_DOWN as exc:
            log.warning("socket_refused", error=type(exc).__name__)
            return CloseCode.TRY_AGAIN_LATER
        if isinstance(decided, CloseCode):
            log.info("socket_refused", code=int(decided))
        return decided

    def request_for(
        self, view: SessionView, credential: Credential, after: Position, address: str | None
    ) -> SubscribeRequest:
        """Of a reader whose right is known."""
        source = SessionSource(self._here, self._authority, view, credential.secret)
        return SubscribeRequest(source=source, after=after, address=address, person=view.patient_uuid)

    def _decide(self, attempt: SocketAttempt) -> SubscribeRequest | CloseCode:
        credential = attempt.credential
        if credential is None:
            return CloseCode.NOT_AUTHENTICATED
        # Browsers send cookies along to sockets of any page, and CORS does not hold them back.
        if credential.by_cookie and not attempt.is_own_origin:
            return CloseCode.FORBIDDEN_ORIGIN
        view = self._here.directory.read(attempt.session_id)
        if view is None or view.status == Status.CANCELLED:
            return CloseCode.UNKNOWN
        if not credential.is_for(attempt.session_id):
            return CloseCode.NOT_AUTHENTICATED
        return self._admit(view, credential, attempt)

    def _admit(self, view: SessionView, credential: Credential, attempt: SocketAttempt) -> SubscribeRequest | CloseCode:
        try:
            self._here.directory.admit(view, credential.secret)
        except SessionExpired:
            return CloseCode.EXPIRED
        except SessionNotFound:
            return CloseCode.NOT_AUTHENTICATED
        renew_session(self._here, view)
        return self.request_for(view, credential, attempt.after, attempt.address)
