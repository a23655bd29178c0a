"""What a client may send, how much of it, and what it is answered: decided here, done by the socket."""

from dataclasses import dataclass

import orjson

from webapp.relay import messages
from webapp.relay.frames import Opcode
from webapp.relay.limits import RelayLimits
from webapp.relay.messages import ErrorCode

_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ClientReply:
    """`kind` is for the count; `json` None means that the current status was asked for."""

    kind: str
    json: bytes | None


class FixedWindow:
    """A fixed window of a minute that begins with the first one counted."""

    __slots__ = ("_count", "_per_minute", "_started_at")

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._started_at = now
        self._count = 0

    def take(self, now: float) -> bool:
        """Count one; False when it is one too many."""
        if now - self._started_at >= _MINUTE_SECONDS:
            self._started_at, self._count = now, 0
        self._count += 1
        return self._count <= self._per_minute


class InboundLimiter:
    """Rate limits of one client. A pong that answers our ping is free: who only answers meets no limit.

    Most clients never send anything, and need no window.
    """

    __slots__ = ("_awaited_pongs", "_control_window", "_limits", "_message_window")

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._message_window: FixedWindow | None = None
        self._control_window: FixedWindow | None = None
        self._awaited_pongs = 0

    def await_pong(self) -> None:
        self._awaited_pongs += 1

    def reject_reason(self, opcode: Opcode | None, now: float) -> str | None:
        """Count a frame (a fragment has no opcode); the reason to end the connection, if it is one too many."""
        if opcode is Opcode.PONG and self._awaited_pongs:
            self._awaited_pongs -= 1
            return None
        if opcode in {Opcode.PING, Opcode.PONG}:
            self._control_window = self._control_window or FixedWindow(self._limits.controls_per_minute, now)
            return None if self._control_window.take(now) else "too many control frames"
        self._message_window = self._message_window or FixedWindow(self._limits.messages_per_minute, now)
        return None if self._message_window.take(now) else "too many messages"


def reply_to(text: bytes) -> ClientReply:
    """A client's mistake is answered, and the socket stays."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ClientReply("other", messages.error(ErrorCode.BAD_JSON))
    if not isinstance(content, dict):
        return ClientReply("other", messages.error(ErrorCode.NOT_AN_OBJECT))
    match content.get("type"):
        case "ping":
            return ClientReply("ping", messages.pong(content.get("timestamp")))
        case "status_request":
            return ClientReply("status_request", None)
        case _:
            return ClientReply("other", messages.error(ErrorCode.UNKNOWN_TYPE))
