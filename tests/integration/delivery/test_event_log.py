"""Numbers: given in the transaction, without holes or doubles, in the order of commits, whatever happens around it."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import sessionmaker

from core.clock import clock
from services.batched_lookup import BatchedLookup
from services.database import UnsuitableDatabase
from services.delivery.epoch import begin_epoch
from services.delivery.event_log import UnknownSubject, lock_shared_ends
from services.delivery.history_reader import HistoryReader
from services.delivery.partitions import keep_partitions
from streams import InvalidEventError, Position, StreamsUnavailable
from tests.query_plans import explained
from tests.waiting import wait_until_blocked

from .conftest import HALL, KINDS, Log, seqs

THING = "thing:00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("kind", ["row", "shared"])
def test_fifty_writers_on_one_subject_leave_no_hole(log: Log, kind: str):
    subject = log.make_thing() if kind == "row" else HALL
    committed: list[int] = []
    lock = threading.Lock()

    def write(writer: int) -> None:
        for _ in range(4):
            with log.unit_of_work() as work:
                work.emit(subject, {"writer": writer})
                position = work.position(subject)
                assert position is not None
                with lock:  # under the row's lock: this is the order of commits
                    committed.append(position.seq)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(50)))
    assert committed == list(range(1, 201)) == log.logged(subject)
    assert log.streams.positions([subject]) == [Position(log.end().epoch, 200)]
    assert seqs(log.reader.read_after(subject, 0).events) == list(range(1, 201))


def test_two_units_with_two_subjects_in_opposite_order_do_not_deadlock(log: Log):
    one, other = log.make_thing(), log.make_thing()

    def write(subjects: tuple[str, str]) -> None:
        for _ in range(50):
            with log.unit_of_work() as work:
                for subject in subjects:
                    work.emit(subject, {})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [(one, other), (other, one)]))
    assert log.logged(one) == log.logged(other) == list(range(1, 101))


def test_subjects_are_made_and_locked_in_the_order_of_all_who_number(log: Log):
    """That of `sorted`, also where the database sorts by the rules of a language."""
    with explained(log.sessions.kw["bind"]) as plans, log.sessions() as session:
        lock_shared_ends(session, [HALL, "screen:two"])
        session.rollback()
    sort_keys = [key for plan in plans for key in read_sort_keys(plan)]
    assert len(sort_keys) == 2
    assert all(key.endswith('subject COLLATE "C"') for key in sort_keys), sort_keys


def read_sort_keys(plan: dict[str, Any]) -> list[str]:
    own = list(plan.get("Sort Key", []))
    return own + [key for inner in plan.get("Plans", []) for key in read_sort_keys(inner)]


def test_a_snapshot_of_the_same_transaction_knows_the_numbers_that_it_includes(log: Log):
    subject = log.make_thing()
    with log.unit_of_work() as work:
        work.emit(subject, {"a": 1})
        position = work.position(subject)
        seen = work.session.execute(text("select max(event_seq) from welno.test_things")).scalar_one()
        work.emit(subject, {"b": 2})
    assert position == Position(log.end().epoch, seen)
    assert log.streamed(subject) == [1, 2]


def test_a_unit_that_fails_leaves_no_number(log: Log):
    log.emit()

    def fail() -> None:
        with log.unit_of_work() as work:
            work.emit(HALL, {})
            work.number_events()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert log.emit().seq == 2
    assert log.logged() == log.streamed() == [1, 2]


def test_events_of_what_does_not_exist_are_refused(log: Log):
    with pytest.raises(UnknownSubject), log.unit_of_work() as work:
        work.emit(THING, {})
    with pytest.raises(InvalidEventError), log.unit_of_work() as work:
        work.emit("nothing:1", {})


@pytest.mark.parametrize("body", [{"seq": 1}, {"epoch": "x"}, {"text": "x" * 70_000}, {"odd": object()}])
def test_a_body_that_cannot_be_told_is_refused(log: Log, body: dict[str, object]):
    with pytest.raises(InvalidEventError), log.unit_of_work() as work:
        work.emit(HALL, body)
    assert log.logged() == []


def test_a_new_epoch_is_later_and_restarts_the_readers(log: Log):
    before = log.emit(count=3)
    with log.sessions.begin() as session:
        epoch = begin_epoch(session, clock.now())
    assert epoch > before.epoch
    log.reader._epoch = ("", -1.0)
    page = log.reader.read_after(HALL, 2, before.epoch)
    assert (page.gone, page.position) == (True, Position(epoch, 3))
    assert log.reader.moved({HALL: before}) == [HALL]
    log.emit()
    assert seqs(log.reader.read_after(HALL, 3, epoch).events) == [4]


def test_a_reader_that_has_not_heard_of_a_new_epoch_tells_nothing_of_it_as_of_the_old_one(log: Log):
    before = log.emit(count=3)
    assert log.reader.read_after(HALL, 3, before.epoch).events == []  # and believes this epoch for a second
    with log.sessions.begin() as session:
        begin_epoch(session, clock.now())
    log.emit()
    page = log.reader.read_after(HALL, 3, before.epoch)
    assert (page.gone, page.position.seq, page.events) == (True, 4, [])
    # And whoever has heard of it goes on in it at once.
    assert seqs(log.reader.read_after(HALL, 3, page.position.epoch).events) == [4]


@pytest.mark.parametrize("believed", [3, 2], ids=["the batched end", "the end read with the epoch"])
def test_an_equal_number_of_a_new_epoch_is_another_place(log: Log, monkeypatch: pytest.MonkeyPatch, believed: int):
    """A replica was promoted that had lost the last events, and others were written under their numbers."""
    before = log.emit(count=3)
    assert log.reader.read_after(HALL, 3, before.epoch).events == []
    log.redis.flushdb()

    def promote(_subjects: Sequence[str]) -> dict[str, int]:
        with log.sessions.begin() as session:
            begin_epoch(session, clock.now())
        log.reader._renew_epoch()  # as another thread does
        return {HALL: believed}

    monkeypatch.setattr(log.reader, "_known_ends", BatchedLookup(promote))
    page = log.reader.read_after(HALL, 3, before.epoch)
    assert (page.gone, page.position.epoch > before.epoch) == (True, True)


def test_a_sender_of_an_earlier_epoch_changes_nothing(log: Log):
    log.emit()
    with log.unsent_unit() as work:
        work.emit(HALL, {"late": True})
        late = work.deliveries()
    with log.sessions.begin() as session:
        begin_epoch(session, clock.now())
    log.emit()
    end = log.streams.positions([HALL])
    assert all(log.sender.deliver(delivery) for delivery in late)
    assert log.streams.positions([HALL]) == end


def test_partitions_are_made_ahead_and_dropped_by_age(log: Log):
    today = clock.now().date()
    log.emit()
    with log.sessions.begin() as session:
        keep_partitions(session, KINDS, today)
    assert log.logged() == [1]
    with log.sessions.begin() as session:
        keep_partitions(session, KINDS, today + timedelta(days=7))
    assert log.logged() == [1]
    with log.sessions.begin() as session:
        keep_partitions(session, KINDS, today + timedelta(days=8))
    assert log.logged() == []


def test_events_that_land_while_their_day_is_made_stay_and_the_other_days_are_made(log: Log):
    later = clock.now() + timedelta(days=8)
    engine = log.sessions.kw["bind"]
    row = text(
        "insert into welno.welno_events (kind, subject, seq, body, created_at) values ('screen', :s, 1, '{}', :at)"
    )

    def keep() -> None:
        with log.sessions.begin() as session:
            keep_partitions(session, KINDS, clock.now().date() + timedelta(days=2))

    with ThreadPoolExecutor(1) as pool, log.sessions() as session:
        session.execute(row, {"s": HALL, "at": later})
        kept = pool.submit(keep)
        wait_until_blocked(engine)
        session.commit()
        kept.result()
    made = text("select tablename from pg_tables where tablename in (:landed, :next)")
    names = {"landed": f"screen_{later:%Y%m%d}", "next": f"screen_{later + timedelta(days=1):%Y%m%d}"}
    with log.sessions() as session:
        assert list(session.scalars(made, names)) == [names["next"]]
    assert log.logged() == [1]


def test_a_writer_that_takes_long_keeps_only_its_own_kind_waiting(log: Log):
    """Which is the last one: what was made of the others is made."""
    today = clock.now().date() + timedelta(days=20)
    other = next(kind for kind in KINDS if kind.prefix != "screen" and kind.log is None)
    screen = next(kind for kind in KINDS if kind.prefix == "screen")
    row = text(
        "insert into welno.welno_events (kind, subject, seq, body, created_at) values ('screen', :s, 1, '{}', :at)"
    )

    def made() -> set[str]:
        with log.sessions() as session:
            days = "select tablename from pg_tables where schemaname = 'welno_log' and tablename like :day"
            return set(session.scalars(text(days), {"day": f"%\\_{today:%Y%m%d}"}))

    def keep() -> None:
        with log.sessions.begin() as session:
            keep_partitions(session, [other, screen], today)

    with log.sessions() as session:
        session.execute(row, {"s": HALL, "at": clock.now() + timedelta(days=20)})
        keep()
        assert made() == {f"{other.prefix}_{today:%Y%m%d}"}
        session.rollback()
    keep()
    assert made() == {f"{other.prefix}_{today:%Y%m%d}", f"screen_{today:%Y%m%d}"}


def test_what_the_log_has_dropped_is_told_as_gone(log: Log):
    end = log.emit(count=3)
    log.redis.flushdb()
    with log.sessions.begin() as session:
        session.execute(text("delete from welno.welno_events where seq < 3"))
    assert log.reader.read_after(HALL, 1, end.epoch).gone
    assert seqs(log.reader.read_after(HALL, 2, end.epoch).events) == [3]
    assert not log.reader.read_after(HALL, 3, end.epoch).gone


def test_a_database_that_does_not_suit_is_as_good_as_away(log: Log):
    def refuse(*_: object) -> None:
        raise UnsuitableDatabase

    engine = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    event.listen(engine, "do_connect", refuse)
    with pytest.raises(StreamsUnavailable):
        HistoryReader(sessionmaker(engine), log.streams, KINDS).read_after(HALL, 0)
