"""A phone that is asked anew, a person who declines, and details that do not fit: how a wait ends, and begins again."""

from uuid import UUID

import pytest

from core.clock import clock
from core.names import Status, Step, step_task
from models.collection.run_states import FAST_POLLS
from services.collection.errors import NotAsked, NotStopped, RunOver
from services.collection.operators import resume_stopped_run
from services.collection.requests import Asked
from services.collection.run_engine import fail_step, record_approval
from services.collection.step import Claim
from services.collection.sweep import expire_sessions
from services.collection.waiting import asked_now, let_go, note_not_approved, record_verdict, take_waiting
from upstream.tilko.errors import Declined, NotRegistered, TilkoMisconfigured, WrongPersonalData

from .conftest import OWNER, World
from .test_runs import at_once


def tell_that_it_takes_long(world: World, claim: Claim) -> None:
    world.unit(note_not_approved, claim, FAST_POLLS, world.tools)


def test_a_second_push_waits_until_the_first_has_taken_long(world: World):
    session_id, claim = world.waiting()
    assert world.ask_auth(session_id) is Asked.DUPLICATE
    tell_that_it_takes_long(world, claim)
    world.calls.clear()
    assert at_once(lambda: world.ask_auth(session_id)).count(Asked.ACCEPTED) == 1
    assert [call.name for call in world.calls] == [step_task(Step.REQUEST_SIMPLE_AUTH)]
    run = world.run(session_id)
    assert (run.status, run.step, run.auth) == (Status.AUTH_REQUESTING, Step.REQUEST_SIMPLE_AUTH, None)


def test_a_push_that_was_replaced_opens_nothing_any_more(world: World):
    session_id, old = world.waiting()
    tell_that_it_takes_long(world, old)
    world.ask_auth(session_id)
    for when in ("asked", "waiting"):
        if when == "waiting":
            claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
            assert claim is not None
            world.finish(claim)
            world.unit(take_waiting, OWNER, world.tools, 10)
        before, told = world.run(session_id), world.event_names(session_id)
        assert not world.unit(record_approval, old, None, world.tools)
        world.unit(record_verdict, old, Declined(), world.tools)
        world.unit(note_not_approved, old, 9, world.tools)
        after = world.run(session_id)
        assert (after.status, after.run_state, after.fence) == (before.status, before.run_state, before.fence)
        assert world.event_names(session_id) == told


def test_the_poller_hears_of_a_push_that_was_replaced(world: World):
    """Also when a worker has taken the run before the poller looks."""
    session_id, claim = world.waiting()
    tell_that_it_takes_long(world, claim)
    assert world.unit(let_go, OWNER, within_seconds=60) == ([], [])
    world.ask_auth(session_id)
    assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH, owner_id=OWNER + 1) is not None
    assert world.unit(let_go, OWNER, within_seconds=60) == ([], [UUID(session_id)])
    world.execute("update welno.welno_collection_history set changed_at = now() - interval '61 seconds'")
    assert world.unit(let_go, OWNER, within_seconds=60) == ([], [])


def test_an_approved_run_is_pushed_no_more(world: World):
    session_id, claim = world.waiting()
    tell_that_it_takes_long(world, claim)
    world.unit(record_approval, claim, None, world.tools)
    assert world.ask_auth(session_id) is Asked.DUPLICATE


@pytest.mark.parametrize(
    "error", [WrongPersonalData(), WrongPersonalData(reason="person_not_found"), NotRegistered("3")]
)
def test_what_the_person_has_to_correct_ends_the_run(world: World, error):
    session_id, claim = world.waiting()
    world.unit(record_verdict, claim, error, world.tools)
    run = world.run(session_id)
    assert (run.status, run.run_state, run.identity) == (Status.INFO_REQUIRED, "ended", None)
    with pytest.raises(RunOver):
        world.ask_auth(session_id)


def test_who_declined_may_be_asked_again_if_they_wish(world: World):
    session_id, claim = world.waiting()
    world.unit(record_verdict, claim, Declined(provider_code=4100), world.tools)
    run, told = world.run(session_id), world.events(session_id)[-1]
    assert (run.status, run.run_state, run.step, run.auth) == (Status.DECLINED, "idle", Step.REQUEST_SIMPLE_AUTH, None)
    assert (told["type"], told["status"]) == ("declined", "declined")
    assert told["data"] == {"code": "DECLINED", "retry_available": True}
    assert "거절" in told["message"]
    with pytest.raises(NotAsked):
        world.ask_collection(session_id)
    assert [world.ask_auth(session_id) for _ in range(2)] == [Asked.ACCEPTED, Asked.DUPLICATE]
    again = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert again is not None
    world.finish(again)
    assert world.event_names(session_id)[-3:] == ["declined", "auth_key_received", "auth_waiting"]


def test_no_operator_can_resume_what_a_person_declined(world: World):
    session_id, claim = world.waiting()
    world.unit(record_verdict, claim, Declined(), world.tools)
    assert world.run(session_id).error_code is None
    with pytest.raises(NotStopped):
        world.unit(resume_stopped_run, UUID(session_id), now=clock.now())


def test_what_was_declined_expires_with_its_session(world: World):
    session_id, claim = world.waiting()
    world.unit(record_verdict, claim, Declined(), world.tools)
    assert world.unit(expire_sessions, world.run(session_id).expires_at) == 1
    assert [world.events(session_id)[-1][name] for name in ("type", "status")] == ["expired", "expired"]


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_collection_asked_for_while_the_push_is_on_its_way_is_noted_for_the_poller(world: World, is_taken: bool):
    session_id = world.asked()
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) if is_taken else None
    assert [world.ask_collection(session_id) for _ in range(2)] == [Asked.ACCEPTED, Asked.DUPLICATE]
    claim = claim or world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.finish(claim)
    world.unit(take_waiting, OWNER, world.tools, 10)
    with world.stores.sessions() as session:
        assert asked_now(session, OWNER) == [UUID(session_id)]


def test_a_push_that_failed_takes_the_wish_for_the_collection_with_it(world: World):
    session_id = world.asked()
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.ask_collection(session_id)
    world.unit(fail_step, claim, TilkoMisconfigured(), world.tools)
    with pytest.raises(NotAsked):
        world.ask_collection(session_id)
    world.ask_auth(session_id)
    assert not world.run(session_id).collect_requested
