"""Runs: asked for once, held by one, moved on by their holder only, tried again, given up, resumed."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.clock import clock
from core.names import Status, Step, step_task
from models.collection import CollectionRun
from models.collection.run_states import MAX_TAKEOVERS
from services.collection.errors import NotAsked, RunOver, SessionNotFound
from services.collection.requests import Asked
from services.collection.run_engine import fail_step, finish_step, finish_steps, hand_back, record_approval
from services.collection.run_store import ClaimOutdated
from services.collection.step import Claim
from services.collection.sweep import resume_stopped, take_from_dead
from services.collection.waiting import (
    asked_now,
    take_waiting,
)
from tests.concurrency import at_once
from upstream.tilko.errors import (
    ApprovalUnknown,
    NotApproved,
    TilkoError,
    TilkoMisconfigured,
    TilkoRefused,
    TilkoUnavailable,
)

from .conftest import OWNER, WORKER_STEPS, World

SECOND = timedelta(seconds=1)
# Known to the database alone.
NOT_KEPT = {"changed_at"}


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


# asking


def test_two_tabs_that_ask_at_once_send_one_push(world: World):
    session_id = world.start_somebody()
    answers = at_once(*[lambda: world.ask_auth(session_id)] * 2)
    assert sorted(answers, key=str) == [Asked.ACCEPTED, Asked.DUPLICATE]
    assert [call.name for call in world.calls] == [step_task(Step.REQUEST_SIMPLE_AUTH)]


def test_two_tabs_that_collect_at_once_hurry_one_poll(world: World):
    session_id, _ = world.waiting()
    answers = at_once(*[lambda: world.ask_collection(session_id)] * 2)
    assert sorted(answers, key=str) == [Asked.ACCEPTED, Asked.DUPLICATE]
    with world.stores.sessions() as session:
        assert asked_now(session, OWNER) == [UUID(session_id)]


def test_collecting_before_the_push_is_refused(world: World):
    session_id = world.start_somebody()
    with pytest.raises(NotAsked):
        world.ask_collection(session_id)


def test_an_unknown_session_is_not_found(world: World):
    with pytest.raises(SessionNotFound), world.stores.unit_of_work() as work:
        world.stores.pushes.ask(work, uuid4(), now=clock.now(), request_id="req-1")


@pytest.mark.parametrize("ask", [World.ask_auth, World.ask_collection])
def test_a_session_that_was_cancelled_is_over(world: World, ask):
    session_id, _ = world.waiting()
    world.cancel(session_id)
    with pytest.raises(RunOver):
        ask(world, session_id)


def test_asking_after_the_end_changes_nothing(world: World):
    session_id, claim = world.at(Step.FINISH)
    world.finish(claim)
    assert world.ask_auth(session_id) is Asked.DUPLICATE
    assert world.ask_collection(session_id) is Asked.DUPLICATE
    assert world.event_names(session_id).count("completed") == 1


# taking


def test_a_run_is_taken_by_one_of_two(world: World):
    session_id = world.asked()
    claims = at_once(*[lambda: world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)] * 2)
    assert [claim is None for claim in claims].count(True) == 1


def test_a_message_of_another_step_takes_nothing(world: World):
    session_id = world.asked()
    assert world.claim(session_id, Step.FETCH_HEALTH_DATA) is None
    assert world.run(session_id).fence == 0


def test_a_step_is_done_once_however_often_it_is_finished(world: World):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    assert world.finish(claim) is not None
    for finish in (finish_step, finish_steps):
        with pytest.raises(ClaimOutdated):
            world.unit(finish, claim, 3, world.tools)
    assert world.event_names(session_id).count("prescription_completed") == 1


def test_a_process_that_lost_its_run_changes_nothing(world: World):
    session_id, zombie = world.at(Step.FETCH_PRESCRIPTIONS)
    assert world.unit(take_from_dead, clock.now()) == 1
    before, told = world.run(session_id), world.event_names(session_id)
    for function, *given in ((finish_step, 3), (finish_steps, 3), (fail_step, TilkoUnavailable()), (hand_back,)):
        with pytest.raises(ClaimOutdated):
            world.unit(function, zombie, *given, world.tools)
    after = world.run(session_id)
    assert (after.fence, after.step, after.run_state) == (before.fence, Step.FETCH_PRESCRIPTIONS, "ready")
    assert (after.prescription_count, world.event_names(session_id)) == (None, told)


def test_steps_that_only_write_rows_are_one_statement_with_the_step_before(world: World):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    settled = world.unit(finish_steps, claim, 3, world.tools)
    assert settled.done == [Step.FETCH_PRESCRIPTIONS, Step.IDENTIFY_PATIENT]
    assert settled.following.step == Step.SAVE_FILES
    run, held = world.run(session_id), settled.following.run
    columns = [column.name for column in CollectionRun.__table__.columns if column.name not in NOT_KEPT]
    assert {name: getattr(held, name) for name in columns} == {name: getattr(run, name) for name in columns}


def test_what_others_change_meanwhile_is_kept(world: World):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    world.execute("update welno.welno_collection_history set expires_at = '2100-01-01', collect_requested = true")
    settled = world.unit(finish_steps, claim, 3, world.tools)
    assert (settled.following.run.expires_at.year, world.run(session_id).expires_at.year) == (2100, 2100)
    assert world.run(session_id).collect_requested


def test_a_run_that_was_taken_back_goes_on_and_says_nothing_twice(world: World):
    session_id, _ = world.at(Step.FETCH_PRESCRIPTIONS)
    world.unit(take_from_dead, clock.now())
    claim = world.claim(session_id, Step.FETCH_PRESCRIPTIONS)
    assert claim is not None
    assert claim.attempt == 2
    world.finish(claim)
    assert world.event_names(session_id).count("fetching_prescription_data") == 1


def test_a_run_that_spent_its_time_is_taken_from_the_living(world: World, held_lease: int):
    session_id, claim = world.waiting()
    world.unit(record_approval, claim, 2, world.tools)
    world.claim(session_id, Step.FETCH_HEALTH_DATA, owner_id=held_lease)
    assert world.unit(take_from_dead, clock.now()) == 0
    assert world.unit(take_from_dead, clock.now() + later(191)) == 1


def test_a_run_that_was_handed_back_can_be_taken_at_once(world: World):
    session_id, claim = world.at(Step.SAVE_FILES)
    world.unit(hand_back, claim, world.tools)
    assert world.claim(session_id, Step.SAVE_FILES) is not None
    assert ("save_files", "handed_back") in world.steps(session_id)


def test_a_step_that_kills_its_process_each_time_stops(world: World):
    session_id, _ = world.at(Step.SAVE_FILES)
    for _ in range(MAX_TAKEOVERS):
        assert world.unit(take_from_dead, clock.now()) == 1
        assert world.claim(session_id, Step.SAVE_FILES) is not None
    world.unit(take_from_dead, clock.now())
    run = world.run(session_id)
    assert (run.run_state, run.status, run.error_code) == ("idle", Status.ERROR, "POISON")
    assert world.event_names(session_id).count("collection_error") == 1
    assert world.ask_collection(session_id) is Asked.ACCEPTED
    assert world.claim(session_id, Step.SAVE_FILES) is not None


def test_a_run_that_cannot_be_opened_stops_visibly(world: World):
    session_id = world.asked()
    query = "update welno.welno_collection_history set identity = 'x' where session_id = :id"
    world.execute(query, id=session_id)
    assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) is None
    run = world.run(session_id)
    assert (run.run_state, run.status, run.error_code) == ("idle", Status.ERROR, "UNREADABLE")
    assert world.event_names(session_id) == ["error"]


# failing


def test_a_step_that_failed_is_tried_again_later(world: World):
    with clock.frozen(clock.now()):
        session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
        world.unit(fail_step, claim, TilkoUnavailable(), world.tools)
        assert world.claim(session_id, Step.FETCH_PRESCRIPTIONS) is None
        clock.advance(2 * SECOND)
        again = world.claim(session_id, Step.FETCH_PRESCRIPTIONS)
        assert again is not None
        assert again.attempt == 2
        world.finish(again)
    assert world.run(session_id).attempts == 0


def test_retry_after_moves_the_next_try(world: World):
    with clock.frozen(clock.now()):
        session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
        world.unit(fail_step, claim, TilkoUnavailable(retry_after_seconds=40), world.tools)
        assert world.run(session_id).not_before == clock.now() + 40 * SECOND


def test_the_last_try_is_told(world: World):
    session_id, claim = world.at(Step.REQUEST_SIMPLE_AUTH)
    with clock.frozen(clock.now()):
        for _ in range(3):
            assert claim is not None
            assert world.event_names(session_id) == []
            world.unit(fail_step, claim, TilkoUnavailable(), world.tools)
            clock.advance(10 * SECOND)
            claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    run = world.run(session_id)
    assert (run.run_state, run.status, run.error_code) == ("idle", Status.ERROR, "PROVIDER_UNAVAILABLE")
    assert world.event_names(session_id) == ["error"]


def fail_for_good(world: World, claim: Claim | None, error: Exception) -> None:
    """Each of its tries."""
    with clock.frozen(clock.now()):
        for _ in range(3):
            assert claim is not None
            world.unit(fail_step, claim, error, world.tools)
            clock.advance(10 * SECOND)
            claim = world.claim(str(claim.session_id), claim.step)


def end_request(world: World, session_id: str, at: datetime) -> None:
    """Of the push: until when it can be approved."""
    world.unit(lambda work: setattr(work.session.get_one(CollectionRun, UUID(session_id)), "approve_by", at))


def work_until_it_stops(world: World, claim: Claim | None) -> None:
    """As a worker does, whose every call fails."""
    with clock.frozen(clock.now()):
        while claim is not None:
            with pytest.raises(TilkoError) as caught:
                world.tools.handlers[claim.step].run(claim)
            failed = world.unit(fail_step, claim, caught.value, world.tools)
            clock.advance(10 * SECOND)
            again = world.claim(str(claim.session_id), claim.step) if failed.is_retried else None
            claim = failed.following or again


@pytest.mark.parametrize("error", [NotApproved(provider_code=4115), NotApproved(reason="html")], ids=str)
def test_a_missing_approval_after_the_approval_is_a_fault_and_no_new_wait(
    world: World, monkeypatch: pytest.MonkeyPatch, error: NotApproved
):
    def refuse(*_: object) -> None:
        raise error

    for call in ("fetch_checkups", "fetch_treatments"):
        monkeypatch.setattr(world.tools.tilko, call, refuse)
    session_id, claim = world.at(Step.FETCH_HEALTH_DATA)
    end_request(world, session_id, clock.now() - SECOND)
    approved_at = world.run(session_id).auth_completed_at
    work_until_it_stops(world, claim)
    run = world.run(session_id)
    assert (run.run_state, run.status, run.error_code) == ("idle", Status.ERROR, "PROVIDER_UNAVAILABLE")
    assert (run.auth_completed_at, approved_at is not None) == (approved_at, True)
    assert world.event_names(session_id)[-6:] == [
        "auth_completed",
        "fetching_health_data",
        "health_data_failed",
        "fetching_prescription_data",
        "prescription_data_failed",
        "error",
    ]
    fetching = [one for one in world.steps(session_id) if one[0].startswith("fetch_")]
    assert [outcome for _, outcome in fetching] == ["retrying", "retrying", "failed"] * 2


@pytest.mark.parametrize("step", [Step.FETCH_HEALTH_DATA, Step.FETCH_PRESCRIPTIONS])
def test_an_approval_that_a_data_call_does_not_know_of_is_no_error_as_long_as_the_request_lives(
    world: World, step: Step
):
    session_id, claim = world.at(step)
    end_request(world, session_id, clock.now() + 60 * SECOND)
    with clock.frozen(clock.now()):
        for _ in range(6):
            assert world.unit(fail_step, claim, ApprovalUnknown(reason="not_approved"), world.tools).is_retried
            clock.advance(10 * SECOND)
            claim = world.claim(session_id, step)
        assert world.unit(fail_step, claim, ApprovalUnknown(reason="not_approved"), world.tools).is_retried is False


@pytest.mark.parametrize("step", [step for step in WORKER_STEPS if step != Step.MAKE_REPORT])
def test_a_run_that_stopped_goes_on_where_it_stood(world: World, step):
    session_id, claim = world.at(step)
    if step == Step.FETCH_PRESCRIPTIONS:
        world.execute("update welno.welno_collection_history set health_failed = true")
    world.unit(fail_step, claim, TilkoMisconfigured(), world.tools)
    assert world.run(session_id).run_state == "idle"
    ask = world.ask_auth if step == Step.REQUEST_SIMPLE_AUTH else world.ask_collection
    assert ask(session_id) is Asked.ACCEPTED
    again = world.claim(session_id, step)
    assert again is not None
    assert (again.attempt, world.run(session_id).error_code) == (1, None)


def test_after_both_were_refused_both_are_asked_for_again(world: World):
    session_id, claim = world.at(Step.FETCH_HEALTH_DATA)
    failed = world.unit(fail_step, claim, TilkoRefused(), world.tools)
    world.unit(fail_step, failed.following, TilkoRefused(), world.tools)
    assert world.events(session_id)[-1]["data"]["code"] == "DATA_COLLECTION_FAILED"
    world.ask_collection(session_id)
    claim = world.claim(session_id, Step.FETCH_HEALTH_DATA)
    while claim is not None:
        claim = world.finish(claim)
    run = world.run(session_id)
    assert (run.status, run.health_failed, run.prescriptions_failed) == (Status.COMPLETED, False, False)


def test_a_wait_that_stopped_is_taken_up_again(world: World):
    session_id, _ = world.waiting()
    identity = world.run(session_id).identity
    spoil = "update welno.welno_collection_history set identity = :identity, owner_id = null"
    world.execute(spoil, identity=b"x")
    assert world.unit(take_waiting, OWNER, world.tools, 10) == []
    assert world.run(session_id).run_state == "idle"
    world.execute(spoil, identity=identity)
    assert world.ask_collection(session_id) is Asked.ACCEPTED
    assert len(world.unit(take_waiting, OWNER, world.tools, 10)) == 1


def test_a_run_that_stopped_while_saving_resumes_by_itself_so_often(world: World):
    session_id, claim = world.at(Step.SAVE_FILES)
    with clock.frozen(clock.now()):
        for pause in (60, 600):
            assert claim is not None
            world.unit(fail_step, claim, TilkoRefused(), world.tools)
            clock.advance(later(pause - 1))
            assert world.unit(resume_stopped, clock.now()) == 0
            clock.advance(SECOND)
            assert world.unit(resume_stopped, clock.now()) == 1
            claim = world.claim(session_id, Step.SAVE_FILES)
        assert claim is not None
        world.unit(fail_step, claim, TilkoRefused(), world.tools)
        assert world.unit(resume_stopped, clock.now() + timedelta(days=9)) == 0
