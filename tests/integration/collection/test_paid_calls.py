"""A call that costs money: what is on disk before it is judged, and what is not bought again."""

import errno
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from core.clock import clock
from core.names import Step
from services.collection.answers import find_count
from services.collection.call_turn import CallStands
from services.collection.operators import resume_stopped_run
from services.collection.paid_calls import CHECKUPS, PRESCRIPTIONS, REPORT, SIMPLE_AUTH, PaidCalls
from services.collection.requests import Asked
from services.collection.run_engine import fail_step
from services.collection.step import Claim
from spool import AnswerKind, DamagedFile, Disk, KeptAnswer, Spool, StorageFault
from tests.waiting import wait_until
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.mediarc.answers import ReportAnswer, read_report_response
from upstream.mediarc.errors import MediarcAnswerUnreadable, MediarcUnavailable
from upstream.tilko.answers import DataAnswer, may_hold_data, read_data_response
from upstream.tilko.codec import AuthTokens
from upstream.tilko.errors import AnswerUnreadable, TilkoRefused

from .conftest import MADE, TOKENS, World
from .paying import (
    CODED_REFUSAL,
    GOOD,
    LONG_REFUSAL,
    ODD,
    TIMEOUT_SECONDS,
    Provider,
    call_seconds_left,
    claimed,
    end_call_time,
    fetching,
    lose_process,
    obtain,
)


def test_an_answer_is_on_disk_with_its_story_before_it_is_judged(world: World):
    session_id, claim = fetching(world)
    on_disk = []

    def ask(call: PaidCall) -> DataAnswer:
        call.keep(GOOD)
        on_disk.append(world.tools.spool.read_incoming(session_id, AnswerKind.HEALTH))
        return read_data_response(GOOD)

    assert obtain(world, claim, ask) == 2
    [kept] = on_disk
    assert kept.body == GOOD.body
    assert {name: kept.about[name] for name in ("call", "session_id", "step", "attempt", "fence", "status")} == {
        "call": "checkups",
        "session_id": session_id,
        "step": "fetch_health_data",
        "attempt": 1,
        "fence": claim.fence,
        "status": 200,
    }
    assert kept.about["headers"] == {"content-type": "application/json"}


def test_an_answer_that_nobody_can_read_is_parked_and_not_bought_again(world: World):
    session_id, claim = fetching(world)
    with pytest.raises(AnswerUnreadable) as caught:
        obtain(world, claim, Provider(ODD))
    failed = world.unit(fail_step, claim, caught.value, world.tools)
    assert not failed.is_retried
    assert failed.following.step == Step.FETCH_PRESCRIPTIONS
    [name] = world.files(session_id)["failed"][:1]
    assert world.tools.spool.read_parked(name).body == ODD.body
    assert world.tools.spool.describe(name).last_error == "not_json"
    assert world.event_names(session_id)[-2:] == ["health_data_failed", "fetching_prescription_data"]


@pytest.mark.parametrize("refusal", [LONG_REFUSAL, CODED_REFUSAL], ids=["long", "coded"])
def test_a_refusal_that_was_kept_is_no_answer(world: World, refusal: HttpResponse):
    session_id, claim = fetching(world, Step.FETCH_PRESCRIPTIONS)
    assert may_hold_data(refusal.status, refusal.headers, refusal.body)
    with pytest.raises(TilkoRefused):
        obtain(world, claim, Provider(refusal), PRESCRIPTIONS)
    assert world.files(session_id) == {}


def test_a_refusal_leaves_the_answer_that_another_has_put_on_the_disk(world: World):
    session_id, lost = fetching(world)
    lose_process(world)
    end_call_time(world, session_id)
    claim = claimed(world, session_id)

    def ask(call: PaidCall) -> DataAnswer:
        world.tools.calls.keep(lost, CHECKUPS, None, GOOD)  # it was not dead
        call.keep(LONG_REFUSAL)
        return read_data_response(LONG_REFUSAL)

    with pytest.raises(TilkoRefused):
        obtain(world, claim, ask)
    assert world.tools.spool.read_incoming(session_id, AnswerKind.HEALTH).body == GOOD.body


