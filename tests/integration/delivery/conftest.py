"""Two kinds of subjects that only these tests know, over a real PostgreSQL and a real Redis."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from core.clock import clock
from services.delivery.event_log import read_ends, read_epoch
from services.delivery.event_sender import EventSender
from services.delivery.event_sweep import StreamSweep
from services.delivery.history_reader import HistoryReader
from services.delivery.kinds import RowCounter, SharedCounter, SubjectKind, SubjectKinds
from services.delivery.partitions import keep_partitions
from services.delivery.unit_of_work import UnitOfWork
from streams import Position, StoredEvent, StreamPolicy, Streams

ROW = SubjectKind(prefix="thing", counter=RowCounter("welno.test_things", "thing_id"), keep_days=2)
SHARED = SubjectKind(prefix="screen", counter=SharedCounter(), keep_days=7, stream=StreamPolicy(max_length=10))
KINDS = SubjectKinds([ROW, SHARED])
HALL = "screen:one"


def nothing(_: object) -> None:
    """Where a test hands nothing on."""


@dataclass
class Log:
    """Both stores, and all that works on them."""

    sessions: sessionmaker[Session]
    redis: redis.Redis
    streams: Streams = field(init=False)
    snapshot: dict[bytes, bytes] = field(default_factory=dict)
    seconds: float = 0  # of the sweep's monotonic clock

    def __post_init__(self) -> None:
        self.streams = Streams(self.redis)
        self.sender = EventSender(self.sessions, self.streams, KINDS)
        self.reader = HistoryReader(self.sessions, self.streams, KINDS)
        self.unit_of_work = UnitOfWork(self.sessions, KINDS, self.sender.deliver, nothing, nothing, nothing)
        self.unsent_unit = UnitOfWork(self.sessions, KINDS, nothing, nothing, nothing, nothing)
        self.sweep = StreamSweep(
            self.sessions, self.streams, KINDS, self.sender, settle_seconds=0, monotonic=lambda: self.seconds
        )

    def emit(self, subject: str = HALL, count: int = 1, *, is_sent: bool = True, **fields: object) -> Position:
        with (self.unit_of_work if is_sent else self.unsent_unit)() as work:
            for number in range(count):
                work.emit(subject, {"type": "test", "number": number, **fields})
            position = work.position(subject)
        assert position is not None
        return position

    def make_thing(self) -> str:
        thing = str(uuid.uuid4())
        with self.sessions.begin() as session:
            session.execute(text("insert into welno.test_things (thing_id) values (:id)"), {"id": thing})
        return f"thing:{thing}"

    def logged(self, subject: str = HALL) -> list[int]:
        query = text("select seq from welno.welno_events where subject = :subject order by seq")
        with self.sessions() as session:
            return list(session.execute(query, {"subject": subject}).scalars())

    def streamed(self, subject: str = HALL) -> list[int]:
        return seqs(self.streams.read_after(subject, 0).events)

    def end(self, subject: str = HALL) -> Position:
        with self.sessions() as session:
            kind = KINDS.of(subject)
            return Position(read_epoch(session), read_ends(session, kind, [subject])[subject])


def seqs(events: list[StoredEvent]) -> list[int]:
    return [event.seq for event in events]


@pytest.fixture
def log(engine: Engine, redis_client: redis.Redis) -> Iterator[Log]:
    sessions = sessionmaker(engine)
    with engine.begin() as connection:
        connection.execute(
            text("""
                create table welno.test_things (
                    thing_id uuid primary key, event_seq bigint not null default 0,
                    changed_at timestamptz not null default clock_timestamp()
                )
            """)
        )
    with sessions.begin() as session:
        keep_partitions(session, KINDS, clock.now().date())
    yield Log(sessions, redis_client)
    with engine.begin() as connection:
        connection.execute(text("drop table welno.test_things, welno_log.thing, welno_log.screen"))
        connection.execute(text("delete from welno.welno_subjects"))
        connection.execute(text("delete from welno.welno_rewritten_subjects"))
