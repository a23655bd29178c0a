"""The items of a thread as its event log: carried by Redis, and never lost with it."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.clock import clock
from services.delivery.epoch import begin_epoch
from streams import InvalidEventError

from .room import NURSE, Room, push_by


def test_items_are_streamed_under_their_numbers_byte_for_byte_as_they_are_read(room: Room):
    room.say(3)
    streamed = room.stores.streams.read_after(room.subject, 0).events
    room.stores.redis.flushall()
    assert [one.to_json() for one in streamed] == [one.to_json() for one in room.read_all()]
    assert [one["seq"] for one in room.items()] == [1, 2, 3, 4]
    assert [orjson.loads(one.to_json()) for one in streamed] == room.items()
    assert list(room.items()[1]) == ["seq", "epoch", "type", "threadId", "receivedAt", "from", "envelope"]


def test_the_common_log_takes_no_items(room: Room):
    with pytest.raises(InvalidEventError), room.stores.unit_of_work() as work:
        work.emit(room.subject, {"type": "message"})


def test_redis_that_is_emptied_after_every_push_costs_no_item(room: Room):
    for _ in range(20):
        room.say(2)
        room.stores.redis.flushall()
    room.say()
    assert [one.seq for one in room.read_all()] == list(range(1, 43))


def test_a_sender_that_died_between_commit_and_append_is_made_up_for(room: Room):
    envelopes = [room.envelope(), room.envelope()]
    push_by(room, lambda _: None, *envelopes)
    assert room.streamed() == [1]
    assert [one.status for one in room.push(*envelopes)] == ["duplicate"] * 2
    assert room.say() == [4]
    assert room.streamed() == [1, 2, 3, 4]


def test_fifty_writers_on_one_thread_leave_no_hole_while_redis_is_emptied(room: Room):
    room.stores.redis.flushall()
    lock = threading.Lock()
    devices = [room.patient] * 25 + [room.nurse] * 25

    def write(number: int) -> None:
        with lock:
            envelopes = [room.envelope(devices[number]) for _ in range(2)]
        if random.random() < 0.3:
            room.stores.redis.flushall()
        assert {one.status for one in room.push(*envelopes, member=devices[number].member)} == {"accepted"}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(50)))
    assert [one.seq for one in room.read_all()] == list(range(1, 102))
    assert [one["seq"] for one in room.items()] == list(range(1, 102))


def test_large_items_come_in_pages_bounded_by_bytes(room: Room):
    for _ in range(6):
        room.say(5, plaintext=b"x" * 40_000)
    room.stores.redis.flushall()
    page = room.stores.events.read_after(room.subject, 0, None, 100, 256 * 1024)
    assert 4 <= len(page.events) <= 5
    assert sum(len(one.to_json()) for one in page.events) <= 256 * 1024
    assert len(room.read_all()) == 31


def test_redis_keeps_no_more_bytes_than_its_window(room: Room):
    window = room.stores.settings.threads.window_bytes
    for _ in range(10):
        room.say(6, plaintext=b"x" * 40_000)
    kept = room.stores.streams.read_after(room.subject, 0, 500, 10 * window).events
    assert sum(len(one.to_json()) for one in kept) <= window
    assert kept[-1].seq == 61
    room.stores.redis.flushall()
    assert room.stores.sender.fill(room.subject)
    assert room.streamed()[-1] == 61
    assert len(room.read_all()) == 61


def test_a_new_epoch_leaves_everything_readable_from_its_beginning(room: Room):
    before = room.end()
    with room.stores.sessions.begin() as session:
        begin_epoch(session, clock.now())
    room.stores.events._epoch = ("", -1.0)
    page = room.stores.events.read_after(room.subject, 1, before.epoch)
    assert (page.gone, page.held_after) == (True, 0)
    assert [one.seq for one in room.read_all()] == [1]


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("change", ["update {} set result = 'x'", "delete from {}", "truncate {}"])
def test_the_audit_takes_no_change_from_anybody(room: Room, change: str, role: str):
    with room.stores.engine.connect() as connection:
        connection.execute(text(f"set local session_replication_role = {role}"))
        with pytest.raises(DBAPIError, match=r"append-only|permission"):
            connection.execute(text(change.format("welno.welno_thread_audit")))


def test_a_reader_of_what_was_trimmed_is_told_where_it_begins(room: Room):
    room.say(3)
    with room.stores.sessions.begin() as session:
        session.execute(text("update welno.welno_threads set trimmed_seq = 2"))
        session.execute(text("update welno.welno_thread_items set payload = null where seq <= 2"))
    room.stores.redis.flushall()
    page = room.stores.events.read_after(room.subject, 0)
    assert (page.gone, page.held_after, page.position.seq) == (True, 2, 4)
    assert [one.seq for one in room.read_all(after=2)] == [3, 4]
    assert [one["seq"] for one in room.items(NURSE)] == [3, 4]
