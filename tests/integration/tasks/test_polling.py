"""Step 1 through the real processes: the wait for the phone, in the poller alone."""

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from core.clock import clock
from core.names import Status
from dev.local.stack import Stack
from services.collection.requests import Asked
from tests.integration.collection.driver import CHECKUPS, LOGIN_CHECK, TREATMENTS, Driver, make_identity
from tests.waiting import wait_until

from .test_paths import TREND_EVENTS

PASSING = [
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 502},
    {"cut": "before"},
    {"malformed": True},
    {"delay_seconds": 1},
    {"status": 302, "html": True},
    {"status": 307},
    {"status": 400},
    {"status": 403, "html": True},
    {"error_code": 9001, "message": "일시적인 장애로 인증을 진행할 수 없습니다"},
    {"message": "서비스 점검 중입니다"},
]
MISCONFIGURED = [{"status": 401}, {"status": 403}, {"message": "API-KEY 오류"}]
WRONG = ["입력하신 정보가 다릅니다.", "사용자 정보 오류", "<b>확인 후 다시 시도</b>", "인증을 진행할 수 없습니다"]


def test_after_five_polls_the_person_is_told_and_polls_slow_down(driver: Driver):
    session_id = driver.wait_for_push()
    event = driver.wait_for_event(session_id, "auth_timeout")
    assert event["data"] == {"retry_available": True, "timeout_seconds": 0}
    assert driver.run(session_id).status == Status.TIMEOUT
    moments = wait_until(lambda: _moments(driver, session_id, 9))
    gaps = [(after - before).total_seconds() for before, after in pairwise(moments[1:])]
    assert max(gaps[:4]) < 0.25
    assert min(gaps[6:8]) > 0.25
    assert driver.event_names(session_id).count("auth_timeout") == 1


def _moments(driver: Driver, session_id: str, count: int) -> list[datetime]:
    """Of the calls about this session; the first is the push. Empty until there are so many."""
    moments = [datetime.fromisoformat(call["at"]) for call in driver.calls(session_id)]
    return moments if len(moments) >= count else []


def test_collecting_before_the_approval_may_be_tried_again(driver: Driver):
    session_id = driver.wait_for_push()
    assert driver.ask_collection(session_id) is Asked.ACCEPTED
    event = driver.wait_for_event(session_id, "auth_pending")
    assert event["data"] == {"retry_available": True}
    assert driver.run(session_id).status in {Status.AUTH_PENDING, Status.TIMEOUT}
    driver.approve(session_id)
    assert driver.ask_collection(session_id) in Asked
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_somebody_who_declined_is_asked_again_if_they_wish(driver: Driver):
    session_id = driver.wait_for_push()
    driver.decline(session_id)
    run = driver.wait_for(session_id, Status.DECLINED)
    assert (run.run_state, run.step, driver.event_names(session_id)[-1]) == ("idle", "request_simple_auth", "declined")
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.approve(session_id, push=2)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id)[2:] == ["declined", *TREND_EVENTS]


def test_a_push_that_was_replaced_is_polled_no_longer_and_opens_nothing(driver: Driver):
    session_id = driver.wait_for_push()
    driver.wait_for_event(session_id, "auth_timeout")
    assert [driver.ask_auth(session_id) for _ in range(2)] == [Asked.ACCEPTED, Asked.DUPLICATE]
    driver.cxid(session_id, push=2)
    seen = len(driver.calls(session_id))
    driver.approve(session_id)
    wait_until(lambda: len(driver.calls(session_id, push=2)) > 3)
    assert (driver.run(session_id).auth_completed_at, len(driver.calls(session_id)) - seen <= 1) == (None, True)
    driver.approve(session_id, push=2)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (0, 0, 0)


@pytest.mark.parametrize("message", WRONG)
def test_wrong_personal_data_ends_the_wait(driver: Driver, message):
    session_id = driver.wait_for_push()
    driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), calls=1, error_code=4100, message=message)
    run = driver.wait_for(session_id, Status.INFO_REQUIRED)
    assert (run.run_state, run.error_code) == ("ended", "INFO_REQUIRED")


