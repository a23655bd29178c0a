"""The unit of work: one transaction, opened and closed by an edge, and what may leave only after its commit.

Events go into the outbox in the transaction and to their streams after it; tasks are sent after it. Both are hints that
a sweep repeats: a process that dies between the commit and the sending loses nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session, sessionmaker

from models import OutboxEvent


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
    subjects: dict[str, None] = field(default_factory=dict)
    calls: list[TaskCall] = field(default_factory=list)

    def emit(self, subject: str, body: dict[str, Any]) -> None:
        """Put one event into the outbox; it gets its number when it reaches the stream."""
        self.session.add(OutboxEvent(subject=subject, event_id=uuid4(), body=body))
        self.subjects[subject] = None

    def touch(self, subject: str) -> None:
        """Have the subject's Redis copy renewed after the commit, also when no event was emitted."""
        self.subjects[subject] = None

    def send(self, name: str, about: str, request_id: str) -> None:
        self.calls.append(TaskCall(name, about, request_id))


class UnitOfWork:
    """Opens units. `flush` appends a subject's outbox to its stream, `send` hands a task to the broker.

    Neither may raise: what they could not do, a sweep does later.
    """

    def __init__(
        self, sessions: sessionmaker[Session], flush: Callable[[str], object], send: Callable[[TaskCall], object]
    ) -> None:
        self.sessions = sessions
        self._flush = flush
        self._send = send

    @contextmanager
    def __call__(self) -> Iterator[Work]:
        with self.sessions.begin() as session:
            work = Work(session)
            yield work
        for subject in work.subjects:
            self._flush(subject)
        for call in work.calls:
            self._send(call)
