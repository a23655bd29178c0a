"""Step 7 through the real processes: the report, and what becomes of the rest when it fails."""

import pytest

from core.names import Status
from tests.integration.collection.driver import MEDIARC, Driver

from .test_paths import REPORT_EVENTS

PASSING = [
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 500},
    {"cut": "before"},
    {"malformed": True},
    {"delay_seconds": 2.5},
]
FINAL = [
    ({"status": 400}, "REPORT_FAILED", 1),
    ({"status": 422}, "REPORT_FAILED", 1),
    ({"status": 401}, "SERVICE_UNAVAILABLE", 1),
    ({"status": 403}, "SERVICE_UNAVAILABLE", 1),
    ({"status": 503}, "REPORT_FAILED", 3),
    ({"malformed": True}, "REPORT_FAILED", 3),
]


@pytest.mark.parametrize("what", PASSING, ids=str)
def test_a_passing_fault_of_the_report_goes_unseen(driver: Driver, what):
    driver.fault(MEDIARC, calls=1, **what)
    session_id = driver.approved(report=True)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == REPORT_EVENTS
    assert driver.steps(session_id).count(("make_report", "retrying")) == 1
    assert driver.billed(session_id) == (1, 1, 1)


@pytest.mark.parametrize("what", [{"cut": "during"}, {"hold": "after", "cut": "before"}], ids=str)
def test_a_report_whose_answer_got_lost_is_paid_once(driver: Driver, what):
    fault = driver.fault(MEDIARC, calls=1, **what)
    session_id = driver.approved(report=True)
    if "hold" in what:
        driver.wait_until_held(fault)
        driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == REPORT_EVENTS
    assert driver.billed(session_id) == (1, 1, 1)


@pytest.mark.parametrize(("what", "code", "tries"), FINAL, ids=str)
def test_a_report_that_fails_takes_nothing_of_the_rest(driver: Driver, what, code, tries):
    fault = driver.fault(MEDIARC, **what)
    session_id = driver.approved(report=True)
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id)[-3:] == ["mediarc_generating", "mediarc_failed", "completed"]
    assert driver.wait_for_event(session_id, "mediarc_failed")["data"] == {"code": code}
    assert (driver.hits(fault), run.health_count, run.saved_at is not None) == (tries, 2, True)


def test_a_report_is_kept_once(driver: Driver):
    session_id = driver.approved(report=True)
    run = driver.wait_for(session_id, Status.COMPLETED)
    query = "select report_url, bodyage from welno.welno_mediarc_reports where patient_uuid = :uuid"
    (report,) = driver.rows(query, uuid=run.patient_uuid)
    assert report.report_url.startswith("http")
    assert report.bodyage > 0
