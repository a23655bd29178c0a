"""SIGKILL and SIGSTOP at every step, held there by the provider: each run goes on, once, without a second bill."""

import signal
from collections.abc import Iterator

import psutil
import pytest

from core.names import Status
from dev.local.programs import Program, worker_program
from dev.local.stack import Stack
from tests.integration.collection.driver import AUTH, CHECKUPS, LOGIN_CHECK, MEDIARC, TREATMENTS, Driver
from tests.waiting import wait_until

from .test_paths import REPORT_EVENTS, TREND_EVENTS

STOPPING = "Warm shutdown"
# The lease is an advisory lock, and its connection is named after its process.
HOLDER = """
    select a.application_name from pg_stat_activity a join pg_locks l on l.pid = a.pid
    join welno.welno_collection_history r on r.owner_id = l.objid::bigint
    where l.locktype = 'advisory' and l.classid = 73055 and r.session_id = :id
"""
BLOCKED = "select count(*) from pg_locks where not granted and relation = cast(:table as regclass)"


@pytest.fixture(scope="module")
def pairs(running: Stack) -> Iterator[None]:
    """Two workers and two pollers, so that somebody is there while the other one starts again."""
    second = (worker_program("worker-2"), Program("poller-2", running.programs["poller"].command))
    for program in second:
        running.add(program)
        running.start(program.name)
    yield
    for program in second:
        running.stop(program.name)
        del running.programs[program.name]


@pytest.fixture(autouse=True)
def all_running(running: Stack, pairs: None) -> Iterator[None]:
    yield
    for name in running.programs:
        running.start(name)


def event_names(driver: Driver, session_id: str) -> list[str]:
    return [name for name in driver.event_names(session_id) if name != "auth_timeout"]


def holder_of(driver: Driver, session_id: str) -> psutil.Process:
    """The very process that holds the run."""
    [row] = wait_until(lambda: driver.rows(HOLDER, id=session_id))
    return psutil.Process(int(row.application_name.split()[-1]))


def program_of(running: Stack, process: psutil.Process) -> str:
    """Its name in the stack."""
    return next(name for name in running.programs if running.pid(name) == process.pid)


def kill_holders(running: Stack, driver: Driver, *session_ids: str) -> None:
    """SIGKILL to the whole programs, which are started again."""
    names = {program_of(running, holder_of(driver, session_id)) for session_id in session_ids}
    for name in names:
        running.kill(name)
    for name in names:
        running.start(name)


def test_a_killed_worker_loses_nothing_of_what_it_held(running: Stack, driver: Driver):
    """Two steps at once: one asks for prescriptions, the other for a report. What may have been paid for is asked for
    again when its time is over."""
    first, second = driver.wait_for_push(report=True), driver.wait_for_push(report=True)
    held = driver.fault(TREATMENTS, cxid=driver.cxid(first), calls=1, hold="before")
    held_too = driver.fault(MEDIARC, calls=1, hold="before")
    for session_id, fault in ((first, held), (second, held_too)):
        driver.approve(session_id)
        driver.wait_until_held(fault)
    kill_holders(running, driver, first, second)
    for session_id in (first, second):
        driver.wait_for(session_id, Status.COMPLETED, timeout=30)
        assert event_names(driver, session_id) == REPORT_EVENTS
        assert driver.billed(session_id) == (1, 1, 1)


def test_a_worker_that_is_told_to_stop_finishes_its_step_first(running: Stack, driver: Driver):
    session_id = driver.wait_for_push(report=True)
    fault = driver.fault(TREATMENTS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    name = program_of(running, holder_of(driver, session_id))
    running.kill(name, signal.SIGTERM)
    # Its answer is paid for and on its way: it comes a moment after the signal.
    wait_until(lambda: STOPPING in (running.home / "logs" / f"{name}.log").read_text())
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED, timeout=30)
    assert driver.billed(session_id) == (1, 1, 1)
    assert "taken_back" not in dict(driver.steps(session_id)).values()
    wait_until(lambda: not running.is_running(name), 20)


@pytest.mark.parametrize("path", [AUTH, CHECKUPS, TREATMENTS, MEDIARC])
def test_a_worker_killed_during_a_call_is_replaced(running: Stack, driver: Driver, path):
    fault = driver.fault(path, calls=1, hold="before")
    session_id = driver.arrive(report=True) if path == AUTH else driver.approved(report=True)
    driver.wait_until_held(fault)
    kill_holders(running, driver, session_id)
    if path == AUTH:
        driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED, timeout=30)
    assert event_names(driver, session_id) == REPORT_EVENTS
    assert driver.billed(session_id) == (1, 1, 1)
    assert "taken_back" in dict(map(reversed, driver.steps(session_id)))


