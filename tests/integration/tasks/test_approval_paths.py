"""Where the provider has no LoginCheck, or only the old one: the poll is a data call, and pays once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.names import Status
from dev.local.stack import Stack
from services.collection.requests import Asked
from tests.integration.collection.driver import CHECKUPS, LOGIN_CHECK, Driver
from tests.stacks import run_stack
from tests.waiting import wait_until
from webapp.jobs import build_task_sender

from .conftest import PROCESSES, SHORT
from .test_paths import TREND_EVENTS

FAULTS = [
    {"status": 302, "html": True},
    {"status": 403, "html": True},
    {"status": 404},
    {"status": 503},
    {"message": "시스템 점검 중"},
    {"error_code": 1, "message": "일시적인 장애로 요청이 취소되었습니다"},
    {"cut": "before"},
]


@pytest.fixture(scope="module")
def running(migrated_home: Path) -> Iterator[Stack]:
    """Of its own: a poller remembers which paths there are."""
    with run_stack(migrated_home, SHORT, PROCESSES) as stack:
        yield stack


@pytest.fixture
def driver(running: Stack) -> Iterator[Driver]:
    with Driver(running.env, build_task_sender(running.env["CELERY_BROKER_URL"])) as driver:
        driver.set_login_check("v2.0", "v1.0")
        yield driver
        driver.leave()


@pytest.mark.parametrize("answer", ["alternate", "html", "4115", "message"])
def test_not_approved_yet_is_no_error(driver: Driver, answer):
    session_id = driver.wait_for_push(waiting_answer=answer)
    wait_until(lambda: len(driver.calls(session_id, CHECKUPS)) > 3)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert [name for name in driver.event_names(session_id) if name != "auth_timeout"] == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_the_missing_paths_are_asked_for_once_and_not_by_every_poll(driver: Driver):
    driver.wait_for(driver.approved(), Status.COMPLETED)
    session_id = driver.wait_for_push()
    wait_until(lambda: len(driver.calls(session_id, CHECKUPS)) > 5)
    assert len(driver.calls(session_id, LOGIN_CHECK)) <= 2


@pytest.mark.parametrize("what", FAULTS, ids=str)
def test_no_fault_ends_the_wait(driver: Driver, what):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=10, **what)
    wait_until(lambda: driver.hits(fault) == 10)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert [name for name in driver.event_names(session_id) if name != "auth_timeout"] == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_decline_is_a_decline(driver: Driver):
    session_id = driver.wait_for_push()
    driver.decline(session_id)
    driver.wait_for(session_id, Status.DECLINED)
    assert driver.ask_auth(session_id) is Asked.ACCEPTED
    driver.approve(session_id, push=2)
    driver.wait_for(session_id, Status.COMPLETED)


def test_collecting_while_a_poll_is_under_way_pays_once(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    driver.ask_collection(session_id)
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_poller_killed_when_the_answer_is_on_disk_pays_once(running: Stack, driver: Driver):
    """Held between the disk and the database: the poller waits for the run's row when it is killed."""
    session_id = driver.wait_for_push()
    wait_until(lambda: driver.calls(session_id, CHECKUPS))
    with driver.stores.engine.connect() as holder:
        query = f"select 1 from welno.welno_collection_history where session_id = '{session_id}' for update"
        holder.exec_driver_sql(query)
        driver.approve(session_id)
        wait_until(lambda: driver.files(session_id).get("incoming"))
        running.kill("poller")
        holder.rollback()
    running.start("poller")
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


@pytest.mark.parametrize(("missing", "asked"), [(["v2.0"], "v1.0"), ([], "v2.0")])
def test_a_login_check_that_there_is_gets_asked_again(running: Stack, driver: Driver, missing, asked):
    """A new poller stands for one that looks again after its minute."""
    driver.set_login_check(*missing)
    running.restart("poller")
    session_id = driver.wait_for_push()
    wait_until(lambda: len(driver.calls(session_id, f"{asked}/nhissimpleauth/{LOGIN_CHECK}")) > 2)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert (len(driver.calls(session_id, CHECKUPS)), driver.billed(session_id)) == (1, (1, 1, 0))
    driver.set_login_check("v2.0", "v1.0")
    running.restart("poller")
