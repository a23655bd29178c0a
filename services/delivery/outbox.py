"""Carries committed events from the outbox to their streams, in order, together with the subject's Redis copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from models.delivery import OutboxEvent
from streams import NewEvent, Overtaken, Projection, Streams, StreamsUnavailable

log = get_logger(__name__)

Projector = Callable[[Session, str], Projection | None]
RowProjector = Callable[[Any], Projection]

# `follows` sees what others committed before, as the statement begins, and never the rows that it writes itself.
_WRITE = text("""
    insert into welno.welno_outbox (subject, event_id, body)
    select :subject, event_id, body
    from unnest(cast(:event_ids as uuid[]), cast(:bodies as jsonb[])) with ordinality as new (event_id, body, place)
    order by place
    returning id, exists (select from welno.welno_outbox where subject = :subject) as follows
""")
# Without waiting for the disk: rows that a crash brings back are sent again, and known by their event_id.
_FORGET = text("""
    delete from welno.welno_outbox
    where id = any(:ids) and (select set_config('synchronous_commit', 'off', true)) is not null
""")


@dataclass
class Delivery:
    """What one unit of work has for one subject. `follows` says that other events of it wait before these."""

    subject: str
    events: list[NewEvent] = field(default_factory=list)
    row: object = None
    ids: list[int] = field(default_factory=list)
    follows: bool = False

    def add(self, body: dict[str, Any]) -> None:
        self.events.append(NewEvent(str(uuid4()), body))


def write_events(session: Session, delivery: Delivery) -> None:
    """Put a unit's events into the outbox. Whoever emits holds a lock of the subject, so nothing comes in between."""
    if not delivery.events:
        return
    rows = (
        session.connection()
        .execute(
            _WRITE,
            {
                "subject": delivery.subject,
                "event_ids": [event.event_id for event in delivery.events],
                "bodies": [orjson.dumps(event.body).decode() for event in delivery.events],
            },
        )
        .all()
    )
    delivery.ids = [row.id for row in rows]
    delivery.follows = any(row.follows for row in rows)


class Outbox:
    """The sender. Several may work on one subject at once and keep its order: what nothing waits before is sent as it
    is; else the row locks of DELETE put the senders in order.

    An event leaves its row only after it was seen appended. A crash in between sends it again, and the stream knows it
    by its `event_id`.
    """

    def __init__(
        self, sessions: sessionmaker[Session], streams: Streams, project: Projector, project_row: RowProjector
    ) -> None:
        self._sessions = sessions
        self._streams = streams
        self._project = project
        self._project_row = project_row
        self._autocommit = sessions.kw["bind"].execution_options(isolation_level="AUTOCOMMIT")

    def deliver(self, delivery: Delivery) -> bool:
        """Append what a unit has just committed, from memory where its order is known.

        Between the commit and the append this process may have stood still, for so long that a sweep has sent these
        events, and others after them: then the outbox alone knows what is left to send.
        """
        if delivery.follows or delivery.row is None:
            return self.flush(delivery.subject)
        try:
            copy = self._project_row(delivery.row)
            self._streams.append(delivery.subject, delivery.events, copy, only_as_newest=True)
            if delivery.ids:
                self._forget(delivery.ids)
        except Overtaken:
            return self.flush(delivery.subject)
        except (StreamsUnavailable, OperationalError) as exc:
            log.warning("outbox_not_flushed", subject=delivery.subject, error=type(exc).__name__)
            return False
        return True

    def _forget(self, ids: list[int]) -> None:
        with self._autocommit.connect() as connection:
            connection.execute(_FORGET, {"ids": ids})

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
