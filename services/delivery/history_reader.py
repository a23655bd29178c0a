"""Reads a subject's events after a place: from Redis what Redis can vouch for, everything else from the event log.

So a Redis that was emptied, trimmed, or came back with older data costs a reader a query and no event, and nobody is
told to start anew but for what is older than the log keeps, or of another epoch.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from services.batched_lookup import BatchedLookup
from services.database import STORE_AWAY
from services.delivery.event_log import read_batch, read_ends, read_epoch
from services.delivery.kinds import SubjectKind, SubjectKinds
from streams import NOWHERE, Page, Position, StoredEvent, Streams, StreamsUnavailable, covers

log = get_logger(__name__)

# A new epoch is an operator's act after a restore; everybody knows of it so soon.
_EPOCH_SECONDS = 1.0


class HistoryReader:
    """Every method may block on either store, and raises StreamsUnavailable when neither could tell."""

    def __init__(self, sessions: sessionmaker[Session], streams: Streams, kinds: SubjectKinds) -> None:
        self._sessions = sessions
        self._streams = streams
        self._kinds = kinds
        self._epoch = ("", -_EPOCH_SECONDS)
        # A crowd that comes back asks all at once, and most of it has missed nothing.
        self._known_ends = BatchedLookup(self._ends)

    def read_after(
        self, subject: str, seq: int, epoch: str | None = None, limit: int = 500, max_bytes: int = 1024 * 1024
    ) -> Page:
        """The next events after `seq`, at most `limit` and about `max_bytes`, at least one if there is any. Without an
        epoch the number alone is believed."""
        with _translated():
            return self._read_after(subject, seq, epoch, limit, max_bytes)

    def _read_after(self, subject: str, seq: int, epoch: str | None, limit: int, max_bytes: int) -> Page:
        current = self._read_epoch()
        if epoch and epoch != current:
            current = self._renew_epoch()  # the reader may have heard of a new one before us
        if epoch and epoch != current:
            return self._gone(subject)
        try:
            page = self._streams.read_after(subject, seq, limit, max_bytes)
        except StreamsUnavailable:
            page = Page(NOWHERE, [])
        if page.position.epoch == current and covers(page, seq) and self._is_held(page, subject, seq):
            return page
        return self._read_log(subject, Position(epoch or "", seq), limit, max_bytes)

    def _is_held(self, page: Page, subject: str, seq: int) -> bool:
        """Asked after Redis has answered: it may not have forgotten yet what the log has let go."""
        kind = self._kinds.of(subject)
        if kind.log is None or not page.events:
            return True
        with self._sessions() as session:
            return seq >= kind.log.held_after(session, kind.key_of(subject))

    def find_end(self, subject: str) -> Position:
        """Where the subject stands: no event is read for it, and of a crowd that asks at once none asks alone."""
        with _translated():
            current = self._read_epoch()
            with suppress(StreamsUnavailable):
                at = self._streams.position(subject)
                if at.epoch == current:
                    return at
            return Position(current, self._known_ends.find(subject) or 0)

    def moved(self, places: Mapping[str, Position]) -> list[str]:
        """The subjects, of many at once, that have gone on from where they are believed to be, or are of another epoch.

        Only where Redis knows less than the caller is the database asked: then Redis has lost something, or never had
        it.
        """
        with _translated():
            return self._moved(places)

    def _moved(self, places: Mapping[str, Position]) -> list[str]:
        current = self._read_epoch()
        differing = self._streams.moved(places)
        ends = dict(zip(differing, self._streams.positions(differing), strict=True)) if differing else {}
        moved = {subject for subject, at in places.items() if at.epoch not in {"", current}}
        unsure = []
        for subject, end in ends.items():
            if end.epoch == current and end.seq > places[subject].seq:
                moved.add(subject)
            else:
                unsure.append(subject)
        return [*moved, *(subject for subject, seq in self._ends(unsure).items() if seq != places[subject].seq)]

    def _ends(self, subjects: Sequence[str]) -> dict[str, int]:
        ends: dict[str, int] = {}
        by_kind: dict[str, list[str]] = {}
        for subject in subjects:
            by_kind.setdefault(self._kinds.of(subject).prefix, []).append(subject)
        for group in by_kind.values():
            with self._sessions() as session:
                ends |= read_ends(session, self._kinds.of(group[0]), group)
        return ends

    def _read_log(self, subject: str, after: Position, limit: int, max_bytes: int) -> Page:
        seq = after.seq
        if self._known_ends.find(subject) == seq and after.epoch in {"", current := self._read_epoch()}:
            return Page(Position(current, seq), [])
        kind = self._kinds.of(subject)
        with self._sessions() as session:
            epoch = read_epoch(session)
            end = Position(epoch, read_ends(session, kind, [subject])[subject])
            at = Position(epoch, seq)
            batch = read_batch(session, kind, subject, at, limit, max_bytes=max_bytes) if seq < end.seq else None
            held_after = _held_after(session, kind, subject)
        # The epoch that was believed so far may be over since: its numbers say nothing of this one's, also where they
        # are the same.
        is_other_life = after.epoch not in {"", epoch}
        if seq == end.seq and not is_other_life:
            return Page(end, [])
        if is_other_life or batch is None or batch.first != seq + 1 or seq < (held_after or 0):
            return Page(end, [], gone=True, held_after=held_after)
        # The batch was read after the end: what was committed in between lies beyond it, and a reader that went on from
        # that end would be given it twice.
        return Page(Position(epoch, max(end.seq, batch.last)), _within(batch.to_events(), max_bytes))

    def _gone(self, subject: str) -> Page:
        kind = self._kinds.of(subject)
        with self._sessions() as session:
            end = Position(read_epoch(session), read_ends(session, kind, [subject])[subject])
            return Page(end, [], gone=True, held_after=_held_after(session, kind, subject))

    def _read_epoch(self) -> str:
        epoch, read_at = self._epoch
        return self._renew_epoch() if time.monotonic() - read_at >= _EPOCH_SECONDS else epoch

    def _renew_epoch(self) -> str:
        with self._sessions() as session:
            epoch = read_epoch(session)
        self._epoch = (epoch, time.monotonic())
        return epoch


@contextmanager
def _translated() -> Iterator[None]:
    """To a reader it is all the same which store is away."""
    try:
        yield
    except STORE_AWAY as exc:
        raise StreamsUnavailable(f"event log: {type(exc).__name__}") from exc


def _held_after(session: Session, kind: SubjectKind, subject: str) -> int | None:
    """Where that can be told: the common log is dropped by age, whole days at a time."""
    return kind.log.held_after(session, kind.key_of(subject)) if kind.log is not None else None


def _within(events: list[StoredEvent], max_bytes: int) -> list[StoredEvent]:
    size = 0
    for number, event in enumerate(events):
        size += len(event.to_json())
        if number and size > max_bytes:
            return events[:number]
    return events