def test_a_refusal_stays_one_beside_an_answer_of_another_that_cannot_be_read(world: World):
    session_id, lost = fetching(world)
    lose_process(world)
    end_call_time(world, session_id)
    claim = claimed(world, session_id)

    def ask(call: PaidCall) -> DataAnswer:
        world.tools.calls.keep(lost, CHECKUPS, None, GOOD)
        [path] = world.settings.files.data_dir.glob("incoming/*.raw")
        path.write_bytes(path.read_bytes()[:-1])
        return read_data_response(LONG_REFUSAL)

    with pytest.raises(TilkoRefused):
        obtain(world, claim, ask)


def test_a_mistake_of_ours_in_reading_an_answer_buys_no_second_one(world: World):
    session_id, claim = fetching(world)

    def ask(call: PaidCall) -> DataAnswer:
        call.keep(GOOD)
        raise KeyError("ours")

    with pytest.raises(AnswerUnreadable):
        obtain(world, claim, ask)
    assert len(world.files(session_id)["failed"]) == 2  # the answer and its reason


def test_a_mistake_of_ours_in_reading_what_a_poll_brought_is_for_people_to_look_at(world: World):
    session_id, _ = fetching(world)
    world.tools.spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(GOOD.body, {"status": "odd"}))
    with pytest.raises(AnswerUnreadable, match="unexpected_valueerror"):
        find_count(world.tools.spool, session_id, AnswerKind.HEALTH)


def test_the_tokens_of_a_push_are_on_disk_before_the_commit(world: World):
    session_id = world.asked()
    claim = claimed(world, session_id, Step.REQUEST_SIMPLE_AUTH)
    pushes = []

    def ask(call: PaidCall) -> AuthTokens:
        pushes.append(1)
        call.keep(GOOD)
        return TOKENS

    def send_push(claim: Claim) -> AuthTokens:
        return world.tools.calls.obtain(claim, SIMPLE_AUTH, 30, ask, lambda _: TOKENS)

    send_push(claim)
    lose_process(world)  # the database was lost in between
    again = claimed(world, session_id, Step.REQUEST_SIMPLE_AUTH)
    assert send_push(again) == TOKENS
    assert len(pushes) == 1


def test_a_push_that_the_person_asks_for_again_is_sent(world: World):
    session_id = world.asked()
    claim = claimed(world, session_id, Step.REQUEST_SIMPLE_AUTH)
    world.tools.calls.keep(claim, SIMPLE_AUTH, None, GOOD)
    later = claim.__class__(**{**vars(claim), "started_at": claim.started_at + timedelta(seconds=60)})
    pushes = []

    def ask(call: PaidCall) -> AuthTokens:
        pushes.append(1)
        call.keep(GOOD)
        return TOKENS

    world.tools.calls.obtain(later, SIMPLE_AUTH, 30, ask, lambda _: TOKENS)
    assert len(pushes) == 1


def test_a_report_that_nobody_can_read_is_kept_for_people_and_ordered_again(world: World):
    session_id, claim = world.at(Step.MAKE_REPORT)

    def order(call: PaidCall) -> ReportAnswer:
        call.keep(ODD)
        return read_report_response(ODD)

    with pytest.raises(MediarcUnavailable) as caught:
        world.tools.calls.obtain(claim, REPORT, TIMEOUT_SECONDS, order, read_report_response)
    assert world.unit(fail_step, claim, caught.value, world.tools).is_retried
    [name] = world.tools.spool.find_parked(session_id, AnswerKind.REPORT)
    assert (world.tools.spool.read_parked(name).body, world.tools.spool.describe(name).last_error) == (
        ODD.body,
        "malformed",
    )
    made = world.tools.calls.obtain(claim, REPORT, TIMEOUT_SECONDS, lambda _: MADE, read_report_response)
    assert made is MADE


