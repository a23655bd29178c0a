"""The values that go into a stream and come out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from streams.errors import InvalidEventError

_NUMBERED = ("seq", "epoch")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: the number of the last event seen, and the history it belongs to.

    The epoch is "" where nobody has said which history is meant; the number alone is believed then.
    """

    epoch: str
    seq: int


NOWHERE = Position("", 0)


def encode_body(body: Mapping[str, Any]) -> bytes:
    """An event's body as it is kept and sent, `seq` and `epoch` apart. Raises InvalidEventError."""
    if any(name in body for name in _NUMBERED):
        raise InvalidEventError("seq and epoch are given by the event log")
    try:
        return orjson.dumps(body)
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
        """Of what `from_body` made: it always begins with seq and epoch, in this order."""
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
class EventBatch:
    """Events of one subject that follow each other, numbered from `first` on."""

    subject: str
    epoch: str
    first: int
    bodies: Sequence[bytes] = field(repr=False)

    @property
    def last(self) -> int:
        return self.first + len(self.bodies) - 1

    def to_events(self) -> list[StoredEvent]:
        return [StoredEvent.from_body(self.first + n, self.epoch, body) for n, body in enumerate(self.bodies)]


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a place. `position` is the end of the history, which may lie beyond the last event given.

    gone: what came after the place wanted cannot be told any more; start anew from `position`, or, who wants whatever
    is still held, after the number `held_after`.
    """

    position: Position
    events: list[StoredEvent]
    gone: bool = False
    held_after: int | None = None

    @property
    def complete(self) -> bool:
        return self.gone or not self.events or self.events[-1].seq >= self.position.seq


@dataclass(frozen=True, slots=True)
class Projection:
    """A Redis hash that follows the stream, replaced as a whole in the step that appends.

    Not written when the hash already holds a higher `revision`. The key is the subject itself.
    """

    key: str
    revision: int
    fields: Mapping[str, str] = field(repr=False)
    ttl_seconds: int
