"""What a client may say, and what it is answered: decided here, done by the socket."""

from dataclasses import dataclass

import orjson

from webapp.relay import messages
from webapp.relay.messages import ErrorCode

_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """`kind` is for the count; `json` None means that the current status was asked for."""

    kind: str
    json: bytes | None


class Allowance:
    """So many messages in any minute that begins with a message."""

    __slots__ = ("_begun_at", "_count", "_per_minute")

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._begun_at = now
        self._count = 0

    def take(self, now: float) -> bool:
        """Count one; False when it is one too many."""
        if now - self._begun_at >= _MINUTE_SECONDS:
            self._begun_at, self._count = now, 0
        self._count += 1
        return self._count <= self._per_minute


def reply_to(text: bytes) -> Reply:
    """A client's mistake is answered, and the socket stays."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Reply("other", messages.error(ErrorCode.BAD_JSON))
    if not isinstance(content, dict):
        return Reply("other", messages.error(ErrorCode.NOT_AN_OBJECT))
    match content.get("type"):
        case "ping":
            return Reply("ping", messages.pong(content.get("timestamp")))
        case "status_request":
            return Reply("status_request", None)
        case _:
            return Reply("other", messages.error(ErrorCode.UNKNOWN_TYPE))
