"""Lets sockets in to the journey's streams, or says by which code they are refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from structlog.contextvars import bound_contextvars

from core.logs import get_logger
from services.accounts.logins import LoginEnded
from services.stores import Stores
from streams import Position
from webapp.api.journey.live.sources import JourneySource
from webapp.auth.journey_callers import JourneyCaller, JourneyClaims, find_caller
from webapp.errors import STORES_DOWN, ApiError
from webapp.relay.closing import CloseCode
from webapp.relay.stream_source import SubscribeRequest

log = get_logger(__name__)


class NotTheirs(Exception):
    """Unknown, another's, or not of their role: they look alike."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whose stream it is to be. `person` counts the sockets of one person."""

    source: JourneySource
    person: str | None


# Finds the stream of a caller, or of whoever has a display's key. Raises NotTheirs.
OpenForCaller = Callable[[JourneyCaller], Admitted]


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """What a handshake asked for; `open` says which stream, `claims` are those of its token."""

    open: Callable[[], Admitted | None]
    is_own_origin: bool
    after: Position | None
    address: str | None
    log_context: Mapping[str, Any] = field(repr=False)


def decide(attempt: LiveAttempt) -> SubscribeRequest | CloseCode:
    """Finds no request and no app context, and may block."""
    with bound_contextvars(**attempt.log_context):
        decided = _decide(attempt)
        if isinstance(decided, CloseCode):
            log.info("socket_refused", code=int(decided))
        return decided


def _decide(attempt: LiveAttempt) -> SubscribeRequest | CloseCode:
    # Before all else: a page of another site must not even learn whether a token is good.
    if not attempt.is_own_origin:
        return CloseCode.FORBIDDEN_ORIGIN
    try:
        admitted = attempt.open()
    except LoginEnded:
        return CloseCode.NOT_AUTHENTICATED
    except (NotTheirs, ApiError):  # also staff who say no reason where the hospital wants one
        return CloseCode.UNKNOWN
    except STORES_DOWN as exc:
        log.warning("socket_not_decided", error=type(exc).__name__)
        return CloseCode.TRY_AGAIN_LATER
    if admitted is None:
        return CloseCode.NOT_AUTHENTICATED
    return SubscribeRequest(
        source=admitted.source, after=attempt.after, address=attempt.address, person=admitted.person
    )


def open_with(here: Stores, claims: JourneyClaims | None, open_for: OpenForCaller) -> Callable[[], Admitted | None]:
    """For a stream of somebody with a login."""

    def open_stream() -> Admitted | None:
        return None if claims is None else open_for(find_caller(here, claims))

    return open_stream
