"""Work that changes hands in the middle: what was paid for is not asked for again, what was done is not undone."""

from collections.abc import Iterator

import pytest

from core.clock import clock
from core.names import Status
from dev.local.stack import Stack
from spool import AnswerKind, KeptAnswer, Spool
from tests.integration.collection.driver import TREATMENTS, Driver

ANSWER = KeptAnswer(b'{"Status":"OK","ResultList":[]}')
REFUSE = """
create function welno.refuse_patient() returns trigger language plpgsql as $$ begin
  raise exception 'not now'; end $$;
create trigger refuse before insert on welno.welno_patients for each row execute function welno.refuse_patient();
"""


@pytest.fixture
def elsewhere(driver: Driver) -> Spool:
    """The same folder in a process that was taken for dead, and is not."""
    return Spool(driver.settings.files.data_dir, driver.stores.sealer, clock)


def test_a_worker_takes_what_a_lost_one_has_put_on_the_disk_and_asks_nobody(
    running: Stack, driver: Driver, elsewhere: Spool
):
    session_id = driver.wait_for_push()
    fault = driver.fault(TREATMENTS, cxid=driver.cxid(session_id), hold="before")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    running.kill("worker")
    elsewhere.put_incoming(session_id, AnswerKind.PRESCRIPTION, ANSWER)
    running.start("worker")
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.hits(fault) == 1
    assert driver.run(session_id).prescription_count == 0


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
    assert driver.event_names(session_id)[-2:] == ["prescription_completed", "collection_error"]
    driver.execute("drop function welno.refuse_patient cascade")
    driver.ask_collection(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_steps_of_one_commit_are_told_one_by_one(driver: Driver):
    session_id = driver.approved()
    driver.wait_for(session_id, Status.COMPLETED)
    names = [step for step, outcome in driver.steps(session_id) if outcome == "done"]
    assert names[-5:] == ["fetch_prescriptions", "identify_patient", "save_files", "import_files", "finish"]
