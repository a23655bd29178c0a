"""Work that changes hands in the middle: what was paid for is not asked for again, what was done is not undone."""

from collections.abc import Iterator

import pytest

from core.clock import clock
from core.names import Status
from dev.local.stack import Stack
from spool import DataType, Spool
from tests.integration.collection.driver import Driver
from tests.waiting import wait_until

ANSWER = b'{"Status":"OK","ResultList":[]}'
REFUSE = """
create function welno.refuse_patient() returns trigger language plpgsql as $$ begin
  raise exception 'not now'; end $$;
create trigger refuse before insert on welno.welno_patients for each row execute function welno.refuse_patient();
"""


@pytest.fixture
def elsewhere(driver: Driver) -> Spool:
    """The same folder in a process that was taken for dead, and is not."""
    return Spool(driver.settings.files.data_dir, driver.stores.sealer, clock)


def test_a_poller_waits_for_an_answer_that_another_has_paid_for(running: Stack, driver: Driver, elsewhere: Spool):
    running.stop("poller")
    session_id = driver.wait_for_push()
    with elsewhere.calling(session_id, DataType.HEALTH, 0) as call:
        running.start("poller")
        driver.approve(session_id)
        wait_until(lambda: driver.run(session_id).owner_id)
        call.write()
        elsewhere.put_incoming(session_id, DataType.HEALTH, ANSWER)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (0, 1, 0)


def test_a_worker_waits_for_an_answer_that_another_has_paid_for(driver: Driver, elsewhere: Spool):
    session_id = driver.wait_for_push()
    with elsewhere.calling(session_id, DataType.PRESCRIPTION, 0) as call:
        driver.approve(session_id)
        driver.wait_for(session_id, Status.FETCHING_PRESCRIPTION_DATA)
        call.write()
        elsewhere.put_incoming(session_id, DataType.PRESCRIPTION, ANSWER)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 0, 0)


@pytest.mark.parametrize("kind", [DataType.HEALTH, DataType.PRESCRIPTION])
def test_nobody_waits_long_for_a_process_that_hangs(driver: Driver, elsewhere: Spool, kind: DataType):
    session_id = driver.wait_for_push()
    with elsewhere.calling(session_id, kind, 0):
        driver.approve(session_id)
        driver.wait_for(session_id, Status.COMPLETED)
        assert driver.billed(session_id) == (1, 1, 0)


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
