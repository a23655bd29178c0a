"""What one process knows of one stream: where it stands, and who follows it. Guarded by the hub's lock."""

import sys
from dataclasses import dataclass
from typing import Protocol

from streams import Page, Position, StoredEvent
from webapp.relay.frames import Opcode, encode_frame


class ClosingSource(Protocol):
    """A class of sources, which says for all their readers whether an event is the last."""

    def close_code_for(self, event: StoredEvent) -> int | None: ...


class TimedSource(Protocol):
    """The same, which says when what an event tells was received."""

    def received_at(self, event: StoredEvent) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Resync:
    """The reader's position is gone: it starts anew from `position`, with the current state, or with whatever is still
    held after it."""

    position: Position
    size = 0
    appended_at = None


_UNREAD = -1.0


class Outgoing:
    """An event on its way to many readers: what is made or read of it is so once for all."""

    __slots__ = ("_close_code", "_decided_by", "_received_at", "appended_at", "event", "frame", "size")

    def __init__(self, event: StoredEvent, appended_at: float | None = None) -> None:
        json = event.to_json()
        self.event = event
        self.appended_at = appended_at
        self.size = len(json)
        self.frame = encode_frame(Opcode.TEXT, json)
        self._decided_by: ClosingSource | None = None
        self._close_code: int | None = None
        self._received_at: float | None = _UNREAD

    def close_code_for(self, source: ClosingSource) -> int | None:
        """Asked again only where readers of one stream have sources of different classes."""
        if source is not self._decided_by:
            self._decided_by, self._close_code = source, source.close_code_for(self.event)
        return self._close_code

    def received_at(self, source: TimedSource) -> float | None:
        """As the source says; all that serve one stream say the same."""
        if self._received_at == _UNREAD:
            self._received_at = source.received_at(self.event)
        return self._received_at


class LiveReader(Protocol):
    """A subscription, as far as its channel is concerned. Whoever it adds to `woken` is woken without the lock."""

    @property
    def position(self) -> Position: ...
    def push(self, item: Outgoing | Resync, size: int, woken: "list[LiveReader]") -> None: ...
    def restart(self, page: Page, woken: "list[LiveReader]") -> None: ...
    def wake(self) -> None: ...


class Channel:
    """`position` is the last event every live reader has been given; None until the first reader has caught up.

    It is kept in its parts, and made when asked for: else one more object would be made for every event.
    `version` grows with every message received: a reader that read the stream while it did not change has read its
    end.
    """

    __slots__ = ("_epoch", "_seq", "live", "name", "readers", "subject", "version")

    def __init__(self, subject: str, name: bytes) -> None:
        self.subject = subject
        self.name = name
        self._epoch: str | None = None
        self._seq = 0
        self.version = 0
        self.live: list[LiveReader] = []
        self.readers = 0

    @property
    def position(self) -> Position | None:
        return None if self._epoch is None else Position(self._epoch, self._seq)

    def deliver(self, outgoing: Outgoing, woken: list[LiveReader]) -> bool:
        """Give the next event to all live readers; False when one before it is missing."""
        self.version += 1
        return self._advance(outgoing, woken)

    def restart(self, page: Page, woken: list[LiveReader]) -> None:
        """The history was lost or left behind: everybody starts anew."""
        self.version += 1
        self._move_to(page.position)
        for reader in self.live:
            reader.restart(page, woken)

    def absorb(self, page: Page, woken: list[LiveReader]) -> None:
        """What one reader has read, the others may have missed."""
        for event in page.events:
            self._advance(Outgoing(event), woken)

    def join(self, reader: LiveReader, page: Page, version: int, woken: list[LiveReader]) -> bool:
        """Make a reader live that has read to the end of the stream and stands where all others stand.

        `version` is that of before the read. False: recover the channel, and let the reader read on.
        """
        if self.position is None and self.version == version:
            self._move_to(reader.position)
        elif not page.gone:
            self.absorb(page, woken)
        if self.position != reader.position:
            return False
        self.live.append(reader)
        return True

    def leave(self, reader: LiveReader) -> None:
        """A list of its own, since whoever gives an event to all may be walking over the old one."""
        self.live = [other for other in self.live if other is not reader]

    def _move_to(self, position: Position) -> None:
        self._epoch = sys.intern(position.epoch)  # one string, however many streams of the database are followed
        self._seq = position.seq

    def _advance(self, outgoing: Outgoing, woken: list[LiveReader]) -> bool:
        event, seq = outgoing.event, outgoing.event.seq
        if self._epoch is None:
            return True  # whoever is catching up will read it from the stream
        if event.epoch != self._epoch:
            if self._epoch or self._seq or seq != 1:  # a stream that was not begins with its first event
                return False
            self._move_to(event.position)
        elif seq != self._seq + 1:
            return seq <= self._seq
        self._seq = seq
        for reader in self.live:
            reader.push(outgoing, outgoing.size, woken)
        return True
