"""What a client may say, and what it is answered: decided here, done by the socket."""

from dataclasses import dataclass

import orjson

from webapp.relay import messages
from webapp.relay.messages import ErrorCode


@dataclass(frozen=True, slots=True)
class Reply:
    """`kind` is for the count; `json` None means that the current status was asked for."""

    kind: str
    json: bytes | None


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