@pytest.mark.parametrize("what", PASSING, ids=str)
def test_a_passing_fault_of_a_poll_goes_unseen(driver: Driver, what):
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, calls=1, cxid=driver.cxid(session_id), **what)
    wait_until(lambda: driver.hits(fault))
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert [name for name in driver.event_names(session_id) if name != "auth_timeout"] == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_retry_after_is_honoured(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, calls=1, cxid=driver.cxid(session_id), status=429, headers={"Retry-After": "1"})
    wait_until(lambda: driver.hits(fault))
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    calls = driver.calls(session_id, LOGIN_CHECK)
    moments = [datetime.fromisoformat(call["at"]) for call in calls]
    refused = next(n for n, call in enumerate(calls) if call["status"] == 429)
    assert moments[refused + 1] - moments[refused] >= timedelta(seconds=1)


def test_a_lasting_fault_ends_no_wait(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), status=500)
    wait_until(lambda: driver.hits(fault) > 12)
    assert driver.event_names(session_id)[2:] == ["auth_timeout"]
    driver.clear_faults()
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


@pytest.mark.parametrize("what", MISCONFIGURED, ids=str)
def test_our_own_misconfiguration_is_told_to_operators_and_ends_no_wait(running: Stack, driver: Driver, what):
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), **what)
    wait_until(lambda: driver.hits(fault) > 3)
    wait_until(lambda: "provider_rejects_our_configuration" in (running.home / "logs" / "poller.log").read_text())
    assert driver.run(session_id).run_state == "waiting"
    driver.clear_faults()
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)


def test_a_new_push_may_be_asked_for_during_a_lasting_fault(driver: Driver):
    session_id = driver.wait_for_push()
    driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), message="일시적인 장애")
    driver.wait_for_event(session_id, "auth_timeout")
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.approve(session_id, push=2)
    driver.wait_for(session_id, Status.COMPLETED)


@pytest.mark.parametrize("what", [{"html": True}, {"error_code": 4115}, {"status": 302, "html": True}], ids=str)
@pytest.mark.parametrize("path", [CHECKUPS, TREATMENTS])
def test_a_data_call_that_has_not_heard_of_the_approval_yet_is_tried_again(driver: Driver, path, what):
    session_id = driver.wait_for_push()
    driver.fault(path, cxid=driver.cxid(session_id), calls=2, **what)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_page_in_place_of_the_data_ends_as_data_that_cannot_be_had(driver: Driver):
    session_id = driver.wait_for_push()
    faults = [driver.fault(path, cxid=driver.cxid(session_id), html=True) for path in (CHECKUPS, TREATMENTS)]
    driver.approve(session_id)
    approved_at = driver.wait_for(session_id, Status.ERROR).auth_completed_at
    told = [name for name in driver.event_names(session_id) if name != "auth_timeout"]
    assert told[2:] == [
        "auth_completed",
        "fetching_health_data",
        "health_data_failed",
        "fetching_prescription_data",
        "prescription_data_failed",
        "error",
    ]
    assert driver.events(session_id)[-1]["data"]["reason"] == "data_collection_failed"
    assert [driver.hits(fault) for fault in faults] == [3, 3]
    driver.clear_faults()
    assert driver.ask_collection(session_id) is Asked.ACCEPTED
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert (run.auth_completed_at, driver.event_names(session_id).count("auth_completed")) == (approved_at, 1)
    assert driver.billed(session_id) == (1, 1, 0)


def test_an_approval_that_login_check_hears_of_late_is_found(driver: Driver):
    session_id = driver.wait_for_push(login_check_late_seconds=0.5)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert [name for name in driver.event_names(session_id) if name != "auth_timeout"] == TREND_EVENTS


def test_an_approval_in_time_is_found_though_login_check_hears_of_it_after_the_deadline(driver: Driver):
    session_id = driver.wait_for_push(login_check_late_seconds=5)
    take_by(driver, session_id, 1)
    driver.approve(session_id)
    run = driver.wait_for(session_id, Status.COMPLETED, timeout=20)
    assert run.approve_by is not None
    assert run.auth_completed_at is not None
    assert run.auth_completed_at > run.approve_by
    assert driver.billed(session_id) == (1, 1, 0)


def assert_told_as_partly_had(driver: Driver, session_id: UUID, counts: dict[str, int | None]) -> None:
    """`completed` does not say 0, nor that everything is stored, of what could not be had."""
    told = driver.wait_for_event(session_id, "completed")
    assert told["data"]["counts"] == counts
    assert told["message"] == "가져온 기록을 안전하게 저장했어요. 가져오지 못한 기록이 있어요."


