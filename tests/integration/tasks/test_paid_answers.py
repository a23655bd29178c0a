"""Billed, then held: whatever becomes of the process that waits for the answer, nobody buys it a second time; but for
one that was killed before the answer was on disk, after its call's own time, counted."""

import base64
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from celery import Celery

from core.clock import clock
from core.names import Queue, Status, Task
from dev.local.programs import Program, worker_program
from dev.local.stack import Stack
from services.collection.call_deadlines import read_paid_again
from spool import AnswerKind, KeptAnswer, Spool
from tests.integration.collection.driver import CHECKUPS, TREATMENTS, Driver
from tests.waiting import wait_until

from .conftest import SHORT
from .test_kills import holder_of, program_of

LEASE_SECONDS = float(SHORT["WELNO_LEASE_SECONDS"])
CALL_SECONDS = float(SHORT["WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS"]) + float(SHORT["WELNO_CALL_MARGIN_SECONDS"])
BOM = base64.b64encode(b"\xef\xbb\xbf").decode()


@pytest.fixture(scope="module")
def pairs(running: Stack) -> Iterator[None]:
    """Two workers and two pollers: one that is harmed, and one that would buy again."""
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


def billed_and_held(running: Stack, driver: Driver) -> tuple[str, str, str]:
    """A session whose prescriptions are paid for and on their way; the fault; and who waits for them."""
    session_id = driver.wait_for_push()
    fault = driver.fault(TREATMENTS, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    return session_id, fault, program_of(running, holder_of(driver, session_id))


def paid_again(driver: Driver) -> int:
    with driver.stores.sessions() as session:
        return read_paid_again(session).get("prescriptions", 0)


def completes_paid_once(driver: Driver, session_id: str) -> None:
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)
    assert driver.run(session_id).prescription_count == 3


def stop_and_release(running: Stack, driver: Driver, name: str, fault: str) -> None:
    running.kill(name, signal.SIGTERM)
    wait_until(lambda: "waits_for_calls_under_way" in (running.home / "logs" / f"{name}.log").read_text())
    driver.release(fault)
    wait_until(lambda: not running.is_running(name), 10)
    assert running.exit_code(name) == 0


def stand_still(running: Stack, driver: Driver, name: str, fault: str) -> None:
    """For longer than the lease: another takes the run meanwhile."""
    running.kill(name, signal.SIGSTOP)
    wait_until(lambda: "taken_back" in dict(map(reversed, driver.steps(driver_session(driver)))), 10)
    driver.release(fault)
    running.kill(name, signal.SIGCONT)


def driver_session(driver: Driver) -> str:
    return list(driver.tokens)[-1]


def lose_database(running: Stack, driver: Driver, _name: str, fault: str) -> None:
    """The answer comes while it is away, for longer than the lease."""
    running.postgres.stop(immediate=True)
    away_until = time.monotonic() + LEASE_SECONDS + 1
    driver.release(fault)
    wait_until(lambda: time.monotonic() > away_until, 10)
    running.postgres.start()


def lose_lease(running: Stack, driver: Driver, _name: str, fault: str) -> None:
    driver.execute(
        "select pg_terminate_backend(l.pid) from pg_locks l join welno.welno_collection_history r"
        " on r.owner_id = l.objid::bigint where l.locktype = 'advisory' and l.classid = 73055 and r.session_id = :id",
        id=driver_session(driver),
    )
    wait_until(lambda: "taken_back" in dict(map(reversed, driver.steps(driver_session(driver)))), 10)
    driver.release(fault)


@pytest.mark.parametrize("harm", [stop_and_release, stand_still, lose_database, lose_lease])
def test_an_answer_that_is_paid_for_is_kept_whatever_befalls_who_waits(
    running: Stack, driver: Driver, harm: Callable[[Stack, Driver, str, str], None]
):
    session_id, fault, name = billed_and_held(running, driver)
    before = paid_again(driver)
    harm(running, driver, name, fault)
    completes_paid_once(driver, session_id)
    assert paid_again(driver) == before


