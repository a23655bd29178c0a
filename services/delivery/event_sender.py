"""Carries committed events from the log to their streams in Redis. May be repeated, come late, and run many times."""

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from services.delivery.event_log import read_batch, read_ends, read_epoch
from services.delivery.kinds import SubjectKinds
from services.delivery.unit_of_work import Delivery
from streams import EventBatch, Position, Streams, StreamsError

log = get_logger(__name__)

_PAGE_EVENTS = 100


class EventSender:
    """Appends what a unit has just committed; where Redis lacks what came before, fills the stream from the log."""

    def __init__(self, sessions: sessionmaker[Session], streams: Streams, kinds: SubjectKinds) -> None:
        self._sessions = sessions
        self._streams = streams
        self._kinds = kinds

    def deliver(self, delivery: Delivery) -> bool | None:
        """False when Redis was away, None when PostgreSQL was, where what came before these events is read: the sweep
        does it later."""
        try:
            if not self._append(delivery):
                self._fill(delivery.subject)
        except (StreamsError, SQLAlchemyError) as exc:
            log.warning("events_not_sent", subject=delivery.subject, error=type(exc).__name__)
            return False if isinstance(exc, StreamsError) else None
        return True

    def fill(self, subject: str) -> bool:
        """Bring the subject's stream and projection up to the log's end. False when a store was away."""
        try:
            self._fill(subject)
        except (StreamsError, SQLAlchemyError) as exc:
            log.warning("stream_not_filled", subject=subject, error=type(exc).__name__)
            return False
        return True

    def forget(self, subject: str) -> bool:
        """Have the subject's stream begun anew, after bodies in the log were replaced: until then readers are answered
        from the log. False when Redis was away."""
        try:
            self._streams.forget(subject)
        except StreamsError as exc:
            log.warning("stream_not_forgotten", subject=subject, error=type(exc).__name__)
            return False
        return True

    def _append(self, delivery: Delivery) -> bool:
        """False when the stream lacks events before these."""
        kind = self._kinds.of(delivery.subject)
        # A unit that numbered twice has two batches; the projection is of the end.
        batches = delivery.batches or (EventBatch(delivery.subject, "", 1, ()),)
        for number, batch in enumerate(batches, start=1):
            projection = delivery.projection if number == len(batches) else None
            end = self._streams.append(batch, kind.stream, projection)
            if end.epoch == batch.epoch and end.seq < batch.first - 1:
                return False
        return True

    def _fill(self, subject: str) -> None:
        kind = self._kinds.of(subject)
        with self._sessions() as session:
            epoch, end = read_epoch(session), read_ends(session, kind, [subject])[subject]
            known = self._streams.positions([subject])[0]
            at = known.seq if known.epoch == epoch else 0
            at = max(at, end - kind.stream.max_length)
            if kind.log is not None:
                at = max(at, kind.log.window_begin(session, kind.key_of(subject), kind.stream))
            while at < end:
                batch = read_batch(session, kind, subject, Position(epoch, at), _PAGE_EVENTS)
                if batch is None:
                    break
                # What the log has dropped, or Redis would drop at once, leaves a hole that nobody can fill.
                self._streams.append(batch, kind.stream, begin_anew=True)
                at = batch.last
            projection = kind.project(session, subject)
        if projection is not None:
            self._streams.append(EventBatch(subject, epoch, end + 1, ()), kind.stream, projection)
