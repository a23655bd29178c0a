"""A session lives on while it is used, up to its longest time."""

from datetime import timedelta

import pytest

from core.clock import clock
from services.collection.errors import SessionExpired, SessionNotFound

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
