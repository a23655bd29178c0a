"""The streams against a real Valkey: numbering, idempotency, trimming, epochs, projections, and Redis' failures."""

import threading
from collections.abc import Iterator

import pytest
import redis
from redis.crc import key_slot

from dev.local.ports import pick_port
from streams import (
    InvalidEventError,
    NewEvent,
    Overtaken,
    Position,
    Projection,
    StreamDamagedError,
    Streams,
    StreamsUnavailable,
)
from streams.keys import channel, ids_key, log_key, meta_key

SUBJECT = "tilko_session:abc"


@pytest.fixture
def streams(redis_client: redis.Redis) -> Streams:
    return Streams(redis_client)


@pytest.fixture
def listener(redis_client: redis.Redis) -> Iterator[redis.client.PubSub]:
    with redis_client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(channel(SUBJECT))
        pubsub.get_message(timeout=5)
        yield pubsub


def events(first: int, last: int) -> list[NewEvent]:
    return [NewEvent(f"e{n}", {"type": "t", "n": n}) for n in range(first, last + 1)]


def seqs(stored) -> list[int]:
    return [event.seq for event in stored]


def projection(revision: int, **fields: str) -> Projection:
    return Projection(SUBJECT, revision, fields, ttl_seconds=100)


def test_events_are_numbered_from_one_without_holes(streams):
    streams.append(SUBJECT, events(1, 3))
    positions = streams.append(SUBJECT, events(4, 5))
    assert [position.seq for position in positions] == [4, 5]
    assert seqs(streams.read_after(SUBJECT, 0).events) == [1, 2, 3, 4, 5]


def test_an_event_comes_back_as_it_went_in(streams):
    [position] = streams.append(SUBJECT, [NewEvent("e", {"message": "확인했어요", "data": {"count": 2}})])
    [stored] = streams.read_after(SUBJECT, 0).events
    assert stored.body == {"message": "확인했어요", "data": {"count": 2}}
    assert stored.to_json().startswith(b'{"seq":1,"epoch":"%s","message"' % position.epoch.encode())


def test_an_empty_body_is_still_valid_json(streams):
    streams.append(SUBJECT, [NewEvent("e", {})])
    [stored] = streams.last(SUBJECT, 1)
    assert stored.body == {}


def test_the_same_event_id_keeps_its_number(streams, listener):
    first = streams.append(SUBJECT, events(1, 2))
    again = streams.append(SUBJECT, events(2, 3))
    assert again == [first[1], Position(first[0].epoch, 3)]
    assert seqs(streams.read_after(SUBJECT, 0).events) == [1, 2, 3]
    assert [published_seq(listener) for _ in range(3)] == [1, 2, 3]
    assert listener.get_message(timeout=0.05) is None


def published_seq(listener) -> int:
    return int(listener.get_message(timeout=5)["data"].split(b'"seq":')[1].split(b",")[0])


def test_what_is_published_is_the_whole_event(streams, listener):
    streams.append(SUBJECT, events(1, 1))
    stamp, _, json = listener.get_message(timeout=5)["data"].partition(b" ")
    assert stamp.isdigit()
    assert json == streams.last(SUBJECT, 1)[0].to_json()


def test_a_reader_gets_what_came_after_its_number(streams):
    epoch = streams.append(SUBJECT, events(1, 5))[0].epoch
    page = streams.read_after(SUBJECT, 3, epoch)
    assert seqs(page.events) == [4, 5]
    assert page.position == Position(epoch, 5)
    assert not page.gone


def test_a_long_history_comes_in_pages(streams):
    streams.append(SUBJECT, events(1, 5))
    page = streams.read_after(SUBJECT, 0, limit=2)
    assert seqs(page.events) == [1, 2]
    assert not page.complete
    assert streams.read_after(SUBJECT, 3, limit=2).complete


def test_a_reader_at_the_end_gets_nothing_and_is_not_gone(streams):
    [position] = streams.append(SUBJECT, events(1, 1))
    page = streams.read_after(SUBJECT, position.seq, position.epoch)
    assert (page.events, page.gone) == ([], False)


def test_a_stream_without_events_stands_at_nowhere(streams):
    assert streams.position(SUBJECT) == Position("", 0)
    assert not streams.read_after(SUBJECT, 0).gone


def test_who_came_before_the_first_event_is_not_gone(streams):
    before = streams.position(SUBJECT)
    streams.append(SUBJECT, events(1, 1))
    page = streams.read_after(SUBJECT, before.seq, before.epoch)
    assert (seqs(page.events), page.gone) == ([1], False)


