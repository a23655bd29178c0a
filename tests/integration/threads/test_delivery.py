"""What carries a thread's items to Redis comes late, twice, or never, and Redis itself goes: readers hear all of it."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from core.settings import Settings
from dev.local.valkey import EmbeddedValkey
from services.delivery.unit_of_work import Delivery
from services.stores import Stores, build_stores
from streams import Position
from tests.waiting import wait_until
from webapp.relay.channel import Resync
from webapp.relay.hub import Hub
from webapp.relay.subscription import Subscription

from .room import Room, push_by, sweep_of

BEGIN = Position("", 0)


@pytest.fixture
def hub(room: Room) -> Iterator[Hub]:
    with listening(room) as made:
        yield made


@pytest.fixture
def mortal_valkey() -> Iterator[EmbeddedValkey]:
    """It writes its data to disk only when it is told to, and begins with them when it is started."""
    with (
        tempfile.TemporaryDirectory(prefix="welno-test-") as home,
        EmbeddedValkey(Path(home), appendonly=False) as server,
    ):
        yield server


@pytest.fixture
def mortal_room(stores: Stores, demo_env: dict[str, str], mortal_valkey: EmbeddedValkey) -> Iterator[Room]:
    """On the same database, and a Redis that this test may kill."""
    settings = Settings.read(demo_env | {"REDIS_URL": mortal_valkey.url})
    with closing(build_stores(settings, stores.clock, lambda _: None)) as built:
        yield Room(built).open()


@contextmanager
def listening(room: Room) -> Iterator[Hub]:
    """What a web process's readers hear by."""
    hub = Hub(room.stores.events, room.stores.settings.stores.redis_url, check_every_seconds=0.2)
    try:
        yield hub
    finally:
        hub.stop()


def hear(reader: Subscription, count: int) -> list[int]:
    """The numbers of what comes next; a resync fails."""
    heard = [reader.next(10) for _ in range(count)]
    assert not [one for one in heard if one is None or isinstance(one, Resync)]
    return [one.seq for one in heard if one is not None and not isinstance(one, Resync)]


def is_silent(reader: Subscription) -> bool:
    return reader.next(0.5) is None


@pytest.mark.parametrize("is_emptied", [False, True])
def test_two_senders_that_append_in_the_wrong_order_leave_no_hole(
    room: Room, hub: Hub, redis_client: redis.Redis, is_emptied: bool
):
    reader = hub.subscribe(room.subject, BEGIN)
    assert hear(reader, 1) == [1]
    parked: list[Delivery] = []
    push_by(room, parked.append, room.envelope(), room.envelope())
    if is_emptied:
        redis_client.flushall()
    assert room.say(2) == [4, 5]
    [late] = parked
    assert room.stores.sender.deliver(late)
    assert room.streamed() == ([4, 5] if is_emptied else [1, 2, 3, 4, 5])
    assert hear(reader, 4) == [2, 3, 4, 5]
    assert is_silent(reader)
    assert [one.seq for one in room.read_all()] == [1, 2, 3, 4, 5]


def test_what_a_dead_sender_committed_is_sent_by_the_sweep_alone(room: Room, hub: Hub):
    reader = hub.subscribe(room.subject, BEGIN)
    assert hear(reader, 1) == [1]
    push_by(room, lambda _: None, room.envelope(), room.envelope())
    assert room.streamed() == [1]
    assert sweep_of(room.stores).run(1.0) == 1
    assert room.streamed() == [1, 2, 3]
    assert hear(reader, 2) == [2, 3]
    assert is_silent(reader)


def test_a_sender_killed_between_its_append_and_the_answer_has_sent_once(room: Room, hub: Hub):
    reader = hub.subscribe(room.subject, BEGIN)
    envelopes = [room.envelope(), room.envelope()]

    class KilledError(Exception):
        pass

    def append_and_die(delivery: Delivery) -> None:
        assert room.stores.sender.deliver(delivery)
        raise KilledError

    with pytest.raises(KilledError):
        push_by(room, append_and_die, *envelopes)
    again = room.push(*envelopes)
    assert [(one.status, one.seq) for one in again] == [("duplicate", 2), ("duplicate", 3)]
    assert [one["envelope"] for one in room.items()[1:]] == envelopes
    assert hear(reader, 3) == [1, 2, 3]
    assert is_silent(reader)


@pytest.mark.parametrize("is_saved", [False, True], ids=["emptied", "an older dump"])
def test_redis_killed_and_started_again_costs_no_reader_an_item(
    mortal_room: Room, mortal_valkey: EmbeddedValkey, is_saved: bool
):
    room = mortal_room
    with listening(room) as hub, listening(room) as other:
        early = hub.subscribe(room.subject, BEGIN)
        room.say(2)
        if is_saved:
            room.stores.redis.save()
        room.say(2)
        mortal_valkey.kill()
        room.say(2)
        mortal_valkey.start()
        assert room.streamed() == ([1, 2, 3] if is_saved else [])
        late = other.subscribe(room.subject, Position(room.end().epoch, 3))
        assert wait_until(lambda: sweep_of(room.stores).run(1.0)) == 1
        room.say(2)
        assert hear(early, 9) == list(range(1, 10))
        assert hear(late, 6) == list(range(4, 10))
        assert is_silent(early)
        assert is_silent(late)
    assert room.streamed()[-1] == 9
    assert [one.seq for one in room.read_all()] == list(range(1, 10))