@pytest.mark.parametrize(
    "table",
    ["welno_patients", "welno_checkup_data", "welno_prescription_data", "welno_mediarc_reports", "welno_events"],
)
def test_a_worker_killed_in_the_middle_of_saving_goes_on_once(running: Stack, driver: Driver, table):
    """Held by the database itself: the writer waits for the table's lock when it is killed."""
    session_id = driver.wait_for_push(report=True)
    with driver.stores.engine.connect() as holder:
        fault = driver.fault(TREATMENTS, cxid=driver.cxid(session_id), calls=1, hold="before")
        driver.approve(session_id)
        driver.wait_until_held(fault)
        holder.exec_driver_sql(f"lock table welno.{table} in share mode")
        driver.release(fault)
        wait_until(lambda: driver.value(BLOCKED, table=f"welno.{table}"))
        kill_holders(running, driver, session_id)
        holder.rollback()
    run = driver.wait_for(session_id, Status.COMPLETED, timeout=30)
    assert event_names(driver, session_id) == REPORT_EVENTS
    assert driver.billed(session_id) == (1, 1, 1)
    assert (_rows(driver, "welno_checkup_data", run), _rows(driver, "welno_prescription_data", run)) == (2, 3)


def _rows(driver: Driver, table: str, run) -> int:
    count: int = driver.value(f"select count(*) from welno.{table} where patient_uuid = :id", id=run.patient_uuid)
    return count


def test_a_worker_whose_lease_is_cut_gives_way(running: Stack, driver: Driver):
    fault = driver.fault(TREATMENTS, calls=1, hold="before")
    session_id = driver.approved()
    driver.wait_until_held(fault)
    pid = driver.value(
        "select a.pid from pg_stat_activity a join pg_locks l on l.pid = a.pid"
        " join welno.welno_collection_history r on r.owner_id = l.objid::int"
        " where l.locktype = 'advisory' and l.classid = 73055 and r.session_id = :id",
        id=session_id,
    )
    driver.execute("select pg_terminate_backend(:pid)", pid=pid)
    driver.wait_for(session_id, Status.COMPLETED, timeout=30)
    assert driver.event_names(session_id).count("completed") == 1
    assert driver.run(session_id).fence > 1


def test_a_worker_that_hangs_is_replaced_and_changes_nothing_when_it_wakes(running: Stack, driver: Driver):
    fault = driver.fault(TREATMENTS, calls=1, hold="before")
    session_id = driver.approved(report=True)
    driver.wait_until_held(fault)
    name = program_of(running, holder_of(driver, session_id))
    running.kill(name, signal.SIGSTOP)
    wait_until(lambda: ("fetch_prescriptions", "taken_back") in driver.steps(session_id))
    driver.release(fault)
    running.kill(name, signal.SIGCONT)
    driver.wait_for(session_id, Status.COMPLETED, timeout=30)
    assert event_names(driver, session_id) == REPORT_EVENTS


def test_a_poller_that_was_killed_is_replaced(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    kill_holders(running, driver, session_id)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_poller_that_loses_its_lease_during_a_call_pays_once(running: Stack, driver: Driver):
    running.stop("poller-2")  # another process cannot know of the call; the same one must
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), calls=1, hold="before")
    driver.wait_until_held(fault)
    owner = driver.run(session_id).owner_id
    driver.execute(
        "select pg_terminate_backend(pid) from pg_locks"
        " where locktype = 'advisory' and classid = 73055 and objid = cast(cast(:owner as bigint) as oid)",
        owner=owner,
    )
    driver.approve(session_id)
    wait_until(lambda: driver.run(session_id).owner_id not in {owner, None})
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_poller_that_is_told_to_stop_hands_everything_back(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    owner = driver.run(session_id).owner_id or wait_until(lambda: driver.run(session_id).owner_id)
    running.stop(program_of(running, holder_of(driver, session_id)))
    assert driver.run(session_id).owner_id != owner
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_redis_may_be_emptied_while_sessions_run(running: Stack, driver: Driver):
    session_id = driver.wait_for_push()
    cxid = driver.cxid(session_id)
    fault = driver.fault(TREATMENTS, cxid=cxid, calls=1, hold="before")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    driver.stores.redis.flushall()
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert event_names(driver, session_id) == TREND_EVENTS
    assert driver.sandbox.get("/control/calls", params={"cxid": cxid}).json()["billed"][cxid] == {
        "checkups": 1,
        "prescriptions": 1,
    }


def test_a_message_that_got_lost_is_sent_again(running: Stack):
    with Driver(running.env, lambda _: None) as deaf:
        session_id = deaf.approved()
        deaf.wait_for(session_id, Status.COMPLETED)
        assert deaf.billed(session_id) == (1, 1, 0)


def test_a_sweeper_that_was_killed_is_not_missed_twice(running: Stack, driver: Driver):
    running.kill("sweeper")
    driver.fault(AUTH, calls=1, status=503)
    session_id = driver.arrive()
    wait_until(lambda: ("request_simple_auth", "retrying") in driver.steps(session_id))
    running.start("sweeper")
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
