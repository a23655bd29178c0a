"""What a client may say, and what it is answered: decided here, done by the socket."""

from dataclasses import dataclass

import orjson

from webapp.relay import messages
from webapp.relay.frames import Opcode
from webapp.relay.limits import Limits
from webapp.relay.messages import ErrorCode

_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """`kind` is for the count; `json` None means that the current status was asked for."""

    kind: str
    json: bytes | None


class Allowance:
    """So many in any minute that begins with one."""

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


class Intake:
    """How much one client may say. A pong that answers our ping is free, so who only behaves meets no bound.

    Most clients never say anything, and need no count.
    """

    __slots__ = ("_awaited_pongs", "_controls", "_limits", "_messages")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages: Allowance | None = None
        self._controls: Allowance | None = None
        self._awaited_pongs = 0

    def await_pong(self) -> None:
        self._awaited_pongs += 1

    def refuses(self, opcode: Opcode | None, now: float) -> str | None:
        """Count a frame (a fragment has no opcode); the reason to end the connection, if it is one too many."""
        if opcode is Opcode.PONG and self._awaited_pongs:
            self._awaited_pongs -= 1
            return None
        if opcode in {Opcode.PING, Opcode.PONG}:
            self._controls = self._controls or Allowance(self._limits.controls_per_minute, now)
            return None if self._controls.take(now) else "too many control frames"
        self._messages = self._messages or Allowance(self._limits.messages_per_minute, now)
        return None if self._messages.take(now) else "too many messages"


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
