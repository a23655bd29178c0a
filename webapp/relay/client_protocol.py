"""What a client may send, and how much of it: decided here, done by its connection."""

from typing import Any

import orjson

from core.settings import RelaySettings
from webapp.json_reader import DEPTH_MAX, is_too_deep
from webapp.relay.frames import Opcode
from webapp.relay.messages import ErrorCode

_MINUTE_SECONDS = 60
# It is echoed: whatever may stand in a `timestamp` must not come back larger than what we may send.
PING_MAX_BYTES = 1024


class ClientMistakeError(Exception):
    """The client is told, and its socket stays."""

    retryable = False

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code)
        self.code = code


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
    """Rate limits of one client, save pongs that answer our pings: those are free.

    Most clients send nothing but these, and need none.
    """

    __slots__ = ("_control_window", "_message_window")

    def __init__(self, limits: RelaySettings, now: float) -> None:
        self._message_window = FixedWindow(limits.messages_per_minute, now)
        self._control_window = FixedWindow(limits.controls_per_minute, now)

    def reject_reason(self, opcode: Opcode | None, now: float) -> str | None:
        """Count a frame (a fragment has no opcode); the reason to end the connection, if it is one too many."""
        if opcode in {Opcode.PING, Opcode.PONG}:
            return None if self._control_window.take(now) else "too many control frames"
        return None if self._message_window.take(now) else "too many messages"


def parse_message(text: bytes) -> dict[str, Any]:
    """Raises ClientMistakeError."""
    # Counting first: nearly all are shallow, and most sockets send nothing but pings.
    if text.count(b"[") + text.count(b"{") > DEPTH_MAX and is_too_deep(text.decode()):
        raise ClientMistakeError(ErrorCode.BAD_JSON)
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise ClientMistakeError(ErrorCode.BAD_JSON) from exc
    if not isinstance(content, dict):
        raise ClientMistakeError(ErrorCode.NOT_AN_OBJECT)
    return content


def name_of(message: dict[str, Any]) -> str:
    """Its `type`, or else its `command`; "" when it has neither."""
    name = message.get("type") or message.get("command")
    return name if isinstance(name, str) else ""