def test_a_reader_of_another_epoch_is_gone(streams):
    streams.append(SUBJECT, events(1, 2))
    assert streams.read_after(SUBJECT, 1, "another").gone


def test_a_number_beyond_the_end_is_gone(streams):
    streams.append(SUBJECT, events(1, 2))
    assert streams.read_after(SUBJECT, 3).gone


def test_a_trimmed_place_is_gone(redis_client):
    short = Streams(redis_client, max_length=3)
    short.append(SUBJECT, events(1, 5))
    assert short.read_after(SUBJECT, 1).gone
    assert seqs(short.read_after(SUBJECT, 2).events) == [3, 4, 5]


def test_trimming_also_bounds_the_known_ids(redis_client):
    short = Streams(redis_client, max_length=3)
    short.append(SUBJECT, events(1, 50))
    assert redis_client.xlen(log_key(SUBJECT)) == 3
    assert redis_client.zcard(ids_key(SUBJECT)) == 6


def test_flushed_redis_begins_a_new_epoch(streams, redis_client):
    old = streams.append(SUBJECT, events(1, 2))[0].epoch
    redis_client.flushall()
    assert streams.read_after(SUBJECT, 2, old).gone
    [new] = streams.append(SUBJECT, events(1, 1))
    assert new.seq == 1
    assert new.epoch != old
    assert streams.read_after(SUBJECT, 1, old).gone


def test_a_lost_numbering_begins_a_new_epoch(streams, redis_client):
    old = streams.append(SUBJECT, events(1, 2))[0].epoch
    redis_client.delete(meta_key(SUBJECT))
    [new] = streams.append(SUBJECT, events(3, 3))
    assert (new.seq, new.epoch != old) == (1, True)


def test_a_lost_log_is_noticed(streams, redis_client):
    streams.append(SUBJECT, events(1, 2))
    redis_client.delete(log_key(SUBJECT))
    streams.append(SUBJECT, events(3, 3))
    assert streams.read_after(SUBJECT, 0).gone
    assert seqs(streams.read_after(SUBJECT, 2).events) == [3]


def test_a_forgotten_stream_has_no_history(streams, redis_client):
    streams.append(SUBJECT, events(1, 2))
    streams.forget(SUBJECT)
    assert streams.position(SUBJECT) == Position("", 0)
    assert redis_client.keys("stream:*") == []


def test_the_last_events_come_oldest_first(streams):
    streams.append(SUBJECT, events(1, 5))
    assert seqs(streams.last(SUBJECT, 2)) == [4, 5]
    assert streams.last("nobody", 2) == []


DAY_SECONDS = 86_400


def test_every_key_lives_for_a_day_after_the_last_append(streams, redis_client):
    streams.append(SUBJECT, events(1, 1))
    keys = redis_client.keys("stream:*")
    assert all(DAY_SECONDS <= redis_client.ttl(key) <= DAY_SECONDS * 65 / 64 for key in keys)
    [redis_client.expire(key, DAY_SECONDS - 1) for key in keys]
    streams.append(SUBJECT, events(2, 2))
    assert all(redis_client.ttl(key) >= DAY_SECONDS for key in keys)


@pytest.mark.parametrize("key_of", [log_key, meta_key, ids_key])
def test_a_key_that_was_evicted_comes_back_with_its_time(streams, redis_client, key_of):
    streams.append(SUBJECT, events(1, 1))
    redis_client.delete(key_of(SUBJECT))
    streams.append(SUBJECT, events(2, 2))
    assert all(redis_client.ttl(key) >= DAY_SECONDS for key in redis_client.keys("stream:*"))


def test_all_keys_of_a_session_share_a_cluster_slot():
    keys = [SUBJECT, log_key(SUBJECT), meta_key(SUBJECT), ids_key(SUBJECT)]
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_many_positions_come_in_one_call(streams):
    [position] = streams.append(SUBJECT, events(1, 1))
    assert streams.positions(["nobody", SUBJECT]) == [Position("", 0), position]


def test_of_many_streams_those_that_moved_are_named(streams):
    [position] = streams.append(SUBJECT, events(1, 1))
    believed = {"nobody": Position("", 0), SUBJECT: position, "gone": Position("e", 3)}
    assert streams.moved(believed) == ["gone"]
    streams.append(SUBJECT, events(2, 2))
    assert streams.moved(believed) == [SUBJECT, "gone"]
    assert streams.moved({}) == []


def test_the_projection_is_written_with_the_events(streams, redis_client):
    streams.append(SUBJECT, events(1, 1), projection(4, status="auth_pending"))
    assert redis_client.hgetall(SUBJECT) == {b"revision": b"4", b"status": b"auth_pending"}
    assert 0 < redis_client.ttl(SUBJECT) <= 100


