"""The one table of WebSocket close codes: what each says, what it means, and what a client does then."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class CloseCode(IntEnum):
    """Codes never change their meaning and are never used again for another; CLOSINGS says what each means."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    INVALID_TEXT = 1007
    TOO_BIG = 1009
    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    TOO_SLOW = 3008
    IDLE = 3009
    NO_PONG = 3012
    NOT_AUTHENTICATED = 4401
    FORBIDDEN_ORIGIN = 4403
    UNKNOWN = 4404
    EXPIRED = 4408
    COMPLETE = 4410
    TOO_MANY = 4429


class Then(StrEnum):
    """What a client does after a close, always with the place it stood at."""

    RETURN = "come back, with growing pauses"
    RETURN_WHEN_TOLD = "come back after `retry_after_ms`"
    RETURN_LATER = "come back, after ten seconds at the earliest"
    STAY_AWAY = "stay away until something has changed"


@dataclass(frozen=True, slots=True)
class Closing:
    """`reason` goes over the wire; `meaning` is for docs/relay.md and the AsyncAPI document."""

    reason: str
    meaning: str
    then: Then = Then.RETURN


CLOSINGS: Mapping[int, Closing] = {
    CloseCode.NORMAL: Closing("", "The client closed, and is answered with the code it gave."),
    CloseCode.GOING_AWAY: Closing(
        "going away",
        'This process stops; the reason is `{"retry_after_ms": n}`, another n for each socket.',
        Then.RETURN_WHEN_TOLD,
    ),
    CloseCode.PROTOCOL_ERROR: Closing("protocol error", "A frame that RFC 6455 forbids."),
    CloseCode.INVALID_TEXT: Closing("text is not UTF-8", "A text, or the reason of a close, that is no UTF-8."),
    CloseCode.TOO_BIG: Closing("message too big", "A message above the limit, whole or in fragments."),
    CloseCode.INTERNAL: Closing("internal error", "Our own fault; our log tells which."),
    CloseCode.TRY_AGAIN_LATER: Closing(
        "try again later",
        "A store is down, the process is full, or nobody could say in time whether you may read.",
        Then.RETURN_LATER,
    ),
    CloseCode.TOO_SLOW: Closing("too slow", "More waited for this reader than it may keep waiting; nothing is lost."),
    CloseCode.IDLE: Closing("idle", "Nothing but pings went either way for too long."),
    CloseCode.NO_PONG: Closing("no pong", "A ping was not answered in time."),
    CloseCode.NOT_AUTHENTICATED: Closing(
        "not authenticated", "Neither cookie nor token, or one that has ended or was revoked.", Then.STAY_AWAY
    ),
    CloseCode.FORBIDDEN_ORIGIN: Closing(
        "origin not allowed",
        "A page of an origin that is not listed sent the cookie, or opened a socket of the journey.",
        Then.STAY_AWAY,
    ),
    CloseCode.UNKNOWN: Closing(
        "unknown, or not yours",
        "Nothing that you may follow: unknown, cancelled, another's, or not of your role.",
        Then.STAY_AWAY,
    ),
    CloseCode.EXPIRED: Closing("session expired", "The session has ended by time.", Then.STAY_AWAY),
    CloseCode.COMPLETE: Closing(
        "complete", "The session has completed a while ago: nothing comes any more.", Then.STAY_AWAY
    ),
    CloseCode.TOO_MANY: Closing(
        "too many",
        "Too many sockets of one session, person or address, or too many messages or control frames a minute.",
        Then.RETURN_LATER,
    ),
}


def reason_of(code: int) -> str:
    """The text that goes with a code; "" for codes that are not ours."""
    closing = CLOSINGS.get(code)
    return closing.reason if closing is not None else ""
