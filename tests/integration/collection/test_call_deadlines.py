"""Until when a call that costs money may be under way: whose turn it is, and that it leaves in time or not at all."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import clock
from core.names import Step
from services.collection.call_turn import CallStands, CallTooLate
from services.collection.paid_calls import CHECKUPS, PaidCalls
from services.collection.run_engine import fail_step, finish_steps, hand_back
from services.collection.run_store import ClaimOutdated
from services.collection.step import Claim
from tests.waiting import wait_until
from upstream.http.exchange import PaidCall
from upstream.tilko.answers import DataAnswer, read_data_response
from upstream.tilko.errors import TilkoUnavailable

from .conftest import World
from .paying import (
    GOOD,
    TIMEOUT_SECONDS,
    Provider,
    call_seconds_left,
    claimed,
    end_call_time,
    fetching,
    lose_process,
    obtain,
    outcomes,
    paid_again,
)


@pytest.mark.parametrize(("step", "seconds"), [(Step.FETCH_HEALTH_DATA, 130), (Step.FETCH_PRESCRIPTIONS, 310)])
def test_the_deadline_of_a_call_is_in_the_row_when_its_step_begins(world: World, step: Step, seconds: float):
    session_id, claim = fetching(world, step)
    left = call_seconds_left(world, session_id)
    assert left is not None
    assert seconds - 20 < left <= seconds
    world.unit(finish_steps, claim, 2, world.tools)
    after = call_seconds_left(world, session_id)
    assert (after is None) is (step is Step.FETCH_PRESCRIPTIONS)


def test_a_step_without_a_call_has_no_deadline(world: World):
    session_id, _ = fetching(world, Step.SAVE_FILES)
    assert call_seconds_left(world, session_id) is None


@pytest.mark.parametrize("settle", ["fail", "hand_back"])
def test_the_deadline_goes_with_the_outcome(world: World, settle: str):
    session_id, claim = fetching(world)
    if settle == "fail":
        world.unit(fail_step, claim, TilkoUnavailable(reason="busy"), world.tools)
    else:
        world.unit(hand_back, claim, world.tools)
    assert call_seconds_left(world, session_id) is None


def test_while_a_lost_process_may_still_be_asking_nobody_else_does(world: World):
    session_id, _ = fetching(world)
    lose_process(world)
    claim, provider = claimed(world, session_id), Provider()
    with pytest.raises(CallStands) as caught:
        obtain(world, claim, provider)
    assert world.unit(fail_step, claim, caught.value, world.tools).is_retried
    run = world.run(session_id)
    assert (provider.asked, run.run_state, run.attempts) == (0, "ready", 0)
    assert run.not_before <= clock.now() + timedelta(seconds=1)
    assert (call_seconds_left(world, session_id) or 0) > 100
    assert outcomes(world, session_id)[-1] == "taken_back"


def test_what_a_lost_process_put_on_the_disk_is_taken_at_once(world: World):
    session_id, lost = fetching(world)
    lose_process(world)
    world.tools.calls.keep(lost, CHECKUPS, None, GOOD)
    provider = Provider()
    assert obtain(world, claimed(world, session_id), provider) == 2
    assert provider.asked == 0


def test_after_its_time_a_lost_call_is_made_once_more_and_counted(world: World):
    session_id, _ = fetching(world)
    lose_process(world)
    end_call_time(world, session_id)
    before = paid_again(world)
    claim, provider = claimed(world, session_id), Provider()
    assert obtain(world, claim, provider) == 2
    world.unit(finish_steps, claim, 2, world.tools)
    assert provider.asked == 1
    assert outcomes(world, session_id)[-3:] == ["taken_back", "asked_again", "done"]
    assert paid_again(world) == before + 1


def test_the_call_that_is_made_once_more_has_its_own_deadline(world: World):
    session_id, _ = fetching(world)
    lose_process(world)
    end_call_time(world, session_id)
    claim = claimed(world, session_id)
    assert (call_seconds_left(world, session_id) or 0) < 1  # nobody has asked yet
    obtain(world, claim, Provider())
    assert (call_seconds_left(world, session_id) or 0) > 100


def test_a_call_that_could_not_leave_in_time_does_not_leave(world: World):
    _, claim = fetching(world)
    provider = Provider()

    def ask(call: PaidCall) -> DataAnswer:
        wait_until_late(claim)  # to connect
        return provider(call)

    with pytest.raises(CallTooLate):
        hurried(world).obtain(claim, CHECKUPS, TIMEOUT_SECONDS, ask, read_data_response)
    assert provider.asked == 0


def test_a_call_that_comes_too_late_leaves_the_answer_of_the_one_before_where_it_is(world: World):
    session_id, claim = fetching(world)
    slow_holder = replace(claim)

    def ask(call: PaidCall) -> DataAnswer:
        world.tools.calls.keep(slow_holder, CHECKUPS, None, GOOD)
        wait_until_late(claim)
        call.before_send()
        raise AssertionError("it left")

    with pytest.raises(CallTooLate):
        hurried(world).obtain(claim, CHECKUPS, TIMEOUT_SECONDS, ask, read_data_response)
    assert "failed" not in world.files(session_id)
    provider = Provider()
    assert obtain(world, claim, provider) == 2
    assert provider.asked == 0


HURRIED_MARGIN_SECONDS = 0.1


def hurried(world: World) -> PaidCalls:
    """Whose calls have 50 ms to leave."""
    return PaidCalls(world.tools.spool, world.stores.unit_of_work, clock, HURRIED_MARGIN_SECONDS)


def wait_until_late(claim: Claim) -> None:
    """Until such a call may not leave any more."""
    wait_until(lambda: time.monotonic() > claim.turn.began_at + HURRIED_MARGIN_SECONDS / 2)


@pytest.mark.parametrize("seconds", [3, 6, 600])
def test_a_slow_spool_uses_up_nothing_of_the_time_to_leave(world: World, seconds: float):
    session_id, claim = fetching(world)
    claim.turn.begin(time.monotonic() - seconds)
    world.execute(
        "update welno.welno_collection_history set call_until = call_until - make_interval(secs => :seconds)"
        " where session_id = :id",
        id=session_id,
        seconds=seconds,
    )
    left: list[tuple[float | None, float]] = []
    before = paid_again(world)

    def ask(call: PaidCall) -> DataAnswer:
        left.append((call_seconds_left(world, session_id), call.ends_at - time.monotonic()))
        return Provider()(call)

    assert obtain(world, claim, ask) == 2
    [(in_row, of_call)] = left
    assert in_row is not None
    assert of_call < in_row <= world.tools.calls.seconds_of(TIMEOUT_SECONDS)
    assert paid_again(world) == before


def test_who_was_slow_and_has_lost_the_run_asks_nothing(world: World):
    _, claim = fetching(world)
    claim.turn.begin(time.monotonic() - 6)
    lose_process(world)
    provider = Provider()
    with pytest.raises(ClaimOutdated):
        obtain(world, claim, provider)
    assert provider.asked == 0