def test_a_projection_replaces_the_whole_hash(streams, redis_client):
    streams.append(SUBJECT, [], projection(1, old="x"))
    streams.append(SUBJECT, [], projection(1, new="y"))
    assert redis_client.hgetall(SUBJECT) == {b"revision": b"1", b"new": b"y"}


def test_an_older_projection_is_not_written(streams, redis_client):
    streams.append(SUBJECT, [], projection(10, status="new"))
    [position] = streams.append(SUBJECT, events(1, 1), projection(9, status="old"))
    assert position.seq == 1
    assert redis_client.hget(SUBJECT, "status") == b"new"


def test_a_projection_alone_begins_no_stream(streams, redis_client):
    assert streams.append(SUBJECT, [], projection(1, status="x")) == []
    assert redis_client.keys("stream:*") == []


def test_nothing_to_do_asks_nobody():
    nowhere = redis.Redis(port=pick_port(), retry=None)
    assert Streams(nowhere).append(SUBJECT, []) == []


def test_a_flushed_script_is_loaded_again(streams, redis_client):
    streams.append(SUBJECT, events(1, 1))
    redis_client.script_flush()
    assert streams.append(SUBJECT, events(2, 2))[0].seq == 2


def test_eight_writers_leave_no_hole_and_no_double(streams):
    def write(writer: int) -> None:
        for n in range(50):
            streams.append(SUBJECT, [NewEvent(f"{writer}-{n}", {"writer": writer, "n": n})])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    stored = streams.read_after(SUBJECT, 0).events
    assert seqs(stored) == list(range(1, 401))
    assert len({(event.body["writer"], event.body["n"]) for event in stored}) == 400


@pytest.mark.parametrize("body", [{"seq": 1}, {"epoch": "x"}, {"what": object()}, {"text": "x" * 65_536}])
def test_a_body_that_cannot_be_stored_is_refused(streams, body):
    with pytest.raises(InvalidEventError) as caught:
        streams.append(SUBJECT, [NewEvent("e", body)])
    assert not caught.value.retryable


def test_a_projection_may_not_name_its_own_revision(streams):
    with pytest.raises(InvalidEventError):
        streams.append(SUBJECT, [], Projection(SUBJECT, 1, {"revision": "2"}, ttl_seconds=1))


@pytest.mark.parametrize("taken", [log_key(SUBJECT), meta_key(SUBJECT), SUBJECT])
def test_a_key_of_another_type_is_damage(streams, redis_client, taken):
    streams.append(SUBJECT, events(1, 1))
    redis_client.delete(taken)
    redis_client.set(taken, "text")
    with pytest.raises(StreamDamagedError):
        streams.append(SUBJECT, events(2, 2), projection(1, a="b"))


def test_a_failing_projection_appends_nothing(streams, redis_client):
    redis_client.set(SUBJECT, "text")
    with pytest.raises(StreamDamagedError):
        streams.append(SUBJECT, events(1, 1), projection(1, a="b"))
    assert streams.position(SUBJECT) == Position("", 0)


def test_an_absent_redis_is_unavailable_and_retryable():
    nowhere = Streams(redis.Redis(port=pick_port(), retry=None))
    calls = [
        lambda: nowhere.append(SUBJECT, events(1, 1)),
        lambda: nowhere.read_after(SUBJECT, 0),
        lambda: nowhere.position(SUBJECT),
        lambda: nowhere.last(SUBJECT, 1),
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
            streams.append(SUBJECT, events(1, 1))
    finally:
        redis_client.config_set("maxmemory", "0")


def test_a_client_that_decodes_is_refused(redis_url):
    with pytest.raises(ValueError, match="bytes"):
        Streams(redis.Redis.from_url(redis_url, decode_responses=True))


def test_bounds_below_one_are_refused(redis_client):
    with pytest.raises(ValueError, match="at least 1"):
        Streams(redis_client, max_length=0)


def test_who_comes_late_appends_nothing(streams, redis_client):
    streams.append(SUBJECT, events(1, 1), projection(5, status="done"))
    with pytest.raises(Overtaken):
        streams.append(SUBJECT, events(2, 2), projection(4, status="old"), only_as_newest=True)
    assert seqs(streams.read_after(SUBJECT, 0).events) == [1]
    assert redis_client.hget(SUBJECT, "status") == b"done"


def test_the_newest_and_the_first_are_not_late(streams):
    streams.append(SUBJECT, events(1, 1), projection(5), only_as_newest=True)
    streams.append(SUBJECT, events(2, 2), projection(5), only_as_newest=True)
    assert seqs(streams.read_after(SUBJECT, 0).events) == [1, 2]
