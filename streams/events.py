"""The values that go into a stream and come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from streams.errors import InvalidEventError

_NUMBERED = ("seq", "epoch")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: the number of the last event seen, and the history it belongs to.

    The epoch is "" as long as the stream does not exist; whoever stands at ("", 0) has missed nothing when
    the first event of a new epoch arrives.
    """

    epoch: str
    seq: int


NOWHERE = Position("", 0)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be appended. The same `event_id` again changes nothing and tells the first number."""

    event_id: str
    body: dict[str, Any] = field(repr=False)

    def to_json(self) -> bytes:
        if any(name in self.body for name in _NUMBERED):
            raise InvalidEventError("seq and epoch are given by the stream")
        try:
            return orjson.dumps(self.body)
        except orjson.JSONEncodeError as exc:
            raise InvalidEventError("the body is no JSON") from exc


class StoredEvent:
    """A numbered event, kept as the JSON that goes over the wire: most readers never look inside."""

    __slots__ = ("_json", "epoch", "seq")

    def __init__(self, seq: int, epoch: str, json: bytes) -> None:
        self.seq = seq
        self.epoch = epoch
        self._json = json

    @classmethod
    def from_body(cls, seq: int, epoch: str, body: bytes) -> Self:
        head = b'{"seq":%d,"epoch":"%s"' % (seq, epoch.encode())
        return cls(seq, epoch, head + (b"}" if body == b"{}" else b"," + body[1:]))

    @classmethod
    def from_json(cls, json: bytes) -> Self:
        """Of the text that `append` publishes: it always begins with seq and epoch, in this order."""
        seq_end = json.index(b",")
        epoch_end = json.index(b'"', seq_end + 10)
        return cls(int(json[7:seq_end]), json[seq_end + 10 : epoch_end].decode(), json)

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq)

    @property
    def body(self) -> dict[str, Any]:
        fields: dict[str, Any] = orjson.loads(self._json)
        return {name: value for name, value in fields.items() if name not in _NUMBERED}

    def to_json(self) -> bytes:
        return self._json

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredEvent) and self._json == other._json

    def __hash__(self) -> int:
        return hash((self.epoch, self.seq))

    def __repr__(self) -> str:
        return f"StoredEvent(seq={self.seq}, epoch={self.epoch!r})"


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a place. `position` is the end of the stream, which may lie beyond the last event given.

    gone: what came after the place wanted cannot be told any more; start anew from `position`.
    """

    position: Position
    events: list[StoredEvent]
    gone: bool = False

    @property
    def complete(self) -> bool:
        return self.gone or not self.events or self.events[-1].seq >= self.position.seq


@dataclass(frozen=True, slots=True)
class Projection:
    """A Redis hash that follows the stream, replaced as a whole in the step that appends.

    Not written when the hash already holds a higher `revision`. The key must hash to the subject's cluster
    slot: it is the subject itself, or carries it in braces.
    """

    key: str
    revision: int
    fields: Mapping[str, str] = field(repr=False)
    ttl_seconds: int
