"""A session lives on while it is used, up to its longest time."""

from datetime import timedelta
from uuid import UUID

import pytest
import redis

from core.clock import clock
from core.names import Status
from services.collection.errors import SessionExpired, SessionNotFound
from services.collection.run_engine import record_approval
from services.collection.run_store import locked_run
from services.collection.sweep import expire_run
from services.collection.transitions import note_change

from .conftest import World

TTL = timedelta(seconds=1800)


def use(world: World, session_id: str) -> bool:
    """As each request does: whether the deadline was worth moving."""
    view = world.stores.directory.read(session_id)
    assert view is not None
    deadline = world.stores.directory.renewal(view)
    if deadline is not None:
        with world.stores.unit_of_work() as work:
            world.stores.directory.renew(work, view, deadline)
    return deadline is not None


def test_a_use_right_after_the_start_costs_nothing(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        clock.advance(TTL * 0.05)
        assert not use(world, session_id)


def test_an_early_renewal_is_silent(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        clock.advance(TTL * 0.3)
        assert use(world, session_id)
        assert world.run(session_id).expires_at == clock.now() + TTL
    assert world.event_names(session_id) == []


def test_a_late_renewal_is_told(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        clock.advance(TTL * 0.6)
        assert use(world, session_id)
        deadline = (clock.now() + TTL).isoformat()
    (event,) = world.events(session_id)
    assert (event["type"], event["data"]) == ("session_extended", {"expires_at": deadline})


def test_a_session_lives_no_longer_than_its_longest_time(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        started = clock.now()
        while use(world, session_id) or clock.now() < started + TTL:
            clock.advance(TTL * 0.5)
        assert world.run(session_id).expires_at == started + timedelta(seconds=14_400)


def test_a_session_that_ended_is_not_brought_back(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        view = world.stores.directory.read(session_id)
        clock.advance(TTL + timedelta(seconds=1))
        assert view is not None
        with world.stores.unit_of_work() as work:
            world.stores.directory.renew(work, view, clock.now() + TTL)
        assert world.run(session_id).expires_at < clock.now()


def test_an_id_is_no_key(world: World):
    session_id = world.start_somebody()
    for token in (None, "", "guessed"):
        with pytest.raises(SessionNotFound):
            world.stores.directory.find(session_id, token)


def test_its_own_person_is_told_that_it_expired(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        token = world.tokens[session_id]
        assert world.stores.directory.find(session_id, token).session_id == session_id
        clock.advance(TTL)
        with pytest.raises(SessionExpired):
            world.stores.directory.find(session_id, token)


def test_whoever_watches_is_renewed_rarely_and_in_silence(world: World):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        known = world.stores.directory.find(session_id, world.tokens[session_id])
        clock.advance(TTL * 0.3)
        assert world.stores.directory.renewal(known, share=0.4) is None
        clock.advance(TTL * 0.15)
        deadline = world.stores.directory.renewal(known, share=0.4)
        assert deadline is not None
        with world.stores.unit_of_work() as work:
            world.stores.directory.renew(work, known, deadline)
    assert world.event_names(session_id) == []


def test_what_a_run_writes_lets_its_session_live_on_without_a_browser(world: World):
    with clock.frozen(clock.now()):
        session_id, claim = world.waiting()
        clock.advance(TTL * 0.9)
        world.unit(record_approval, claim, None, world.tools)
        written_at = clock.now()
        assert world.run(session_id).expires_at == written_at + TTL
        clock.advance(TTL * 0.9)
        assert world.stores.directory.find(session_id, world.tokens[session_id])


def test_the_redis_hash_lives_as_long_as_its_session(world: World, redis_client: redis.Redis):
    with clock.frozen(clock.now()):
        session_id, claim = world.waiting()
        clock.advance(TTL * 0.9)
        world.unit(record_approval, claim, None, world.tools)
    left = redis_client.ttl(f"tilko_session:{session_id}")
    assert TTL.total_seconds() - 60 < left <= TTL.total_seconds()


def test_a_run_moves_its_session_no_further_than_its_longest_time(world: World):
    with clock.frozen(clock.now()):
        started = clock.now()
        session_id, claim = world.waiting()
        longest = started + timedelta(seconds=14_400)
        world.execute("update welno.welno_collection_history set expires_at = :at", at=longest - TTL / 2)
        clock.advance(timedelta(seconds=14_400) - TTL * 0.6)
        world.unit(record_approval, claim, None, world.tools)
        assert world.run(session_id).expires_at == longest


def test_no_write_brings_a_session_back_that_has_ended(world: World):
    with clock.frozen(clock.now()):
        session_id, claim = world.waiting()
        ended_at = clock.now() + timedelta(seconds=1)
        world.execute("update welno.welno_collection_history set expires_at = :at", at=ended_at)
        clock.advance(timedelta(seconds=2))
        world.unit(record_approval, claim, None, world.tools)
        assert world.run(session_id).expires_at == ended_at


@pytest.mark.parametrize("end", [Status.CANCELLED, Status.EXPIRED])
def test_the_end_of_a_session_lets_it_live_no_longer(world: World, end: Status):
    with clock.frozen(clock.now()):
        session_id = world.start_somebody()
        before = world.run(session_id).expires_at
        clock.advance(TTL * 0.5)
        if end is Status.CANCELLED:
            world.cancel(session_id)
        else:
            world.unit(expire_run, world.run(session_id), clock.now())
        assert (world.run(session_id).status, world.run(session_id).expires_at) == (end, before)


def test_a_write_that_sets_the_sessions_end_decides_it(world: World):
    (session_id, _), end = world.waiting(), clock.now() + timedelta(seconds=60)
    with world.stores.unit_of_work() as work, locked_run(work, UUID(session_id)) as run:
        run.expires_at = end
        note_change(run, clock.now())
    assert world.run(session_id).expires_at == end
