"""Streams without an event log behind them: whoever appends gives the numbers, and what Redis has lost is lost.

For tests of what reads streams. A history that is lost begins anew under another epoch, as after a restored database.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from streams import NOWHERE, EventBatch, Page, Position, StoredEvent, StreamPolicy, Streams, covers, encode_body

_epochs = itertools.count(int(time.time()))


class NumberedStreams:
    """An `EventHistory` that also writes."""

    def __init__(self, redis_client: Any, *, max_length: int = 1000) -> None:
        self.streams = Streams(redis_client)
        self._policy = StreamPolicy(max_length=max_length)

    def append(self, subject: str, bodies: Sequence[Mapping[str, Any]]) -> list[Position]:
        at = self.position(subject)
        epoch = at.epoch or f"{next(_epochs):08x}00000000"
        batch = EventBatch(subject, epoch, at.seq + 1, [encode_body(body) for body in bodies])
        self.streams.append(batch, self._policy)
        return [Position(epoch, batch.first + number) for number in range(len(bodies))]

    def position(self, subject: str) -> Position:
        return self.streams.position(subject)

    def last(self, subject: str, count: int) -> list[StoredEvent]:
        return self.streams.read_after(subject, max(self.position(subject).seq - count, 0)).events

    def read_after(
        self, subject: str, seq: int, epoch: str | None = None, limit: int = 500, max_bytes: int = 1024 * 1024
    ) -> Page:
        page = self.streams.read_after(subject, seq, limit, max_bytes)
        is_fresh = page.position == NOWHERE and seq == 0 and not epoch
        if is_fresh or (covers(page, seq) and (not epoch or epoch == page.position.epoch)):
            return page
        return Page(page.position, [], gone=True)

    def find_end(self, subject: str) -> Position:
        return self.position(subject)

    def moved(self, places: Mapping[str, Position]) -> list[str]:
        return self.streams.moved(places)

    def forget(self, subject: str) -> None:
        self.streams.forget(subject)
