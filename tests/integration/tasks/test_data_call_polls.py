"""Where the provider has no LoginCheck the poll is a data call, and one that brings an answer has paid for it."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.clock import clock
from core.names import Status
from dev.local.stack import Stack
from spool import AnswerKind, KeptAnswer, Spool
from tests.integration.collection.driver import CHECKUPS, Driver
from tests.stacks import run_stack
from tests.waiting import wait_until
from webapp.jobs import build_task_sender

from .conftest import PROCESSES, SHORT
from .test_paid_answers import completes_paid_once, stop_and_release
from .test_polling import wait_until_the_deadline


@pytest.fixture(scope="module")
def running(migrated_home: Path) -> Iterator[Stack]:
    with run_stack(migrated_home, SHORT | {"TILKO_APPROVAL_CHECK": "data_call"}, PROCESSES) as stack:
        yield stack


@pytest.fixture
def driver(running: Stack) -> Iterator[Driver]:
    with Driver(running.env, build_task_sender(running.env["CELERY_BROKER_URL"])) as driver:
        yield driver
        driver.leave()


def test_a_poller_lets_a_poll_that_may_be_paid_for_end(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    stop_and_release(running, driver, "poller", fault)
    running.start("poller")
    completes_paid_once(driver, session_id)


def test_a_poller_that_is_killed_costs_no_call_before_the_time_of_its_own_is_over(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    began = datetime.fromisoformat(driver.calls(session_id, CHECKUPS)[-1]["at"])
    running.kill("poller")
    running.start("poller")
    driver.wait_for(session_id, Status.COMPLETED)
    again = datetime.fromisoformat(driver.calls(session_id, CHECKUPS)[-1]["at"])
    assert again - began >= timedelta(seconds=float(SHORT["WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS"]))


def test_a_poll_that_is_paid_for_is_kept_though_its_session_ends(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    driver.execute(
        "update welno.welno_collection_history set expires_at = :now where session_id = :id",
        now=clock.now(),
        id=session_id,
    )
    swept = driver.start_somebody()  # the poller ends others meanwhile
    driver.execute(
        "update welno.welno_collection_history set expires_at = :now where session_id = :id", now=clock.now(), id=swept
    )
    driver.wait_for(swept, Status.EXPIRED)
    driver.release(fault)
    completes_paid_once(driver, session_id)


def test_a_poller_takes_what_a_lost_one_has_put_on_the_disk_and_asks_nobody(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), hold="before")
    driver.wait_until_held(fault)
    running.kill("poller")
    driver.approve(session_id)
    spool = Spool(driver.settings.files.data_dir, driver.stores.sealer, clock)
    spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b'{"Status":"OK","ResultList":[]}'))
    running.start("poller")
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.hits(fault) == 1
    assert driver.billed(session_id) == (0, 1, 0)


@pytest.fixture
def left_by_a_lost_poller(running: Stack, driver: Driver) -> str:
    """A session whose person has approved, and whose consents are over. The poller that had asked for its checkups was
    killed; for long enough nobody knows what has become of the call."""
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), hold="before")
    driver.wait_until_held(fault)
    running.kill("poller")
    driver.approve(session_id)
    lease = "select owner_id from welno.welno_collection_history where session_id = :id"
    driver.execute(
        "update welno.welno_processes set calls_until = clock_timestamp() + interval '60 seconds'"
        f" where id = ({lease})",
        id=session_id,
    )
    driver.execute(
        "update welno.welno_collection_history set consents_until = now() where session_id = :id", id=session_id
    )
    return session_id


def is_saved_without_asking(driver: Driver, session_id: str) -> bool:
    """The checkups that were paid for, and nothing else: nobody is asked once the consents are over."""
    run = driver.wait_for(session_id, Status.COMPLETED)
    told = [event["data"] for event in driver.events(session_id) if event["type"] == "prescription_data_failed"]
    assert (run.health_count, told) == (0, [{"code": "CONSENT_EXPIRED"}])
    return driver.billed(session_id) == (0, 0, 0)


def put_by_the_lost_one(driver: Driver, session_id: str) -> None:
    spool = Spool(driver.settings.files.data_dir, driver.stores.sealer, clock)
    spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b'{"Status":"OK","ResultList":[]}'))


def test_a_paid_answer_on_the_disk_is_saved_though_the_consents_have_ended(
    running: Stack, driver: Driver, left_by_a_lost_poller: str
):
    put_by_the_lost_one(driver, left_by_a_lost_poller)
    running.start("poller")
    assert is_saved_without_asking(driver, left_by_a_lost_poller)


def test_a_paid_answer_that_may_still_come_is_waited_for_though_the_consents_have_ended(
    running: Stack, driver: Driver, left_by_a_lost_poller: str
):
    lost = driver.run(left_by_a_lost_poller).owner_id
    running.start("poller")
    wait_until(lambda: driver.run(left_by_a_lost_poller).owner_id not in {None, lost})
    driver.wait_for(driver.approved(), Status.COMPLETED)  # meanwhile the poller polls
    put_by_the_lost_one(driver, left_by_a_lost_poller)
    assert is_saved_without_asking(driver, left_by_a_lost_poller)


def test_an_approval_just_before_the_deadline_is_found_by_a_last_data_call(driver: Driver):
    session_id = driver.wait_for_push()
    wait_until_the_deadline(driver, session_id, CHECKUPS)
    driver.clear_faults()
    driver.approve(session_id)
    completes_paid_once(driver, session_id)


def test_a_last_data_call_that_fails_ends_the_wait(driver: Driver):
    session_id = driver.wait_for_push()
    fault = wait_until_the_deadline(driver, session_id, CHECKUPS)
    driver.wait_for(session_id, Status.TIMEOUT)
    assert (driver.hits(fault), driver.run(session_id).error_code) == (4, "APPROVAL_EXPIRED")


def test_a_refusal_that_is_as_long_as_an_answer_ends_no_wait(driver: Driver):
    session_id = driver.wait_for_push()
    blanks = base64.b64encode(b" " * 300_000).decode()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=2, reshape={"suffix": blanks})
    wait_until(lambda: driver.hits(fault) == 2)
    driver.approve(session_id)
    completes_paid_once(driver, session_id)
    assert driver.event_names(session_id).count("auth_completed") == 1


def test_a_poll_whose_answer_cannot_be_read_is_parked_and_never_bought_again(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), malformed=True)
    driver.approve_with(session_id, fault)
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert (driver.hits(fault), run.health_failed, run.prescription_count) == (1, True, 3)
    told = [name for name in driver.event_names(session_id) if name != "auth_timeout"]
    assert told[2:5] == ["auth_completed", "health_data_failed", "fetching_prescription_data"]
    assert [name for name in driver.files(session_id)["failed"] if name.endswith("_health_data.raw")]