def test_a_report_whose_coding_nobody_can_take_off_is_parked_and_ordered_once(world: World):
    session_id, claim = world.at(Step.MAKE_REPORT)
    odd = HttpResponse(200, {"Content-Encoding": "br"}, b"\x0b\x02")

    def order(call: PaidCall) -> ReportAnswer:
        call.keep(odd)
        return read_report_response(odd)

    with pytest.raises(MediarcAnswerUnreadable) as caught:
        world.tools.calls.obtain(claim, REPORT, TIMEOUT_SECONDS, order, read_report_response)
    failed = world.unit(fail_step, claim, caught.value, world.tools)
    assert (failed.is_retried, failed.following.step) == (False, Step.FINISH)
    [name] = world.tools.spool.find_parked(session_id, AnswerKind.REPORT)
    assert world.tools.spool.read_parked(name).body == odd.body


# The disk


class MoodyDisk(Disk):
    """Refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()

    def allocate(self, handle: int, size: int) -> None:
        self._refuse("allocate")
        super().allocate(handle, size)

    def write(self, handle: int, data: memoryview) -> int:
        self._refuse("write")
        return super().write(handle, data)

    def _refuse(self, what: str) -> None:
        if what in self.refuses:
            raise OSError(errno.ENOSPC, "no space left on device")


@pytest.fixture
def disk() -> MoodyDisk:
    return MoodyDisk()


@pytest.fixture
def calls(world: World, disk: MoodyDisk) -> PaidCalls:
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, disk)
    return PaidCalls(spool, world.stores.unit_of_work, clock, 10)


def test_without_room_on_the_disk_nothing_is_asked_and_the_step_is_tried_again(
    world: World, disk: MoodyDisk, calls: PaidCalls
):
    session_id, claim = fetching(world, Step.FETCH_PRESCRIPTIONS)
    disk.refuses = {"allocate"}
    provider = Provider()
    with pytest.raises(StorageFault) as caught:
        calls.obtain(claim, PRESCRIPTIONS, TIMEOUT_SECONDS, provider, read_data_response)
    assert world.unit(fail_step, claim, caught.value, world.tools).is_retried
    assert (provider.asked, call_seconds_left(world, session_id)) == (0, None)


def test_while_the_disk_refuses_the_answer_is_held_and_nobody_else_asks(
    world: World, disk: MoodyDisk, calls: PaidCalls
):
    session_id, claim = fetching(world)
    disk.refuses = {"write"}
    provider, counts = Provider(), []
    thread = threading.Thread(
        target=lambda: counts.append(calls.obtain(claim, CHECKUPS, TIMEOUT_SECONDS, provider, read_data_response).count)
    )
    thread.start()
    wait_until(lambda: provider.asked)
    end_call_time(world, session_id)
    wait_until(lambda: (call_seconds_left(world, session_id) or 0) > 1)  # it is told to others by who holds the answer
    assert calls.under_way
    lose_process(world)
    with pytest.raises(CallStands):
        obtain(world, claimed(world, session_id), provider)
    disk.refuses = set()
    thread.join(10)
    assert (counts, provider.asked) == ([2], 1)
    assert not calls.under_way
    assert world.tools.spool.read_incoming(session_id, AnswerKind.HEALTH).body == GOOD.body


def rooms_left(world: World) -> list[str]:
    return [path.name for path in world.settings.files.data_dir.rglob(".tmp-room-*")]


def test_an_answer_that_is_there_already_gives_its_room_back(world: World):
    session_id, claim = fetching(world)
    world.tools.calls.keep(claim, CHECKUPS, world.tools.spool.reserve_room(1024), GOOD)
    world.tools.calls.keep(claim, CHECKUPS, world.tools.spool.reserve_room(1024), GOOD)
    assert (rooms_left(world), list(world.files(session_id))) == ([], ["incoming"])


class BlinkingDisk(Disk):
    """Does not even say once whether a file is there."""

    def __init__(self) -> None:
        self.blinks = 1

    def stat(self, path: Path) -> os.stat_result:
        if self.blinks and path.suffix == ".raw":
            self.blinks -= 1
            raise OSError(errno.EIO, "input/output error")
        return super().stat(path)


def test_an_answer_that_is_written_beside_its_room_gives_it_back(world: World):
    session_id, claim = fetching(world)
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, BlinkingDisk())
    calls = PaidCalls(spool, world.stores.unit_of_work, clock, 10)
    calls.keep(claim, CHECKUPS, spool.reserve_room(1024), GOOD)
    assert (rooms_left(world), list(world.files(session_id))) == ([], ["incoming"])


# Answers that are parked


def park_both(world: World) -> str:
    """A session that stopped, as neither of its answers could be read."""
    session_id, claim = fetching(world)
    for terms in (CHECKUPS, PRESCRIPTIONS):
        with pytest.raises(AnswerUnreadable) as caught:
            obtain(world, claim, Provider(ODD), terms)
        following = world.unit(fail_step, claim, caught.value, world.tools).following
        claim = following or claim
    assert world.run(session_id).run_state == "idle"
    return session_id


def test_who_collects_again_buys_no_answer_again_that_is_parked(world: World):
    session_id = park_both(world)
    told = world.event_names(session_id)
    assert world.ask_collection(session_id) is Asked.ACCEPTED
    claim, provider = claimed(world, session_id), Provider()
    for terms in (CHECKUPS, PRESCRIPTIONS):
        with pytest.raises(AnswerUnreadable) as caught:
            obtain(world, claim, provider, terms)
        claim = world.unit(fail_step, claim, caught.value, world.tools).following or claim
    assert (provider.asked, world.run(session_id).status) == (0, "error")
    again = ["fetching_health_data", "health_data_failed", "fetching_prescription_data", "prescription_data_failed"]
    assert world.event_names(session_id) == [*told, *again, "error"]


def test_what_an_operator_has_discarded_is_asked_for_again(world: World):
    session_id = park_both(world)
    for name in world.tools.spool.find_parked(session_id, AnswerKind.HEALTH):
        world.tools.spool.discard(name, by="op-1")
    world.unit(resume_stopped_run, UUID(session_id), now=clock.now())
    provider = Provider()
    assert obtain(world, claimed(world, session_id), provider) == 2
    assert provider.asked == 1


def test_a_process_that_is_lost_after_it_parked_an_answer_has_nobody_buy_it_again(world: World):
    session_id, claim = fetching(world)
    with pytest.raises(AnswerUnreadable):
        obtain(world, claim, Provider(ODD))
    lose_process(world)
    end_call_time(world, session_id)
    provider = Provider()
    with pytest.raises(AnswerUnreadable):
        obtain(world, claimed(world, session_id), provider)
    assert provider.asked == 0


def test_an_answer_that_the_disk_has_spoilt_is_not_bought_again(world: World):
    session_id, claim = fetching(world)
    world.tools.calls.keep(claim, CHECKUPS, None, GOOD)
    [path] = world.settings.files.data_dir.rglob(f"incoming/{session_id}_health_data.raw")
    path.write_bytes(path.read_bytes()[:-1])
    provider = Provider()
    with pytest.raises(DamagedFile):
        obtain(world, claim, provider)
    with pytest.raises(AnswerUnreadable):
        obtain(world, claim, provider)
    assert provider.asked == 0


def test_what_is_parked_of_an_earlier_request_says_nothing_of_this_one(world: World):
    session_id, claim = fetching(world)
    assert claim.approve_by is not None
    world.tools.calls.keep(replace(claim, approve_by=claim.approve_by - timedelta(minutes=11)), CHECKUPS, None, ODD)
    world.tools.spool.park_incoming(session_id, AnswerKind.HEALTH, "not_json")
    provider = Provider()
    assert obtain(world, claim, provider) == 2
    assert provider.asked == 1