def test_refused_checkups_leave_the_prescriptions(driver: Driver):
    session_id = driver.wait_for_push()
    driver.approve_with(session_id, driver.fault(CHECKUPS, cxid=driver.cxid(session_id), error_code=7777))
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id)[-4:] == [
        "health_data_failed",
        "fetching_prescription_data",
        "prescription_completed",
        "completed",
    ]
    assert (run.health_failed, run.prescription_count, run.error_code) == (True, 3, None)
    assert_told_as_partly_had(driver, session_id, {"health_data": None, "prescription_data": 3})
    assert driver.billed(session_id) == (0, 1, 0)


def test_refused_prescriptions_leave_the_checkups(driver: Driver):
    session_id = driver.wait_for_push()
    driver.fault(TREATMENTS, cxid=driver.cxid(session_id), error_code=7777)
    driver.approve(session_id)
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id)[-2:] == ["prescription_data_failed", "completed"]
    assert (run.prescriptions_failed, run.health_count, run.error_code) == (True, 2, None)
    assert_told_as_partly_had(driver, session_id, {"health_data": 2, "prescription_data": None})
    assert driver.billed(session_id) == (1, 0, 0)


def test_without_both_the_collection_is_an_error_that_can_be_resumed(driver: Driver):
    session_id = driver.wait_for_push()
    driver.fault(TREATMENTS, cxid=driver.cxid(session_id), error_code=7777)
    driver.approve_with(session_id, driver.fault(CHECKUPS, cxid=driver.cxid(session_id), error_code=7777))
    driver.wait_for(session_id, Status.ERROR)
    assert driver.events(session_id)[-1]["data"]["reason"] == "data_collection_failed"
    driver.clear_faults()
    assert driver.ask_collection(session_id) is Asked.ACCEPTED
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert (run.health_count, run.prescription_count) == (2, 3)
    assert (run.health_failed, run.prescriptions_failed, run.error_code) == (False, False, None)


@pytest.mark.parametrize("what", [{"status": 503}, {"cut": "before"}, {"status": 429, "headers": {"Retry-After": "1"}}])
def test_a_passing_fault_of_the_prescriptions_goes_unseen(driver: Driver, what):
    session_id = driver.wait_for_push()
    driver.fault(TREATMENTS, cxid=driver.cxid(session_id), calls=1, **what)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == TREND_EVENTS
    assert ("fetch_prescriptions", "retrying") in driver.steps(session_id)


@pytest.mark.parametrize("path", [CHECKUPS, TREATMENTS])
def test_an_answer_that_cannot_be_read_is_parked_and_not_asked_for_again(driver: Driver, path: str):
    session_id = driver.wait_for_push()
    fault = driver.fault(path, cxid=driver.cxid(session_id), malformed=True)
    driver.approve_with(session_id, fault)
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert driver.hits(fault) == 1
    [name] = [name for name in driver.files(session_id)["failed"] if name.endswith(".raw")]
    assert ("health" in name) == (path == CHECKUPS) == run.health_failed


def test_answers_that_cannot_be_read_are_not_bought_again_by_who_collects_again(driver: Driver):
    session_id = driver.wait_for_push()
    faults = [driver.fault(path, cxid=driver.cxid(session_id), malformed=True) for path in (CHECKUPS, TREATMENTS)]
    driver.approve_with(session_id, faults[0])
    driver.wait_for(session_id, Status.ERROR)
    driver.clear_faults()
    assert driver.ask_collection(session_id) is Asked.ACCEPTED
    wait_until(lambda: driver.event_names(session_id).count("error") == 2)
    assert [len(driver.calls(session_id, path)) for path in (CHECKUPS, TREATMENTS)] == [1, 1]


def test_a_deleted_session_is_polled_no_longer(driver: Driver):
    session_id = driver.wait_for_push()
    wait_until(lambda: len(driver.calls(session_id)) > 2)
    driver.cancel(session_id)
    seen = _settled_calls(driver, session_id)
    driver.approve(session_id)
    # The neighbour's whole collection is time enough for a poll that should not be.
    driver.wait_for(driver.approved(), Status.COMPLETED)
    assert len(driver.calls(session_id)) == seen
    assert driver.event_names(session_id)[-1] == "cancelled"
    assert driver.run(session_id).status == Status.CANCELLED


