"""One request per phone over all sessions: who has it, who takes it over, who hears of it, until when it counts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.clock import clock
from core.names import Status, Step
from models.collection.run_states import FAST_POLLS
from services.collection.answers import is_answered
from services.collection.errors import NotAsked, NotStopped
from services.collection.operators import resume_stopped_run
from services.collection.paid_calls import CHECKUPS
from services.collection.pushes import PushPending, forget_pushes
from services.collection.requests import Asked
from services.collection.run_engine import record_approval
from services.collection.step import Claim
from services.collection.waiting import end_overdue, note_not_approved, record_verdict, take_waiting
from services.patients.identity import Identity
from upstream.http.exchange import HttpResponse
from upstream.tilko.errors import Declined

from .conftest import OWNER, World
from .driver import make_identity
from .test_runs import at_once


def push(world: World, identity: Identity) -> tuple[str, Claim]:
    """A session whose request lies on the phone, held by a poller."""
    session_id = world.start(identity)
    assert world.ask_auth(session_id) is Asked.ACCEPTED
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.finish(claim)
    taken = world.unit(take_waiting, OWNER, world.tools, 10)
    return session_id, next(one.claim for one in taken if str(one.claim.session_id) == session_id)


def minute_later() -> Any:
    return clock.frozen(clock.now() + timedelta(seconds=61))


def test_a_second_session_waits_while_the_first_has_just_asked(world: World):
    identity = make_identity()
    first, _ = push(world, identity)
    second = world.start(identity)
    answer = world.ask_auth(second)
    assert isinstance(answer, PushPending)
    assert timedelta(seconds=50) < answer.left <= timedelta(seconds=60)
    assert world.run(second).step == Step.REQUEST_SIMPLE_AUTH
    assert world.run(second).run_state == "idle"
    assert world.run(first).status == Status.AUTH_PENDING


def test_the_first_hears_once_that_somebody_else_asked(world: World):
    identity = make_identity()
    first, _ = push(world, identity)
    second = world.start(identity)
    for _ in range(5):
        world.ask_auth(second)
    assert world.event_names(first).count("push_requested_elsewhere") == 1
    assert world.run(first).status == Status.AUTH_PENDING


def test_after_a_minute_the_second_takes_the_phone_over(world: World):
    identity = make_identity()
    first, claim = push(world, identity)
    second = world.start(identity)
    with minute_later():
        assert world.ask_auth(second) is Asked.ACCEPTED
    run, told = world.run(first), world.events(first)
    assert [event["type"] for event in told[-2:]] == ["push_requested_elsewhere", "auth_superseded"]
    assert told[-1]["data"] == {"code": "AUTH_SUPERSEDED", "retry_available": True}
    assert (run.status, run.step, run.run_state, run.auth) == ("timeout", Step.REQUEST_SIMPLE_AUTH, "idle", None)
    assert not world.unit(record_approval, claim, None, world.tools)
    assert world.run(first).auth_completed_at is None


def test_a_push_that_is_just_being_sent_is_taken_over_too(world: World):
    identity = make_identity()
    first, second = world.start(identity), world.start(identity)
    world.ask_auth(first)
    held = world.claim(first, Step.REQUEST_SIMPLE_AUTH)
    with minute_later():
        assert world.ask_auth(second) is Asked.ACCEPTED
    assert held is not None
    assert world.run(first).fence > held.fence
    assert world.run(first).step_started_at is None


def test_who_was_superseded_asks_again_from_the_first_step(world: World):
    identity = make_identity()
    first, _ = push(world, identity)
    second = world.start(identity)
    with minute_later():
        world.ask_auth(second)
        assert isinstance(world.ask_auth(first), PushPending)
    with clock.frozen(clock.now() + timedelta(seconds=130)):
        assert world.ask_auth(first) is Asked.ACCEPTED
    assert world.event_names(second)[-1] == "auth_superseded"


def test_two_sessions_that_ask_at_once_leave_one_request(world: World):
    identity = make_identity()
    sessions = [world.start(identity) for _ in range(2)]
    answers = at_once(lambda: world.ask_auth(sessions.pop()))
    assert answers.count(Asked.ACCEPTED) == 1
    under_way = "select count(*) from welno.welno_collection_history where run_state = 'ready'"
    assert world.value(under_way) == 1


def test_asking_again_does_not_keep_the_owner_out_for_longer(world: World):
    """A stranger who has the phone sends anew: the minute is counted from their first request."""
    identity = make_identity()
    first, claim = push(world, identity)
    second = world.start(identity)
    with clock.frozen(clock.now() + timedelta(seconds=50)):
        world.unit(note_not_approved, claim, FAST_POLLS, world.tools)
        assert world.ask_auth(first) is Asked.ACCEPTED
    with minute_later():
        assert world.ask_auth(second) is Asked.ACCEPTED


@pytest.mark.parametrize("end", ["declined", "approved", "cancelled", "overdue"])
def test_a_phone_is_free_once_its_request_has_ended(world: World, end: str):
    identity = make_identity()
    first, claim = push(world, identity)
    if end == "declined":
        world.unit(record_verdict, claim, Declined(), world.tools)
    elif end == "approved":
        world.unit(record_approval, claim, None, world.tools)
    elif end == "cancelled":
        world.cancel(first)
    else:
        world.unit(end_overdue, claim, world.tools)
    told = world.event_names(first)
    assert world.ask_auth(world.start(identity)) is Asked.ACCEPTED
    assert world.event_names(first) == told


def test_a_request_whose_run_stopped_is_voided_too_when_another_takes_the_phone(world: World):
    """Its person could go on with it by asking for the collection."""
    identity = make_identity()
    first, claim = push(world, identity)
    world.execute("update welno.welno_collection_history set run_state = 'idle' where session_id = :id", id=first)
    with minute_later():
        assert world.ask_auth(world.start(identity)) is Asked.ACCEPTED
    assert world.run(first).auth is None
    with pytest.raises(NotAsked):
        world.ask_collection(first)
    assert not world.unit(record_approval, claim, None, world.tools)


def test_a_request_about_which_a_last_check_is_under_way_is_voided_when_another_takes_the_phone(world: World):
    identity = make_identity()
    first, claim = push(world, identity)
    until = world.run(first).approve_by
    assert until is not None
    with clock.frozen(until + timedelta(seconds=1)):
        assert world.ask_auth(world.start(identity)) is Asked.ACCEPTED
    assert world.event_names(first)[-1] == "auth_superseded"
    assert not world.unit(record_approval, claim, None, world.tools)


@pytest.mark.parametrize("how", ["superseded", "overdue"])
def test_no_operator_sends_a_push(world: World, how: str):
    identity = make_identity()
    session_id, claim = push(world, identity)
    if how == "overdue":
        world.unit(end_overdue, claim, world.tools)
    else:
        with minute_later():
            world.ask_auth(world.start(identity))
    assert world.run(session_id).error_code is not None
    with pytest.raises(NotStopped):
        world.unit(resume_stopped_run, UUID(session_id), now=clock.now())


def test_other_phones_are_not_held_up(world: World):
    push(world, make_identity())
    assert world.ask_auth(world.start(make_identity())) is Asked.ACCEPTED


def test_a_request_counts_for_ten_minutes_however_often_it_is_asked_about(world: World):
    session_id, claim = push(world, make_identity())
    until = world.run(session_id).approve_by
    assert until is not None
    assert abs(until - clock.now() - timedelta(minutes=10)) < timedelta(seconds=5)
    waiting = next(event for event in world.events(session_id) if event["type"] == "auth_waiting")
    assert waiting["data"] == {"approve_by": until.isoformat()}
    assert world.ask_auth(session_id) is Asked.DUPLICATE
    world.ask_collection(session_id)
    world.unit(note_not_approved, claim, 1, world.tools)
    assert world.run(session_id).approve_by == until


def test_a_request_that_is_over_opens_nothing_and_may_be_sent_again(world: World):
    session_id, claim = push(world, make_identity())
    world.unit(end_overdue, claim, world.tools)
    run, told = world.run(session_id), world.events(session_id)[-1]
    assert (run.status, run.run_state, run.approve_by) == (Status.TIMEOUT, "idle", None)
    assert (told["type"], told["data"]["code"]) == ("auth_timeout", "APPROVAL_EXPIRED")
    assert not world.unit(record_approval, claim, None, world.tools)
    assert world.ask_auth(session_id) is Asked.ACCEPTED


@pytest.mark.parametrize("is_void", [True, False])
def test_an_answer_to_a_void_request_tells_nothing_of_the_next(world: World, is_void: bool):
    """Where a data call is the poll, its answer may come when the request has been taken over."""
    identity = make_identity()
    session_id, claim = push(world, identity)
    world.tools.calls.keep(claim, CHECKUPS, None, HttpResponse(200, {}, b"{}"))
    if is_void:
        with minute_later():
            world.ask_auth(world.start(identity))
        with clock.frozen(clock.now() + timedelta(seconds=130)):
            assert world.ask_auth(session_id) is Asked.ACCEPTED
            again = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
            assert again is not None
            world.finish(again)
    claims = {one.claim.session_id: one.claim for one in world.unit(take_waiting, OWNER, world.tools, 10)}
    assert is_answered(world.tools.spool, claims.get(UUID(session_id), claim)) is not is_void


def test_no_number_stands_with_the_phones(world: World):
    identity = make_identity()
    session_id, _ = push(world, identity)
    [row] = world.rows("select * from welno.welno_pushes where session_id = :id", id=UUID(session_id))
    assert identity.phone_no not in str(row)
    assert identity.phone_no.removeprefix("0") not in str(row)


def test_what_is_a_day_old_is_forgotten(world: World):
    push(world, make_identity())
    world.execute("update welno.welno_pushes set taken_at = now() - interval '25 hours'")
    push(world, make_identity())
    with world.stores.sessions.begin() as session:
        assert forget_pushes(session) == 1
    assert world.value("select count(*) from welno.welno_pushes") == 1
