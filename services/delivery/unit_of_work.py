"""The unit of work: one transaction, opened and closed by an edge, and what may leave only after its commit.

Events are numbered and logged in the transaction and appended to their streams after it; tasks are sent after it. Both
are repeated by a sweep: a process that dies between the commit and the sending loses nothing. That rights have ended is
said after it, too; who does not hear of it looks at every reader's right within a minute.

Numbers are given at the end of the unit, under their subjects' locks: their order is that of the commits. Who tells a
picture that was read before, and holds no row that guards it, asks `event_log.lock_shared_ends` first.

Order of locks: the idempotency key, the domain's rows in its own order, then the subjects of the events by name.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from services.delivery.event_log import number_events
from services.delivery.kinds import SubjectKinds
from streams import EventBatch, InvalidEventError, Position, Projection, encode_body

# A store that did not answer for so long hangs, and is waited for once only by whoever has committed.
_HANGS_AFTER_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True)
class TaskCall:
    """A task to send: its name, the id of what it is about (a session, a file), and the request it stems from."""

    name: str
    about: str
    request_id: str


@dataclass(frozen=True)
class Delivery:
    """What a committed unit has for one subject."""

    subject: str
    batches: tuple[EventBatch, ...]
    projection: Projection | None


@dataclass
class Work:
    """What one unit does: rows through `session`, events through `emit`, tasks through `send`."""

    session: Session
    kinds: SubjectKinds
    _pending: dict[str, list[bytes]] = field(default_factory=dict)
    _batches: dict[str, list[EventBatch]] = field(default_factory=dict)
    _projected: dict[str, object] = field(default_factory=dict)
    calls: list[TaskCall] = field(default_factory=list)
    ended_rights: list[str] = field(default_factory=list)
    ended_logins: list[str] = field(default_factory=list)
    woken: dict[str, None] = field(default_factory=dict)

    def emit(self, subject: str, body: dict[str, Any]) -> None:
        """Tell one event of a subject. It gets its number before the commit. Raises InvalidEventError."""
        encoded, kind = encode_body(body), self.kinds.of(subject)
        if kind.log is not None:
            raise InvalidEventError("events of this kind are numbered by their own domain")
        if len(encoded) > kind.event_max_bytes:  # every reader has to hold it
            raise InvalidEventError("the body is above the limit of its kind")
        self._pending.setdefault(subject, []).append(encoded)
        if kind.follower is not None:
            kind.follower(self, subject, body)

    def refresh_projection(self, subject: str, row: object = None) -> None:
        """Have the subject's Redis hash replaced after the commit, also when no event was emitted. `row` is what it is
        made of, when this unit has written it; without it, it is read at the end of the transaction."""
        self._projected[subject] = row or self._projected.get(subject)

    def send(self, name: str, about: str, request_id: str) -> None:
        """Send a task after the commit."""
        self.calls.append(TaskCall(name, about, request_id))

    def reauthorize(self, subject: str) -> None:
        """This unit takes rights to the subject away: have all its readers looked at again after the commit."""
        self.ended_rights.append(subject)

    def end_login(self, sid: UUID) -> None:
        """This unit takes a login back: have its readers looked at again, on every process, after the commit."""
        self.ended_logins.append(str(sid))

    def wake(self, name: str) -> None:
        """This unit changes what a process follows by its own clock: have it look now, after the commit."""
        self.woken[name] = None

    def take_pending(self, subject: str) -> list[bytes]:
        """The bodies that still need numbers, for a statement that numbers them itself; `note_numbered` must follow."""
        return self._pending.pop(subject, [])

    def note_numbered(self, batch: EventBatch) -> None:
        """These events are logged; what is left is to append them to their stream."""
        if batch.bodies:
            self._batches.setdefault(batch.subject, []).append(batch)

    def number_events(self) -> None:
        """Number what was emitted so far, in the order of subjects: two units never wait for each other."""
        for subject in sorted(self._pending):
            kind = self.kinds.of(subject)
            self.note_numbered(number_events(self.session, kind, subject, self._pending[subject]))
        self._pending.clear()

    def position(self, subject: str) -> Position | None:
        """Where the subject stands with the events of this unit, to go with a snapshot that is read in it; None when
        it has none."""
        self.number_events()
        batches = self._batches.get(subject)
        return Position(batches[-1].epoch, batches[-1].last) if batches else None

    def deliveries(self) -> list[Delivery]:
        """Number the rest, and gather what leaves after the commit."""
        self.session.flush()
        self.number_events()
        subjects = dict.fromkeys((*self._batches, *self._projected))
        return [Delivery(one, tuple(self._batches.get(one, ())), self._project(one)) for one in subjects]

    def _project(self, subject: str) -> Projection | None:
        if subject not in self._projected:
            return None
        kind, row = self.kinds.of(subject), self._projected[subject]
        if row is not None and kind.project_row is not None:
            return kind.project_row(row)
        return kind.project(self.session, subject)


class UnitOfWork:
    """Opens units. `deliver` appends a subject's events to its stream, `send` hands a task to the broker, `reauthorize`
    and `end_login` tell all web processes whose readers to look at again: a subject's, or a login's. `wake` has whoever
    follows by their own clock look now.

    None may raise: the commit is done, and what they could not do is made up for later. It is told by False when the
    store that is handed something was away, and by None when another was that is needed for it.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        kinds: SubjectKinds,
        deliver: Callable[[Delivery], object],
        send: Callable[[TaskCall], object],
        reauthorize: Callable[[str], object],
        end_login: Callable[[str], object],
        wake: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.sessions = sessions
        self._kinds = kinds
        self._deliver = deliver
        self._send = send
        self._reauthorize = reauthorize
        self._end_login = end_login
        self._wake = wake

    @contextmanager
    def __call__(self) -> Iterator[Work]:
        with self.sessions.begin() as session:
            session.connection()  # now, so that whoever asks for the time within goes by the database's clock
            work = Work(session, self._kinds)
            yield work
            deliveries = work.deliveries()
        redis, broker = _CircuitBreaker(), _CircuitBreaker()
        redis.hand_over(self._deliver, deliveries)
        broker.hand_over(self._send, work.calls)
        redis.hand_over(self._reauthorize, work.ended_rights)
        redis.hand_over(self._end_login, work.ended_logins)
        redis.hand_over(self._wake, work.woken)

    @contextmanager
    def reading(self) -> Iterator[Work]:
        """A unit that only reads, and all of it as of one moment. It can write nothing, and nothing leaves after it."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.sessions.begin() as session:
            session.connection(execution_options=options)
            yield Work(session, self._kinds)


class _CircuitBreaker:
    """Of one store, for one unit: opens when the store turns out to hang, and tells it nothing more of what was
    committed. Whoever waits for the unit would wait as often as there is something to tell.

    Where another store hangs, only the rest of these things is left: the next ones may do without that store."""

    def __init__(self) -> None:
        self._is_open = False

    def hand_over(self, tell: Callable[[T], object], things: Iterable[T]) -> None:
        for thing in things:
            if self._is_open:
                return
            began = time.monotonic()
            answer = tell(thing)
            has_hung = time.monotonic() - began >= _HANGS_AFTER_SECONDS
            self._is_open = has_hung and answer is False
            if has_hung and answer is None:
                return
