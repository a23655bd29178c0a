"""From the log to the streams and the readers: Redis may lose anything, senders may die, stand still, come late."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import sessionmaker

from dev.local.ports import LOOPBACK, pick_port
from services.delivery.event_sender import EventSender
from services.delivery.history_reader import HistoryReader
from services.delivery.unit_of_work import Delivery, TaskCall, UnitOfWork
from streams import NOWHERE, Position, Streams, StreamsUnavailable
from streams.control import ControlChannel
from streams.keys import log_key
from streams.wake import WakeChannel
from tests.redis_snapshots import put_back, take_snapshot

from .conftest import HALL, KINDS, Log, nothing, seqs


def hold(log: Log) -> Delivery:
    """What a sender that stands still after its commit has in its hands."""
    held: list[Delivery] = []
    with UnitOfWork(log.sessions, KINDS, held.append, nothing, nothing, nothing)() as work:
        work.emit(HALL, {"late": True})
    return held[0]


def test_a_late_sender_finds_its_events_sent(log: Log):
    log.emit()
    second = hold(log)
    log.emit()
    assert log.streamed() == [1, 2, 3]
    assert log.sender.deliver(second)
    assert log.streamed() == [1, 2, 3]


def test_two_senders_in_the_wrong_order_are_put_right(log: Log):
    log.emit()
    second, third = hold(log), hold(log)
    assert log.sender.deliver(third)
    assert log.sender.deliver(second)
    assert log.streamed() == [1, 2, 3]


def test_after_an_emptied_redis_the_stream_begins_where_it_stands(log: Log):
    log.emit(count=3)
    log.redis.flushdb()
    log.emit()
    assert log.streamed() == [4]
    assert seqs(log.reader.read_after(HALL, 1).events) == [2, 3, 4]


def test_an_older_snapshot_is_filled_by_the_next_sender(log: Log):
    log.emit(count=2)
    snapshot = take_snapshot(log.redis)
    log.emit(count=3)
    put_back(log.redis, snapshot)
    assert log.streamed() == [1, 2]
    log.emit()
    assert log.streamed() == [1, 2, 3, 4, 5, 6]


def test_a_hole_wider_than_the_stream_is_not_filled_by_what_would_be_trimmed(log: Log):
    log.emit()
    for _ in range(30):
        log.emit(is_sent=False)
    log.emit()
    assert log.streamed() == list(range(23, 33))
    assert seqs(log.reader.read_after(HALL, 3).events) == list(range(4, 33))


@pytest.mark.parametrize(
    "lose",
    [
        lambda log: None,
        lambda log: log.redis.flushdb(),
        lambda log: log.redis.delete(f"stream:{{{HALL}}}:log"),
        lambda log: log.redis.delete(f"stream:{{{HALL}}}:meta"),
        lambda log: log.redis.xtrim(f"stream:{{{HALL}}}:log", maxlen=2),
        lambda log: put_back(log.redis, log.snapshot),
    ],
    ids=["nothing", "everything", "the log", "the numbers", "the head", "the last minute"],
)
def test_whatever_redis_has_lost_a_reader_gets_each_event_once(log: Log, lose: Callable[[Log], object]):
    log.emit(count=3)
    log.snapshot = take_snapshot(log.redis)
    end = log.emit(count=4)
    lose(log)
    readers = {seq: read_all(log, Position(end.epoch, seq)) for seq in range(8)}
    log.sweep.run(0)
    for seq, before in readers.items():
        rest = read_all(log, Position(end.epoch, seq + len(before)))
        assert before + rest == list(range(seq + 1, 8))
    log.emit()
    assert read_all(log, end) == [8]


def read_all(log: Log, at: Position) -> list[int]:
    """As a reader does: page by page, until it is told that there is nothing more."""
    found: list[int] = []
    while True:
        page = log.reader.read_after(HALL, at.seq + len(found), at.epoch, limit=3)
        assert not page.gone
        found += seqs(page.events)
        if page.complete:
            return found


def test_without_redis_a_reader_is_answered_from_the_log(log: Log):
    log.emit(count=2)
    away = Streams(redis.Redis(port=pick_port(), retry=None))
    reader = HistoryReader(log.sessions, away, KINDS)
    assert seqs(reader.read_after(HALL, 0).events) == [1, 2]


@contextmanager
def committing_before_the_log_is_read(log: Log) -> Iterator[None]:
    """One event more, between the end that a reader has seen and the events."""
    engine, left = log.sessions.kw["bind"], [log]

    def commit_one_more(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith("select seq, body") and left:
            left.pop().emit(is_sent=False)

    event.listen(engine, "before_cursor_execute", commit_one_more)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", commit_one_more)
    assert not left


def test_an_event_that_is_committed_while_the_log_is_read_does_not_lie_beyond_the_end(log: Log):
    log.emit(count=2)
    log.redis.flushall()
    with committing_before_the_log_is_read(log):
        page = log.reader.read_after(HALL, 0)
    assert (seqs(page.events), page.position.seq) == ([1, 2, 3], 3)


def test_pages_have_a_budget_of_bytes_and_at_least_one_event(log: Log):
    log.emit(count=4, text="x" * 1000)
    for wipe in (False, True):
        if wipe:
            log.redis.flushdb()
        sizes = [len(log.reader.read_after(HALL, 0, max_bytes=budget).events) for budget in (1, 2500, 100_000)]
        assert sizes == [1, 2, 4]


def test_a_number_that_was_never_given_is_gone(log: Log):
    end = log.emit(count=2)
    assert log.reader.read_after(HALL, 3, end.epoch).gone
    assert log.reader.read_after(HALL, 1, "0" * 16).gone
    assert log.reader.read_after("screen:none", 0).position == Position(end.epoch, 0)


@contextmanager
def counting_statements(log: Log, *, seconds: float = 0) -> Iterator[list[str]]:
    """Those to the database, each of which takes so much longer."""
    engine, seen = log.sessions.kw["bind"], []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)
        time.sleep(seconds)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_the_end_of_a_trimmed_stream_costs_no_query_and_of_a_lost_one_not_one_for_each(log: Log):
    """A waiting room whose web process was restarted asks all at once."""
    end = log.emit(count=30)  # more than Redis keeps
    log.reader.find_end(HALL)  # the epoch, once a second
    with counting_statements(log) as statements:
        assert {log.reader.find_end(HALL) for _ in range(50)} == {end}
    assert len(statements) <= 1
    log.redis.flushdb()
    # Of a database that answers at once, each may have gone before the next one asks.
    with counting_statements(log, seconds=0.02) as statements, ThreadPoolExecutor(50) as crowd:
        assert set(crowd.map(log.reader.find_end, [HALL] * 200)) == {end}
    assert len(statements) < 50
    assert not any("body" in statement for statement in statements)


def test_an_end_is_known_without_redis_and_of_what_has_not_begun(log: Log):
    end = log.emit(count=2)
    reader = HistoryReader(log.sessions, Streams(redis.Redis(port=pick_port(), retry=None)), KINDS)
    assert (reader.find_end(HALL), reader.find_end("screen:none")) == (end, Position(end.epoch, 0))


def test_moved_names_those_that_went_on_and_no_others(log: Log):
    at = log.emit()
    places = {HALL: at, "screen:none": Position(at.epoch, 0)}
    assert log.reader.moved(places) == []
    log.redis.flushdb()
    assert log.reader.moved(places) == []
    log.emit(is_sent=False)
    assert log.reader.moved(places) == [HALL]
    log.emit("screen:none")
    assert set(log.reader.moved(places)) == {HALL, "screen:none"}


def test_what_a_dead_sender_left_is_filled_by_the_sweep(log: Log):
    log.emit()
    log.emit(count=2, is_sent=False)
    subject = log.make_thing()
    log.emit(subject, is_sent=False)
    assert log.sweep.run(0) == 2
    assert (log.streamed(), log.streamed(subject)) == ([1, 2, 3], [1])
    assert log.sweep.run(0) == 0


def test_a_redis_that_came_back_with_older_data_is_compared_with_all_that_may_live_there(log: Log):
    log.emit(count=2)
    log.sweep.run(0)
    snapshot = take_snapshot(log.redis)
    log.emit(count=2)
    age(log, HALL)
    put_back(log.redis, {key: value for key, value in snapshot.items() if b"mark" not in key})
    filled = [log.sweep.run(0) for _ in range(5)]
    assert sum(filled) == 1
    assert log.streamed() == [1, 2, 3, 4]
    assert log.sweep.run(0) == 0


def age(log: Log, subject: str, seconds: int = 3600) -> None:
    """As if it had not changed for so long."""
    changed = text("""
        update welno.welno_subjects set changed_at = now() - make_interval(secs => :seconds) where subject = :subject
    """)
    with log.sessions.begin() as session:
        session.execute(changed, {"subject": subject, "seconds": seconds})


def test_what_changed_long_ago_gets_no_stream_from_an_emptied_redis_and_is_read_from_the_log(log: Log):
    log.emit(count=2)
    log.sweep.run(0)
    age(log, HALL)
    log.redis.flushdb()
    assert sum(log.sweep.run(0) for _ in range(5)) == 0
    assert log.streamed() == []
    assert [event.seq for event in log.reader.read_after(HALL, 0).events] == [1, 2]


def test_a_comparison_that_redis_cut_off_begins_anew(log: Log, monkeypatch: pytest.MonkeyPatch):
    log.emit(count=2)
    log.sweep.run(0)
    snapshot = take_snapshot(log.redis)
    log.emit(count=2)
    age(log, HALL)
    put_back(log.redis, {key: value for key, value in snapshot.items() if b"mark" not in key})
    with monkeypatch.context() as patch:
        patch.setattr(log.streams, "revisions", refuse)
        with pytest.raises(StreamsUnavailable):
            log.sweep.run(0)
    assert sum(log.sweep.run(0) for _ in range(5)) == 1
    assert log.streamed() == [1, 2, 3, 4]


def refuse(*_: object) -> None:
    raise StreamsUnavailable("revisions: ConnectionError")


def test_what_a_slow_commit_showed_late_is_found_within_a_minute(log: Log):
    log.emit()
    for _ in range(9):
        log.sweep.run(0)
    log.emit(is_sent=False)
    age(log, HALL, 120)
    assert sum(log.sweep.run(0) for _ in range(3)) == 0
    log.seconds += 60
    assert sum(log.sweep.run(0) for _ in range(3)) == 1
    assert log.streamed() == [1, 2]


def test_an_emptied_redis_costs_the_sweep_nothing_for_what_rests(log: Log):
    log.emit(count=2)
    log.sweep.run(0)
    age(log, HALL)
    log.redis.flushdb()
    assert sum(log.sweep.run(0) for _ in range(5)) == 0
    assert log.streamed() == []


def test_writers_go_on_while_redis_is_emptied_all_the_while(log: Log):
    done = threading.Event()

    def flush() -> None:
        while not done.is_set():
            log.redis.flushdb()

    flusher = threading.Thread(target=flush)
    flusher.start()
    for _ in range(100):
        log.emit()
    done.set()
    flusher.join()
    seen: list[int] = []
    while len(seen) < 100:
        page = log.reader.read_after(HALL, seen[-1] if seen else 0, limit=7)
        assert not page.gone
        seen += seqs(page.events)
    assert seen == list(range(1, 101)) == log.logged()


def test_a_store_that_is_away_is_no_error_of_the_unit(log: Log):
    away = EventSender(log.sessions, Streams(redis.Redis(port=pick_port(), retry=None)), KINDS)
    with UnitOfWork(log.sessions, KINDS, away.deliver, nothing, nothing, nothing)() as work:
        work.emit(HALL, {})
    assert log.streams.positions([HALL]) == [NOWHERE]
    assert log.sweep.run(0) == 1


def test_a_redis_that_hangs_is_waited_for_once_and_not_for_each_thing_to_tell(log: Log):
    """Whoever asked for the unit waits, and it is committed."""
    with socket.create_server((LOOPBACK, 0)) as silent:  # connects, and never answers
        hanging = redis.Redis(port=silent.getsockname()[1], socket_timeout=1.2, retry=None)
        sender, control = EventSender(log.sessions, Streams(hanging), KINDS), ControlChannel(hanging)
        tell, wake = control.reauthorize_subject, WakeChannel(hanging).wake
        unit = UnitOfWork(log.sessions, KINDS, sender.deliver, nothing, tell, control.reauthorize_login, wake)
        began = time.monotonic()
        with unit() as work:
            for subject in (HALL, "screen:two", "screen:three"):
                work.emit(subject, {})
                work.reauthorize(subject)
                work.wake(subject)
            work.end_login(uuid4())
        assert time.monotonic() - began < 3
    assert log.logged() == [1]
    assert log.sweep.run(0) == 3


def test_one_stream_that_is_damaged_keeps_none_of_the_others_back(log: Log):
    log.redis.set(log_key("screen:damaged"), "no stream")
    with log.unit_of_work() as work:
        work.emit("screen:damaged", {})
        work.emit(HALL, {})
    assert log.streamed() == [1]


def test_a_broker_that_hangs_is_waited_for_once(log: Log):
    sent: list[str] = []

    def send(call: TaskCall) -> bool:
        sent.append(call.about)
        return threading.Event().wait(1.1)

    unit = UnitOfWork(log.sessions, KINDS, log.sender.deliver, send, nothing, nothing)
    with unit() as work:
        work.emit(HALL, {})
        for number in range(5):
            work.send("task", str(number), "")
    assert (sent, log.streamed()) == (["0"], [1])


def test_a_database_without_a_free_connection_is_no_error_of_a_committed_unit(log: Log):
    """The commit is done: whoever called must not take it for undone."""
    log.emit()
    log.emit(is_sent=False)  # the sender has to fill this from the database
    engine = create_engine(log.sessions.kw["bind"].url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    sender = EventSender(sessionmaker(engine), log.streams, KINDS)
    with engine.connect(), UnitOfWork(log.sessions, KINDS, sender.deliver, nothing, nothing, nothing)() as work:
        work.emit(HALL, {})
    engine.dispose()
    assert (log.logged(), log.streamed()) == ([1, 2, 3], [1])


def test_whose_rights_ended_is_told_though_the_database_hangs_for_the_events_before(log: Log):
    """Redis has lost them, and answers: it is not Redis that is waited for."""
    subjects = (HALL, "screen:two", "screen:three")
    for subject in subjects:
        log.emit(subject)
        log.emit(subject, is_sent=False)
    told: list[str] = []
    engine = create_engine(log.sessions.kw["bind"].url, pool_size=1, max_overflow=0, pool_timeout=1.1)
    sender = EventSender(sessionmaker(engine), log.streams, KINDS)
    unit = UnitOfWork(log.sessions, KINDS, sender.deliver, nothing, told.append, told.append, told.append)
    began, sid = time.monotonic(), uuid4()
    with engine.connect(), unit() as work:
        for subject in subjects:
            work.emit(subject, {})
        work.reauthorize(HALL)
        work.end_login(sid)
        work.wake(HALL)
    engine.dispose()
    assert told == [HALL, str(sid), HALL]
    assert time.monotonic() - began < 3
    assert log.sweep.run(0) == len(subjects)


def test_who_must_be_looked_at_again_is_told_after_the_commit_and_not_without_one(log: Log):
    told: list[tuple[str, int]] = []
    sid = uuid4()

    def tell(who: str) -> None:
        told.append((who, len(log.logged())))

    unit = UnitOfWork(log.sessions, KINDS, nothing, nothing, tell, tell)
    with suppress(KeyError), unit() as work:
        work.reauthorize(HALL)
        work.end_login(sid)
        raise KeyError
    with unit() as work:
        work.emit(HALL, {})
        work.reauthorize(HALL)
        work.end_login(sid)
        assert told == []
    assert told == [(HALL, 1), (str(sid), 1)]


def test_a_follower_is_woken_once_after_the_commit_and_not_without_one(log: Log):
    woken: list[tuple[str, int]] = []
    wake = lambda name: woken.append((name, len(log.logged())))  # noqa: E731
    unit = UnitOfWork(log.sessions, KINDS, nothing, nothing, nothing, nothing, wake)
    with suppress(KeyError), unit() as work:
        work.wake(HALL)
        raise KeyError
    with unit() as work:
        work.emit(HALL, {})
        work.wake(HALL)
        work.wake(HALL)
        assert woken == []
    assert woken == [(HALL, 1)]
