"""Work that changes hands in the middle: what was paid for is not asked for again, what was done is not undone."""

from collections.abc import Iterator

import pytest

from ground.clock import clock
from ground.names import Status
from local.stack import Stack
from spool import DataType, Spool
from tests.integration.collection.driver import Driver

PUBLIC_KEY = "getpublickey"
ANSWER = b'{"Status":"OK","ResultList":[]}'
REFUSE = """
create function welno.refuse_patient() returns trigger language plpgsql as $$ begin
  raise exception 'not now'; end $$;
create trigger refuse before insert on welno.welno_patients for each row execute function welno.refuse_patient();
"""


def answer_arrives(driver: Driver, session_id: str, kind: DataType) -> None:
    """A process that was taken for dead puts down what it had asked, and paid, for."""
    spool = Spool(driver.settings.tilko_data_dir, driver.stores.sealer, clock)
    spool.put_incoming(session_id, kind, ANSWER)


def test_a_poller_that_takes_over_finds_an_answer_that_comes_late(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    running.stop("poller")
    fault = driver.fault(PUBLIC_KEY, calls=1, hold="before")
    running.start("poller")
    driver.wait_until_held(fault)
    answer_arrives(driver, session_id, DataType.HEALTH)
    driver.approve(session_id)
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (0, 1, 0)


def test_a_worker_that_takes_over_finds_an_answer_that_comes_late(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    running.stop("worker")
    fault = driver.fault(PUBLIC_KEY, calls=1, hold="before")
    running.start("worker")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    answer_arrives(driver, session_id, DataType.PRESCRIPTION)
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 0, 0)


@pytest.fixture
def no_patients(driver: Driver) -> Iterator[None]:
    """Nobody new can be written down."""
    driver.execute(REFUSE)
    yield
    driver.execute("drop function if exists welno.refuse_patient cascade")


@pytest.mark.usefixtures("no_patients")
def test_a_step_that_fails_within_the_commit_of_another_takes_nothing_of_it(driver: Driver):
    session_id = driver.approved()
    driver.wait_for(session_id, Status.ERROR)
    assert driver.steps(session_id).count(("fetch_prescriptions", "done")) == 1
    assert driver.steps(session_id)[-1] == ("identify_patient", "failed")
    assert driver.story(session_id)[-2:] == ["prescription_completed", "collection_error"]
    driver.execute("drop function welno.refuse_patient cascade")
    driver.ask_collection(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_steps_of_one_commit_are_told_one_by_one(driver: Driver):
    session_id = driver.approved()
    driver.wait_for(session_id, Status.COMPLETED)
    names = [step for step, outcome in driver.steps(session_id) if outcome == "done"]
    assert names[-5:] == ["fetch_prescriptions", "identify_patient", "save_files", "import_files", "finish"]
