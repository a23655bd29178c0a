"""Events: each committed one reaches its stream once, in the order of the commits, whatever is away or dies."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.clock import clock
from core.names import session_subject
from dev.local.ports import pick_port
from services.collection.requests import lock_run, note_change
from services.collection.sweep import left_behind
from services.delivery.outbox import Outbox
from services.delivery.unit_of_work import UnitOfWork
from services.stores import connect_redis
from streams import Streams, StreamsUnavailable

from .conftest import World

LATER = timedelta(seconds=2)


def emit(world: World, session_id: str, count: int = 1, units: UnitOfWork | None = None) -> None:
    """A unit that says the number of the run's revision, so that the order of commits can be read."""
    with (units or world.stores.unit_of_work)() as work:
        run = lock_run(work.session, UUID(session_id))
        note_change(work, run, clock.now())
        for _ in range(count):
            work.emit(session_subject(session_id), {"type": "x", "n": run.revision})


def numbers(world: World, session_id: str) -> list[int]:
    events = world.events(session_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return [event["n"] for event in events]


def test_many_writers_and_flushers_keep_order_and_lose_nothing(world: World):
    session_id = world.start_somebody()
    done = threading.Event()

    def flush() -> None:
        while not done.is_set():
            world.stores.outbox.flush(session_subject(session_id))

    with ThreadPoolExecutor(6) as pool:
        flushers = [pool.submit(flush) for _ in range(2)]
        writers = [pool.submit(lambda: [emit(world, session_id) for _ in range(25)]) for _ in range(4)]
        for writer in writers:
            writer.result()
        done.set()
        for flusher in flushers:
            flusher.result()
    assert numbers(world, session_id) == list(range(2, 102))
    assert world.unsent(session_id) == 0


def test_events_of_one_unit_keep_their_order(world: World):
    session_id = world.start_somebody()
    emit(world, session_id, count=3)
    emit(world, session_id)
    assert numbers(world, session_id) == [2, 2, 2, 3]


def test_what_redis_could_not_take_waits_and_is_found(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        emit(cut_off, session_id)
        assert not cut_off.stores.outbox.flush(session_subject(session_id))
    assert world.unsent(session_id) == 1
    with world.stores.sessions() as session:
        assert left_behind(session, clock.now() - LATER) == []
        assert left_behind(session, clock.now() + LATER) == [session_subject(session_id)]
    emit(world, session_id)
    assert (numbers(world, session_id), world.unsent(session_id)) == ([2, 3], 0)


class Severed(Streams):
    """Redis takes the events, and the answer never comes back."""

    def append(self, *args: Any, **named: Any) -> Any:
        super().append(*args, **named)
        raise StreamsUnavailable("append")


def test_a_crash_between_append_and_commit_sends_nothing_twice(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    subject = session_subject(session_id)
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        emit(cut_off, session_id, count=2)
    severed = replace_streams(world.stores.outbox, Severed(world.stores.redis))
    assert not severed.flush(subject)
    assert (world.unsent(session_id), numbers(world, session_id)) == (2, [2, 2])
    assert world.stores.outbox.flush(subject)
    assert (world.unsent(session_id), numbers(world, session_id)) == (0, [2, 2])


def replace_streams(outbox: Outbox, streams: Streams) -> Outbox:
    severed = object.__new__(type(outbox))
    severed.__dict__.update(vars(outbox) | {"_streams": streams})
    return severed


def test_a_unit_that_fails_says_nothing(world: World):
    session_id = world.start_somebody()
    world.calls.clear()

    def fail() -> None:
        with world.stores.unit_of_work() as work:
            work.emit(session_subject(session_id), {"type": "x"})
            work.send("welno.collection.finish", session_id, "req-1")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (world.events(session_id), world.unsent(session_id), world.calls) == ([], 0, [])


# the Redis copy


def test_an_older_copy_never_replaces_a_newer_one(world: World):
    session_id = world.start_somebody()
    subject = session_subject(session_id)
    with world.stores.sessions() as session:
        old = world.stores.outbox._project(session, subject)
    emit(world, session_id)
    assert old is not None
    world.stores.streams.append(subject, [], replace(old, fields={**old.fields, "status": "expired"}))
    view = world.stores.directory.read(session_id)
    assert view is not None
    assert (view.revision, view.status) == (2, "initiated")


def test_the_copy_is_healed_after_redis_was_emptied(world: World):
    session_id = world.start_somebody()
    before = world.stores.directory.read(session_id)
    world.stores.redis.flushall()
    assert world.stores.directory.read(session_id) == before
    assert world.stores.redis.exists(session_subject(session_id))
    world.execute("delete from welno.welno_collection_history")
    assert world.stores.directory.read(session_id) == before


def test_a_copy_that_cannot_be_read_is_passed_over(world: World):
    session_id = world.start_somebody()
    before = world.stores.directory.read(session_id)
    world.stores.redis.hdel(session_subject(session_id), "health_data")
    assert world.stores.directory.read(session_id) == before


def test_without_redis_postgresql_answers(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        view = cut_off.stores.directory.read(session_id)
    assert view == world.stores.directory.read(session_id)


@pytest.mark.parametrize("session_id", ["", "no-uuid", "5b1f0f6e-3a59-4a53-a0a5-7c53d6b0a000"])
def test_an_unknown_session_is_none(world: World, session_id: str):
    assert world.stores.directory.read(session_id) is None


def test_the_copy_holds_nothing_personal_in_clear(world: World):
    session_id, _ = world.waiting()
    values = b" ".join(connect_redis(world.settings.stores.redis_url).hgetall(session_subject(session_id)).values())
    for secret in ("정", "01050", "19800102", "1980-01-02", "cx-invented", "req-tx"):
        assert secret.encode() not in values


class Late(Streams):
    """What another does between a sender's commit and its append."""

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        super().__init__(world.stores.redis)
        self._meanwhile: Callable[[], object] | None = meanwhile

    def append(self, *args: Any, **named: Any) -> Any:
        if meanwhile := self._meanwhile:
            self._meanwhile = None
            meanwhile()
        return super().append(*args, **named)


def late_units(world: World, meanwhile: Callable[[], object]) -> UnitOfWork:
    outbox = replace_streams(world.stores.outbox, Late(world, meanwhile))
    return UnitOfWork(world.stores.sessions, outbox.deliver, world.calls.append)


def test_a_sender_that_stood_still_puts_nothing_old_after_what_is_newer(world: World):
    """A sweep sent its event, Redis was emptied, and the next event went out, all before the sender woke up."""
    session_id = world.start_somebody()
    subject = session_subject(session_id)

    def meanwhile() -> None:
        world.stores.outbox.flush(subject)
        world.stores.redis.flushdb()
        emit(world, session_id)

    emit(world, session_id, units=late_units(world, meanwhile))
    assert (numbers(world, session_id), world.unsent(session_id)) == ([3], 0)


def test_a_sender_that_is_overtaken_by_a_mere_change_still_sends(world: World):
    session_id = world.start_somebody()

    def meanwhile() -> None:
        with world.stores.unit_of_work() as work:
            note_change(work, lock_run(work.session, UUID(session_id)), clock.now())

    emit(world, session_id, units=late_units(world, meanwhile))
    assert (numbers(world, session_id), world.unsent(session_id)) == ([2], 0)
