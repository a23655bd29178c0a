"""The journey's streams for the relay: their greetings, who may go on reading, what may be commanded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streams import Position
from webapp.api.journey.live.authority import DisplayRight, JourneyAuthority, JourneyRight, LoginRight
from webapp.relay.stream_source import Command, StreamSource

OF_ONE_PERSON, OF_A_WARD = 20, 500
Greet = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LiveStream:
    """One stream for one reader. `greet` makes the frame that tells the present state; it may block."""

    subject: str
    right: JourneyRight
    max_readers: int
    greet: Greet
    commands: Mapping[str, Command]


class JourneySource(StreamSource):
    """Of any of the journey's streams."""

    __slots__ = ("_authority", "_stream")

    def __init__(self, authority: JourneyAuthority, stream: LiveStream) -> None:
        self._authority = authority
        self._stream = stream

    @property
    def subject(self) -> str:
        return self._stream.subject

    @property
    def max_readers(self) -> int:
        return self._stream.max_readers

    @property
    def right(self) -> JourneyRight:
        return self._stream.right

    @property
    def authority(self) -> JourneyAuthority:
        return self._authority

    def greeting(self, end: Position) -> list[bytes]:
        """Read after the subscription has begun: what came in between is in both, and its number says so."""
        del end
        return [orjson.dumps(self._stream.greet())]

    def resync(self, position: Position) -> bytes:
        """The greeting again, which tells its own place."""
        del position
        return orjson.dumps(self._stream.greet())

    def command(self, name: str) -> Command | None:
        return self._stream.commands.get(name)

    def is_concerned(self, notices: frozenset[str]) -> bool:
        right = self._stream.right
        if isinstance(right, LoginRight) and f"sid:{right.sid}" in notices:
            return True
        return isinstance(right, DisplayRight) and super().is_concerned(notices)
