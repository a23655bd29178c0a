"""Carries committed events from the outbox to their streams, in order, together with the subject's Redis copy."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from ground.logs import get_logger
from models import OutboxEvent
from streams import NewEvent, Projection, Streams, StreamsUnavailable

log = get_logger(__name__)

Projector = Callable[[Session, str], Projection | None]


class Outbox:
    """The sender. Several may work on one subject at once: the row locks of DELETE put them in order.

    An event leaves its row only in the transaction that saw it appended. A crash in between sends it again, and the
    stream knows it by its `event_id`.
    """

    def __init__(self, sessions: sessionmaker[Session], streams: Streams, project: Projector) -> None:
        self._sessions = sessions
        self._streams = streams
        self._project = project

    def flush(self, subject: str) -> bool:
        """Append what waits for this subject. False when a store was unreachable: the rows stay for the sweep."""
        try:
            with self._sessions.begin() as session:
                rows = session.execute(
                    delete(OutboxEvent)
                    .where(OutboxEvent.subject == subject)
                    .returning(OutboxEvent.id, OutboxEvent.event_id, OutboxEvent.body)
                ).all()
                events = [NewEvent(str(row.event_id), row.body) for row in sorted(rows, key=lambda row: row.id)]
                self._streams.append(subject, events, self._project(session, subject))
        except (StreamsUnavailable, OperationalError) as exc:
            log.warning("outbox_not_flushed", subject=subject, error=type(exc).__name__)
            return False
        return True


def left_over(session: Session, before: datetime, limit: int) -> Sequence[str]:
    """Subjects with events that wait since before a moment: their sender died or a store was down."""
    query = (
        select(OutboxEvent.subject)
        .where(OutboxEvent.created_at < before)
        .group_by(OutboxEvent.subject)
        .order_by(OutboxEvent.subject)
        .limit(limit)
    )
    return session.execute(query).scalars().all()