def test_a_killed_process_costs_one_more_call_after_its_time_and_it_is_counted(running: Stack, driver: Driver):
    session_id, _, name = billed_and_held(running, driver)
    before = paid_again(driver)
    running.kill(name)
    driver.wait_for(session_id, Status.COMPLETED, timeout=CALL_SECONDS + 20)
    first, second = (datetime.fromisoformat(call["at"]) for call in driver.calls(session_id, TREATMENTS))
    assert second - first >= timedelta(seconds=CALL_SECONDS - 1)
    assert driver.billed(session_id) == (1, 2, 0)
    assert paid_again(driver) == before + 1
    outcomes = [outcome for step, outcome in driver.steps(session_id) if step == "fetch_prescriptions"]
    assert outcomes == ["taken_back", "asked_again", "done"]


def test_records_that_come_after_the_end_of_their_session_are_parked(running: Stack, driver: Driver):
    ended = {status: driver.wait_for_push() for status in (Status.EXPIRED, Status.CANCELLED)}
    driver.cancel(ended[Status.CANCELLED])
    driver.execute(
        "update welno.welno_collection_history set expires_at = :now where session_id = :id",
        now=clock.now(),
        id=ended[Status.EXPIRED],
    )
    driver.wait_for(ended[Status.EXPIRED], Status.EXPIRED)
    spool = Spool(driver.settings.files.data_dir, driver.stores.sealer, clock)
    for session_id in ended.values():
        spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    with Celery(broker=running.env["CELERY_BROKER_URL"], set_as_current=False) as beat:

        def is_clean() -> bool:
            beat.send_task(Task.RETRY_FILES, queue=Queue.FILES, ignore_result=True)
            return not any("incoming" in driver.files(session_id) for session_id in ended.values())

        wait_until(is_clean, every=0.2)
    assert "failed" in driver.files(ended[Status.EXPIRED])
    assert "failed" not in driver.files(ended[Status.CANCELLED])


SHAPES = [
    {"prefix": BOM},
    {"prefix": base64.b64encode(b" \r\n").decode(), "suffix": base64.b64encode(b"\x00<!-- 7 -->").decode()},
    {"replace": [['"Location":"', '"Location":"\\ud83c'], ['"Address":"', '"Address":"\\udc00']]},
    {"replace": [['"ResultList":[', '"ResultList":[null,7,"row",']]},
    {"replace": [['"Status":"OK"', '"STATUS":"ok"'], ['"ResultList"', '"resultList"']]},
    {"replace": [['"PointBalance":', '"Odd":NaN,"Big":1' + "0" * 400 + ',"PointBalance":']]},
    {"charset": "cp949"},
    {"charset": "utf-16"},
    {"coding": ["gzip", "gzip"]},
    {"coding": ["deflate"], "prefix": BOM},
]


@pytest.mark.parametrize("path", [CHECKUPS, TREATMENTS])
def test_answers_of_every_odd_shape_are_bought_once_and_kept(driver: Driver, path: str):
    sessions = [driver.wait_for_push() for _ in SHAPES]
    for session_id, shape in zip(sessions, SHAPES, strict=True):
        driver.approve_with(session_id, driver.fault(path, cxid=driver.cxid(session_id), reshape=shape))
    for session_id, shape in zip(sessions, SHAPES, strict=True):
        run = driver.wait_for(session_id, Status.COMPLETED)
        assert (run.health_count, run.prescription_count) == (2, 3), shape
        assert driver.billed(session_id) == (1, 1, 0), shape


@pytest.mark.parametrize("shape", [{"truncate": 400}, {"suffix": "", "replace": [['"ResultList":[', '"Rows":[']]}])
def test_an_answer_that_nobody_can_read_is_bought_once_and_shown(driver: Driver, shape):
    session_id = driver.wait_for_push()
    driver.approve_with(session_id, driver.fault(TREATMENTS, cxid=driver.cxid(session_id), reshape=shape))
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)
    assert run.prescriptions_failed
    assert [name.rpartition(".")[2] for name in driver.files(session_id)["failed"]] == ["raw", "why"]
    failed = "select reason from welno.welno_collection_steps where session_id = :id and outcome = 'failed'"
    assert driver.value(failed, id=session_id) == "ANSWER_UNREADABLE"