def test_the_wait_ends_with_the_session(driver: Driver):
    session_id = driver.wait_for_push()
    driver.execute(
        "update welno.welno_collection_history set expires_at = :now where session_id = :id",
        now=clock.now(),
        id=session_id,
    )
    run = driver.wait_for(session_id, Status.EXPIRED)
    assert (run.run_state, run.identity, run.auth) == ("ended", None, None)
    assert driver.events(session_id)[-1]["status"] == "expired"
    seen = _settled_calls(driver, session_id)
    driver.wait_for(driver.approved(), Status.COMPLETED)
    assert len(driver.calls(session_id)) == seen


def _settled_calls(driver: Driver, session_id: str) -> int:
    """How many calls there were when the poller had let the session go."""
    wait_until(lambda: driver.run(session_id).owner_id is None)
    wait_until(lambda: all(call["delivered"] is not None for call in driver.calls(session_id)))
    return len(driver.calls(session_id))


def test_polls_end_with_the_consents(driver: Driver):
    session_id = driver.wait_for_push()
    # Without an owner the run is taken anew, and its row read.
    driver.execute(
        "update welno.welno_collection_history set consents_until = now(), owner_id = null where session_id = :id",
        id=session_id,
    )
    run = driver.wait_for(session_id, Status.CANCELLED)
    assert (run.run_state, run.error_code) == ("ended", "CONSENT_EXPIRED")
    assert driver.event_names(session_id)[-1] == "cancelled"


def take_by(driver: Driver, session_id: str, seconds: float) -> None:
    """Have the poller take the session anew, with a request that ends so soon."""
    driver.execute(
        "update welno.welno_collection_history set owner_id = null, fence = fence + 1, changed_at = clock_timestamp(),"
        " approve_by = clock_timestamp() + make_interval(secs => :seconds) where session_id = :id",
        seconds=seconds,
        id=session_id,
    )


def test_an_approval_that_comes_too_late_opens_nothing(driver: Driver):
    session_id = driver.wait_for_push()
    take_by(driver, session_id, 0.5)
    wait_until(lambda: "APPROVAL_EXPIRED" in str(driver.events(session_id)[-1].get("data")), 20)
    driver.approve(session_id)
    run = driver.run(session_id)
    assert (run.status, run.run_state, run.step) == (Status.TIMEOUT, "idle", "request_simple_auth")
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.approve(session_id, push=2)
    driver.wait_for(session_id, Status.COMPLETED)


def wait_until_the_deadline(driver: Driver, session_id: str, path: str = LOGIN_CHECK) -> str:
    """The fault that keeps the poller from asking again before the request ends."""
    fault = driver.fault(path, cxid=driver.cxid(session_id), status=429, headers={"Retry-After": "30"})
    wait_until(lambda: driver.hits(fault) == 1)
    take_by(driver, session_id, 5)
    wait_until(lambda: driver.hits(fault) == 2)
    return fault


def test_an_approval_just_before_the_deadline_is_found_by_a_last_check(driver: Driver):
    session_id = driver.wait_for_push()
    wait_until_the_deadline(driver, session_id)
    driver.clear_faults()
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_last_check_that_fails_ends_the_wait(driver: Driver):
    session_id = driver.wait_for_push()
    fault = wait_until_the_deadline(driver, session_id)
    wait_until(lambda: "APPROVAL_EXPIRED" in str(driver.events(session_id)[-1].get("data")), 20)
    assert driver.hits(fault) == 4  # at the deadline, and when the last approval must have been heard of
    assert driver.run(session_id).run_state == "idle"


def test_an_approval_of_a_request_that_was_taken_over_is_ignored(driver: Driver):
    identity = make_identity()
    driver.add_person(identity)
    first, second = driver.start(identity), driver.start(identity)
    driver.ask_auth(first)
    driver.cxid(first)
    driver.execute("update welno.welno_pushes set taken_at = taken_at - interval '61 seconds'")
    assert driver.ask_auth(second) is Asked.ACCEPTED
    driver.cxid(second)
    driver.approve(first)
    driver.approve(second)
    driver.wait_for(second, Status.COMPLETED)
    assert driver.run(first).auth_completed_at is None
    assert driver.billed(first) == (0, 0, 0)
