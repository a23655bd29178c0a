"""Runs that stand still, and sessions that wait: what the sweep and a poller do with them."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.clock import clock
from core.names import CONTROL_CHANNEL, Status, Step
from models.collection.run_states import SAVING_STEPS
from services.collection.run_engine import fail_step, finish_steps, record_approval
from services.collection.run_store import ClaimOutdated
from services.collection.sweep import expire_sessions, resend_lost
from services.collection.waiting import (
    expire_waiting,
    give_back,
    let_go,
    note_not_approved,
    record_verdict,
    take_waiting,
)
from tests.concurrency import at_once
from tests.waiting import wait_until
from upstream.tilko.errors import (
    TilkoRefused,
    WrongPersonalData,
)

from .conftest import OWNER, World

SECOND = timedelta(seconds=1)


# the sweep


def test_a_task_that_nobody_took_is_sent_again_ever_less_often(world: World):
    with clock.frozen(clock.now()):
        session_id = world.asked()
        pauses = []
        for _ in range(9):
            before = clock.now()
            clock.advance(world.run(session_id).resend_at - before)
            pauses.append((clock.now() - before).total_seconds())
            assert world.unit(resend_lost, clock.now()) == 1
            assert world.unit(resend_lost, clock.now()) == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(world.calls) == 10


def test_a_run_under_way_is_not_sent_again(world: World):
    world.at(Step.SAVE_FILES)
    world.calls.clear()
    assert world.unit(resend_lost, clock.now() + timedelta(days=1)) == 0


def test_a_session_that_waits_for_its_person_expires(world: World):
    session_id = world.start_somebody()
    expires_at = world.run(session_id).expires_at
    assert world.unit(expire_sessions, expires_at - SECOND) == 0
    assert world.unit(expire_sessions, expires_at) == 1
    assert_expired(world, session_id)


def test_a_session_that_no_poller_holds_expires_a_little_later(world: World):
    session_id = world.waiting()[0]
    expires_at = world.run(session_id).expires_at
    assert world.unit(expire_sessions, expires_at + 9 * SECOND) == 0
    assert world.unit(expire_sessions, expires_at + 10 * SECOND) == 1
    assert_expired(world, session_id)


def test_a_poller_ends_the_sessions_that_it_does_not_ask_about_just_now(world: World, held_lease: int):
    (session_id, _), (asked, _) = world.waiting(), world.waiting()
    world.unit(take_waiting, held_lease, world.tools, 1000)
    late = max(world.run(one).expires_at for one in (session_id, asked))
    assert world.unit(expire_sessions, late + timedelta(days=1)) == 0
    assert world.unit(expire_waiting, held_lease, {UUID(asked)}, late) == [UUID(session_id)]
    assert_expired(world, session_id)
    assert world.run(asked).run_state == "waiting"


def assert_expired(world: World, session_id: str) -> None:
    run = world.run(session_id)
    assert (run.status, run.run_state, run.identity, run.auth) == (Status.EXPIRED, "ended", None, None)
    assert world.events(session_id)[-1]["status"] == "expired"


@pytest.mark.parametrize("step", [Step.REQUEST_SIMPLE_AUTH, Step.FETCH_PRESCRIPTIONS, *SAVING_STEPS])
def test_work_under_way_does_not_expire(world: World, step):
    world.at(step)
    assert world.unit(expire_sessions, clock.now() + timedelta(days=9)) == 0


def test_what_is_on_disk_but_not_saved_does_not_expire(world: World):
    session_id, claim = world.at(Step.IMPORT_FILES)
    world.unit(fail_step, claim, TilkoRefused(), world.tools)
    assert world.run(session_id).run_state == "idle"
    assert world.unit(expire_sessions, clock.now() + timedelta(days=9)) == 0


def test_cancelling_stops_the_work_under_way_at_its_next_step(world: World):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    world.cancel(session_id)
    with pytest.raises(ClaimOutdated):
        world.unit(finish_steps, claim, 3, world.tools)
    run = world.run(session_id)
    assert (run.status, run.run_state, run.identity, run.token_hash) == (Status.CANCELLED, "ended", None, None)
    assert world.events(session_id)[-1]["status"] == "cancelled"


def test_who_reads_along_with_a_cancelled_session_is_looked_at_again(world: World):
    """Whoever cancels: the person, staff, the operators' command."""
    session_id, _ = world.waiting()
    with world.stores.redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(CONTROL_CHANNEL)
        channel.get_message(timeout=5)
        world.cancel(session_id)
        message = wait_until(channel.get_message, 5)
    assert message["data"].decode() == f"subject:tilko_session:{session_id}"


def test_cancelling_twice_is_told_once(world: World):
    session_id, _ = world.waiting()
    world.cancel(session_id)
    world.cancel(session_id)
    assert world.event_names(session_id).count("cancelled") == 1


# waiting


def test_a_waiting_session_is_taken_by_one_poller(world: World, held_lease: int):
    claim = world.claim(world.asked(), Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.finish(claim)
    counts = at_once(*[lambda: len(world.unit(take_waiting, held_lease, world.tools, 10))] * 2)
    assert sorted(counts, key=int) == [0, 1]
    assert world.unit(take_waiting, held_lease, world.tools, 10) == []


def test_a_poller_whose_session_was_taken_over_changes_nothing(world: World):
    session_id, old = world.waiting()
    world.unit(take_waiting, OWNER, world.tools, 10)
    told = world.event_names(session_id)
    world.unit(record_approval, old, 2, world.tools)
    world.unit(record_verdict, old, WrongPersonalData(), world.tools)
    world.unit(note_not_approved, old, 5, world.tools)
    assert (world.run(session_id).run_state, world.event_names(session_id)) == ("waiting", told)


def test_an_approval_is_recorded_once(world: World):
    session_id, claim = world.waiting()
    for _ in range(2):
        world.unit(record_approval, claim, 2, world.tools)
    assert world.event_names(session_id).count("auth_completed") == 1


def test_a_poller_hears_of_sessions_that_wait_no_longer(world: World):
    session_id, _ = world.waiting()
    assert world.unit(let_go, OWNER, within_seconds=60) == ([], [])
    world.cancel(session_id)
    assert world.unit(let_go, OWNER, within_seconds=60) == ([UUID(session_id)], [UUID(session_id)])
    assert world.unit(let_go, OWNER, within_seconds=0) == ([], [])


def test_a_poller_that_stops_frees_its_sessions(world: World):
    session_id, _ = world.waiting()
    world.unit(give_back, OWNER)
    assert world.run(session_id).owner_id is None
