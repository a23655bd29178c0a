"""Step 0 through the real processes: the push to the phone, and what keeps it from being sent."""

import pytest

from core.names import Status
from services.collection.requests import Asked
from tests.integration.collection.driver import AUTH, Driver

PASSING = [
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 503},
    {"cut": "before"},
    {"cut": "during"},
    {"malformed": True},
    {"status": 302, "html": True},
    {"status": 404},
    {"message": "일시적인 장애"},
]
MISCONFIGURED = [{"status": 401}, {"status": 403}, {"message": "등록되지 않은 API KEY입니다."}]


def test_a_person_whom_the_provider_does_not_know_corrects_the_form(driver: Driver):
    session_id = driver.arrive(known=False)
    run = driver.wait_for(session_id, Status.INFO_REQUIRED)
    assert driver.event_names(session_id) == ["info_required"]
    assert (run.run_state, run.error_code, run.identity) == ("ended", "INFO_REQUIRED", None)


def test_somebody_without_that_authenticator_is_told_which(driver: Driver):
    session_id = driver.arrive(auth_type="6", authenticators=["0"])
    run = driver.wait_for(session_id, Status.INFO_REQUIRED)
    assert "네이버" in driver.wait_for_event(session_id, "info_required")["message"]
    assert (run.run_state, run.error_code) == ("ended", "NOT_REGISTERED")


@pytest.mark.parametrize("what", PASSING, ids=str)
def test_a_passing_fault_is_tried_again_unseen(driver: Driver, what):
    driver.fault(AUTH, calls=1, **what)
    session_id = driver.wait_for_push()
    assert driver.event_names(session_id) == ["auth_key_received", "auth_waiting"]
    assert driver.steps(session_id) == [("request_simple_auth", "retrying"), ("request_simple_auth", "done")]


def test_a_lasting_fault_is_told_after_the_last_try(driver: Driver):
    fault = driver.fault(AUTH, status=500)
    session_id = driver.arrive()
    run = driver.wait_for(session_id, Status.ERROR)
    assert (run.error_code, run.run_state, driver.hits(fault)) == ("PROVIDER_UNAVAILABLE", "idle", 3)
    assert [event["data"]["retry_available"] for event in driver.events(session_id)] == [True]


@pytest.mark.parametrize(
    "what", [{"hold": "after", "cut": "before", "hold_seconds": 0.01}, {"malformed": True}], ids=str
)
def test_a_phone_gets_no_third_push_for_one_wish(driver: Driver, what):
    """Where nobody knows whether the one before has been sent."""
    fault = driver.fault(AUTH, **what)
    session_id = driver.arrive()
    run = driver.wait_for(session_id, Status.ERROR)
    assert (run.error_code, run.run_state, driver.hits(fault)) == ("PROVIDER_UNAVAILABLE", "idle", 2)
    assert [event["data"]["retry_available"] for event in driver.events(session_id)] == [True]
    driver.clear_faults()
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.cxid(session_id)


def test_the_push_can_be_asked_for_again_after_an_error(driver: Driver):
    driver.fault(AUTH, calls=3, status=500)
    session_id = driver.arrive()
    driver.wait_for(session_id, Status.ERROR)
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.approve(session_id)
    assert driver.wait_for(session_id, Status.COMPLETED).error_code is None


@pytest.mark.parametrize("what", MISCONFIGURED, ids=str)
def test_our_own_misconfiguration_stops_at_once(driver: Driver, what):
    fault = driver.fault(AUTH, **what)
    session_id = driver.arrive()
    run = driver.wait_for(session_id, Status.ERROR)
    assert (run.error_code, driver.hits(fault)) == ("SERVICE_UNAVAILABLE", 1)
    assert driver.event_names(session_id) == ["error"]


def test_a_refusal_of_unknown_words_is_tried_again_and_keeps_its_facts(driver: Driver):
    fault = driver.fault(AUTH, error_code=7777, message="<b>점검</b> 중입니다.")
    session_id = driver.arrive()
    run = driver.wait_for(session_id, Status.ERROR)
    assert (run.error_code, driver.hits(fault)) == ("PROVIDER_REFUSED", 3)
    assert run.error_detail is not None
    assert (run.error_detail["provider_code"], run.error_detail["error_log"]) == (7777, "SANDBOX-7777")
