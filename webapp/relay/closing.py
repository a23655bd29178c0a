"""The one table of WebSocket close codes: what each says, and what a client should do then."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Codes never change their meaning and are never used again for another.

    A client comes back after 1000 to 1015 and 3xxx (1001 and 1013 with the delay the reason names), with the
    place it stood at. It does not come back by itself after 44xx: something must change first.
    """

    NORMAL = 1000  # the stream has ended, or the client said goodbye
    GOING_AWAY = 1001  # this process stops; reason {"retry_after_ms": n}: come back after so long
    PROTOCOL_ERROR = 1002  # a frame that RFC 6455 forbids
    INVALID_TEXT = 1007  # text that is no UTF-8
    TOO_BIG = 1009  # a message above the limit
    INTERNAL = 1011  # our own fault; the log tells which
    TRY_AGAIN_LATER = 1013  # a store is down or the process is full
    TOO_SLOW = 3008  # more waited for this reader than it may keep waiting; resume from the last number
    IDLE = 3009  # nothing but pings for too long
    NO_PONG = 3012  # a ping was not answered in time
    NOT_AUTHENTICATED = 4401  # neither cookie nor token, or one that has ended
    FORBIDDEN_ORIGIN = 4403  # a page of another origin
    UNKNOWN = 4404  # no such session, or it was cancelled
    EXPIRED = 4408  # the session has ended by time
    TOO_MANY = 4429  # too many sockets of one session, person or address, or too many messages a minute


_REASONS: dict[int, str] = {
    CloseCode.NORMAL: "",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.INVALID_TEXT: "text is not UTF-8",
    CloseCode.TOO_BIG: "message too big",
    CloseCode.INTERNAL: "internal error",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.TOO_SLOW: "too slow",
    CloseCode.IDLE: "idle",
    CloseCode.NO_PONG: "no pong",
    CloseCode.NOT_AUTHENTICATED: "not authenticated",
    CloseCode.FORBIDDEN_ORIGIN: "origin not allowed",
    CloseCode.UNKNOWN: "unknown session",
    CloseCode.EXPIRED: "session expired",
    CloseCode.TOO_MANY: "too many",
}


def reason_of(code: int) -> str:
    """The text that goes with a code; "" for codes that are not ours."""
    return _REASONS.get(code, "")
