"""The streams against a real Valkey: what is numbered is kept once, holes are told, and Redis' failures translated."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from dev.local.ports import pick_port
from dev.local.valkey import EmbeddedValkey
from services.stores import connect_redis
from streams import (
    NOWHERE,
    EventBatch,
    InvalidEventError,
    Position,
    Projection,
    StreamDamagedError,
    StreamPolicy,
    Streams,
    StreamsUnavailable,
    covers,
)
from streams.keys import channel, log_key, meta_key
from tests.waiting import wait_until

SUBJECT = "tilko_session:abc"
EPOCH, LATER_EPOCH = "6b07399500000000", "6b07399600000000"
POLICY = StreamPolicy()
DAY_SECONDS = 86_400


@pytest.fixture
def streams(redis_client: redis.Redis) -> Streams:
    return Streams(redis_client)


@pytest.fixture
def listener(redis_client: redis.Redis) -> Iterator[redis.client.PubSub]:
    with redis_client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(channel(SUBJECT))
        pubsub.get_message(timeout=5)
        yield pubsub


def batch(first: int, last: int, epoch: str = EPOCH) -> EventBatch:
    return EventBatch(SUBJECT, epoch, first, [b'{"type":"t","n":%d}' % n for n in range(first, last + 1)])


def add(streams: Streams, first: int, last: int, **options) -> Position:
    return streams.append(batch(first, last), POLICY, **options)


def read(streams: Streams, after: int = 0, **bounds) -> list[int]:
    return [event.seq for event in streams.read_after(SUBJECT, after, **bounds).events]


def projection(revision: int, **fields: str) -> Projection:
    return Projection(SUBJECT, revision, fields or {"status": "x"}, ttl_seconds=100)


def project(streams: Streams, made: Projection) -> None:
    streams.append(EventBatch(SUBJECT, "", 1, []), POLICY, made)


def test_events_are_kept_under_their_own_numbers(streams):
    assert add(streams, 1, 3) == Position(EPOCH, 3)
    assert add(streams, 4, 5) == Position(EPOCH, 5)
    assert read(streams) == [1, 2, 3, 4, 5]


def test_an_event_comes_back_as_it_went_in(streams):
    body = '{"message":"확인했어요","data":{"count":2}}'.encode()
    streams.append(EventBatch(SUBJECT, EPOCH, 1, [body, b"{}"]), POLICY)
    stored, empty = streams.read_after(SUBJECT, 0).events
    assert stored.body == {"message": "확인했어요", "data": {"count": 2}}
    assert stored.to_json().startswith(b'{"seq":1,"epoch":"%s","message"' % EPOCH.encode())
    assert empty.body == {}


def test_what_is_there_already_is_passed_over(streams, listener):
    add(streams, 1, 2)
    assert add(streams, 1, 3) == Position(EPOCH, 3)
    assert add(streams, 2, 2) == Position(EPOCH, 3)
    assert read(streams) == [1, 2, 3]
    assert [published_seq(listener) for _ in range(3)] == [1, 2, 3]
    assert listener.get_message(timeout=0.05) is None


def published_seq(listener) -> int:
    return int(listener.get_message(timeout=5)["data"].split(b'"seq":')[1].split(b",")[0])


def test_what_is_published_is_the_whole_event(streams, listener):
    add(streams, 1, 1)
    stamp, _, json = listener.get_message(timeout=5)["data"].partition(b" ")
    assert stamp.isdigit()
    assert json == streams.read_after(SUBJECT, 0).events[0].to_json()


def test_a_hole_is_told_and_nothing_is_done(streams, redis_client, listener):
    add(streams, 1, 2)
    listener.get_message(timeout=5)
    listener.get_message(timeout=5)
    assert streams.append(batch(4, 5), POLICY, projection(9)) == Position(EPOCH, 2)
    assert read(streams) == [1, 2]
    assert not redis_client.exists(SUBJECT)
    assert listener.get_message(timeout=0.05) is None


def test_over_a_hole_that_nobody_can_fill_the_stream_begins_anew(streams):
    add(streams, 1, 2)
    assert add(streams, 5, 6, begin_anew=True) == Position(EPOCH, 6)
    assert read(streams) == [5, 6]
    assert add(streams, 6, 7, begin_anew=True) == Position(EPOCH, 7)
    assert read(streams) == [5, 6, 7]


def test_an_empty_stream_begins_with_the_first_number_it_is_given(streams):
    assert add(streams, 7, 8) == Position(EPOCH, 8)
    assert add(streams, 6, 6) == Position(EPOCH, 8)
    assert read(streams) == [7, 8]


def test_a_later_epoch_replaces_an_earlier_one_and_never_the_other_way(streams):
    add(streams, 1, 3)
    assert streams.append(batch(2, 2, LATER_EPOCH), POLICY) == Position(LATER_EPOCH, 2)
    assert read(streams) == [2]
    assert add(streams, 3, 4) == Position(LATER_EPOCH, 2)
    assert read(streams) == [2]


def test_pages_are_bounded_by_number_and_bytes_and_hold_one_event_at_least(streams):
    add(streams, 1, 40)
    size = len(streams.read_after(SUBJECT, 0).events[0].to_json())
    assert read(streams, limit=2) == [1, 2]
    assert read(streams, 38, limit=5) == [39, 40]
    assert read(streams, max_bytes=1) == [1]
    assert read(streams, max_bytes=3 * size + 5) == [1, 2, 3]
    assert len(read(streams, limit=35)) == 35


@pytest.mark.parametrize(("after", "is_covered"), [(0, False), (1, False), (2, True), (5, True), (6, False)])
def test_a_page_covers_a_place_when_it_tells_all_that_came_after(redis_client, after, is_covered):
    short = Streams(redis_client)
    short.append(batch(1, 5), StreamPolicy(max_length=3))
    assert covers(short.read_after(SUBJECT, after), after) is is_covered


def test_a_stream_is_trimmed_by_bytes_and_keeps_one_event_at_least(streams, redis_client):
    add(streams, 1, 1)
    size = len(streams.read_after(SUBJECT, 0).events[0].to_json())
    redis_client.flushall()
    policy = StreamPolicy(max_length=8, max_bytes=5 * size)
    for first in range(1, 10, 3):
        streams.append(batch(first, first + 2), policy)
        assert len(read(streams)) == min(first + 2, 5)
    assert read(streams) == [5, 6, 7, 8, 9]
    assert int(redis_client.hget(meta_key(SUBJECT), "bytes")) == 5 * size
    streams.append(batch(10, 12), StreamPolicy(max_length=3, max_bytes=5 * size))
    assert read(streams) == [10, 11, 12]
    streams.append(batch(13, 13), StreamPolicy(max_bytes=1))
    assert read(streams) == [13]


def test_a_stream_that_begins_anew_counts_its_bytes_anew(streams, redis_client):
    policy = StreamPolicy(max_bytes=1024)
    streams.append(batch(1, 5), policy)
    streams.append(batch(9, 9), policy, begin_anew=True)
    [only] = streams.read_after(SUBJECT, 8).events
    assert int(redis_client.hget(meta_key(SUBJECT), "bytes")) == len(only.to_json())


def test_a_stream_that_is_not_covers_nothing(streams):
    page = streams.read_after(SUBJECT, 0)
    assert page.position == NOWHERE
    assert not covers(page, 0)


@pytest.mark.parametrize("lost", [log_key, meta_key])
def test_a_key_that_was_evicted_alone_is_noticed(streams, redis_client, lost):
    add(streams, 1, 3)
    redis_client.delete(lost(SUBJECT))
    assert not covers(streams.read_after(SUBJECT, 1), 1)
    add(streams, 4, 4)
    assert read(streams, 3) == [4]
    assert not covers(streams.read_after(SUBJECT, 2), 2)
    assert all(redis_client.ttl(key) >= DAY_SECONDS for key in redis_client.keys("stream:*"))


def test_a_forgotten_stream_leaves_no_key(streams, redis_client):
    add(streams, 1, 2)
    streams.forget(SUBJECT)
    assert streams.positions([SUBJECT]) == [NOWHERE]
    assert redis_client.keys("stream:*") == []


def test_every_key_lives_for_a_day_after_the_last_append(streams, redis_client):
    add(streams, 1, 1)
    keys = redis_client.keys("stream:*")
    assert all(DAY_SECONDS <= redis_client.ttl(key) <= DAY_SECONDS * 65 / 64 for key in keys)
    [redis_client.expire(key, DAY_SECONDS - 1) for key in keys]
    add(streams, 2, 2)
    assert all(redis_client.ttl(key) >= DAY_SECONDS for key in keys)


def test_all_keys_of_a_session_share_a_cluster_slot():
    keys = [SUBJECT, log_key(SUBJECT), meta_key(SUBJECT)]
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_many_positions_come_in_one_call(streams):
    position = add(streams, 1, 1)
    assert streams.positions(["nobody", SUBJECT]) == [NOWHERE, position]


def test_of_many_streams_those_that_moved_are_named(streams):
    position = add(streams, 1, 1)
    believed = {"nobody": NOWHERE, SUBJECT: position, "gone": Position("e", 3)}
    assert streams.moved(believed) == ["gone"]
    add(streams, 2, 2)
    assert streams.moved(believed) == [SUBJECT, "gone"]
    assert streams.moved({}) == []


def test_the_projection_is_written_with_the_events(streams, redis_client):
    add(streams, 1, 1, projection=projection(4, status="auth_pending"))
    assert redis_client.hgetall(SUBJECT) == {b"revision": b"4", b"status": b"auth_pending"}
    assert 0 < redis_client.ttl(SUBJECT) <= 100
    assert streams.revisions([SUBJECT, "nobody"]) == [4, None]


def test_a_projection_replaces_the_whole_hash(streams, redis_client):
    project(streams, projection(1, old="x"))
    project(streams, projection(1, new="y"))
    assert redis_client.hgetall(SUBJECT) == {b"revision": b"1", b"new": b"y"}
    assert redis_client.keys("stream:*") == []


def test_an_older_projection_is_not_written(streams, redis_client):
    project(streams, projection(10, status="new"))
    assert add(streams, 1, 1, projection=projection(9, status="old")).seq == 1
    assert redis_client.hget(SUBJECT, "status") == b"new"


def test_a_flushed_script_is_loaded_again(streams, redis_client):
    add(streams, 1, 1)
    redis_client.script_flush()
    assert add(streams, 2, 2).seq == 2


def test_senders_that_repeat_each_other_leave_no_hole_and_no_double(streams, listener):
    """Each gives all there is, from one on: the order in which they come is left to chance."""

    def send() -> None:
        for last in range(1, 51):
            add(streams, 1, last)

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert read(streams) == [published_seq(listener) for _ in range(50)] == list(range(1, 51))


@pytest.mark.parametrize("fields", [{"revision": "2"}, {}])
def test_a_projection_has_fields_and_may_not_name_its_own_revision(streams, fields):
    with pytest.raises(InvalidEventError):
        project(streams, Projection(SUBJECT, 1, fields, ttl_seconds=1))


@pytest.mark.parametrize("taken", [log_key(SUBJECT), meta_key(SUBJECT), SUBJECT])
def test_a_key_of_another_type_is_damage(streams, redis_client, taken):
    add(streams, 1, 1)
    redis_client.delete(taken)
    redis_client.set(taken, "text")
    with pytest.raises(StreamDamagedError):
        add(streams, 2, 2, projection=projection(1, a="b"))


def test_a_failing_projection_appends_nothing(streams, redis_client):
    redis_client.set(SUBJECT, "text")
    with pytest.raises(StreamDamagedError):
        add(streams, 1, 1, projection=projection(1, a="b"))
    assert streams.positions([SUBJECT]) == [NOWHERE]


def test_an_absent_redis_is_unavailable_and_retryable():
    nowhere = Streams(redis.Redis(port=pick_port(), retry=None))
    calls = [
        lambda: add(nowhere, 1, 1),
        lambda: nowhere.read_after(SUBJECT, 0),
        lambda: nowhere.positions([SUBJECT]),
        lambda: nowhere.revisions([SUBJECT]),
        nowhere.server_state,
        nowhere.mark,
        lambda: nowhere.forget(SUBJECT),
    ]
    for call in calls:
        with pytest.raises(StreamsUnavailable) as caught:
            call()
        assert caught.value.retryable
        assert SUBJECT not in str(caught.value)


def test_a_full_redis_is_unavailable(streams, redis_client):
    redis_client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StreamsUnavailable):
            add(streams, 1, 1)
    finally:
        redis_client.config_set("maxmemory", "0")


@contextmanager
def connected(valkey: EmbeddedValkey) -> Iterator[Streams]:
    client = connect_redis(valkey.url)
    yield Streams(client)
    client.close()


def test_a_server_that_became_a_replica_is_left_at_once(tmp_path: Path):
    """Its old connections stay open, and answer READONLY for ever."""
    with EmbeddedValkey(tmp_path / "one", appendonly=False) as server, connected(server) as streams:
        add(streams, 1, 1)
        admin = redis.Redis.from_url(server.url)
        admin.replicaof("127.0.0.1", pick_port())
        with pytest.raises(StreamsUnavailable):
            add(streams, 2, 2)
        wait_until(lambda: len(admin.client_list()) == 1, 2)  # the question's own
        admin.replicaof("NO", "ONE")
        wait_until(lambda: add(streams, 2, 2) == Position(EPOCH, 2), 2)


def test_the_state_of_a_server_changes_with_its_data(streams, redis_client, tmp_path: Path):
    assert streams.server_state() == ""
    streams.mark()
    before = streams.server_state()
    assert before == streams.server_state() != ""
    redis_client.flushdb()
    assert streams.server_state() == ""


def test_a_client_that_decodes_is_refused(redis_url):
    with pytest.raises(ValueError, match="bytes"):
        Streams(redis.Redis.from_url(redis_url, decode_responses=True))


@pytest.mark.parametrize("bounds", [{"max_length": 0}, {"ttl_seconds": 0}, {"max_bytes": 0}])
def test_bounds_below_one_are_refused(bounds):
    with pytest.raises(ValueError, match="at least 1"):
        StreamPolicy(**bounds)
