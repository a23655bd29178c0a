"""The unit of work: one transaction, opened and closed by an edge, and what may leave only after its commit.

Events go into the outbox in the transaction and to their streams after it; tasks are sent after it. Both are hints that
a sweep repeats: a process that dies between the commit and the sending loses nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from services.delivery.outbox import Delivery, write_events


@dataclass(frozen=True)
class TaskCall:
    """A task to send: its name, the id of what it is about (a session, a file), and the request it stems from."""

    name: str
    about: str
    request_id: str


@dataclass
class Work:
    """What one unit does: rows through `session`, events through `emit`, tasks through `send`."""

    session: Session
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    calls: list[TaskCall] = field(default_factory=list)

    def emit(self, subject: str, body: dict[str, Any]) -> None:
        """Put one event into the outbox; it gets its number when it reaches the stream."""
        self._delivery(subject).add(body)

    def touch(self, subject: str, row: object = None) -> None:
        """Have the subject's Redis copy renewed after the commit, also when no event was emitted. `row` is what it is
        made of, when this unit holds its lock; without it, it is read again."""
        delivery = self._delivery(subject)
        delivery.row = row or delivery.row

    def send(self, name: str, session_id: str, request_id: str) -> None:
        self.calls.append(TaskCall(name, session_id, request_id))

    def _delivery(self, subject: str) -> Delivery:
        return self.deliveries.setdefault(subject, Delivery(subject))


class UnitOfWork:
    """Opens units. `deliver` appends a subject's events to its stream, `send` hands a task to the broker.

    Neither may raise: what they could not do, a sweep does later.
    """

    def __init__(
        self, sessions: sessionmaker[Session], deliver: Callable[[Delivery], object], send: Callable[[TaskCall], object]
    ) -> None:
        self.sessions = sessions
        self._deliver = deliver
        self._send = send

    @contextmanager
    def __call__(self) -> Iterator[Work]:
        with self.sessions.begin() as session:
            work = Work(session)
            yield work
            for delivery in work.deliveries.values():
                write_events(session, delivery)
        for delivery in work.deliveries.values():
            self._deliver(delivery)
        for call in work.calls:
            self._send(call)
