"""One blow, and runs held everywhere: each ends, pays once for what reached the disk, says `completed` last."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import redis

from core.names import Status, Step, step_task
from dev.local.stack import Stack
from services.delivery.unit_of_work import TaskCall
from services.patients.pictures import as_served
from tests.integration.collection.driver import (
    AUTH,
    CHECKUPS,
    LOGIN_CHECK,
    MEDIARC,
    REPORT,
    TREATMENTS,
    Driver,
    make_identity,
)
from tests.integration.crash.conftest import LEASES
from tests.integration.crash.gates import Gates
from tests.waiting import wait_until

# The moves that a run makes, each held while it is being committed; the poller makes the second. Who a person is, and
# that all is done, is written in the commits of the steps before: those moves are seen by nobody.
POLLED = (Step.FETCH_HEALTH_DATA, "ready")
MOVES = (
    (Step.REQUEST_SIMPLE_AUTH, "running"),
    (Step.POLL_SIMPLE_AUTH, "waiting"),
    (Step.FETCH_HEALTH_DATA, "running"),
    (Step.FETCH_PRESCRIPTIONS, "running"),
    (Step.SAVE_FILES, "running"),
    (Step.IMPORT_FILES, "running"),
    ("rows", ""),
    (Step.MAKE_REPORT, "running"),
    (Step.FINISH, "ended"),
)
CALLS = (CHECKUPS, TREATMENTS, MEDIARC)  # held in the middle, when they are paid for and not yet answered


# What the provider may have been paid for twice: it answered, and the one that it answered was gone.
IN_FLIGHT = 4
DONE_TWICE = """
select session_id, step from welno.welno_collection_steps where outcome = 'done' and step <> 'request_simple_auth'
and session_id = any(%s::uuid[]) group by 1, 2 having count(*) > 1
"""
NOT_LAST = """
select session_id from gates.events where session_id = any(%s) group by 1
having count(*) filter (where status = 'completed') <> 1
or max(number) <> max(number) filter (where status = 'completed')
"""
CXIDS = "select cx_id, session_id from gates.events where cx_id is not null and session_id = any(%s)"
# A checkup's row is stored whole; it has neither details nor pictures.
STORED_AS_SERVED = {
    "checkups": "raw_data, '[]'::jsonb, '{}'::jsonb from welno.welno_checkup_data",
    "prescriptions": "raw_data, details, pictures from welno.welno_prescription_data",
}
MOVED = """
select session_id::text, fence, revision, status from welno.welno_collection_history
where session_id = any(%s::uuid[]) order by 1
"""


@dataclass
class Held:
    """All that is held, and how to let it go."""

    driver: Driver
    gates: Gates
    sessions: list[str] = field(default_factory=list)
    in_file: str = ""  # the one whose importer holds a file

    def let_go(self) -> None:
        self.gates.open()
        self.driver.clear_faults()


@pytest.fixture
def held(driver: Driver, gates: Gates) -> Iterator[Held]:
    """One run at each move, one in each paid call, one whose push is on its way, and two at the poller."""
    everywhere = Held(driver, gates)
    gates.shut()
    try:
        for step, state in MOVES:
            hold_at_move(everywhere, step, state)
        wait_until(lambda: gates.held() == len(MOVES), 30)
        hold_in_calls(everywhere)
        hold_at_poller(everywhere)
        yield everywhere
    finally:
        everywhere.let_go()


def hold_in_calls(held: Held) -> None:
    driver = held.driver
    for path in CALLS:
        fault = driver.fault(path, calls=1, hold="after")
        held.sessions.append(driver.approved(report=True))
        driver.wait_until_held(fault)
    fault = driver.fault(AUTH, calls=1, hold="after")
    held.sessions.append(driver.arrive(report=True, auto_approve_seconds=0))
    driver.wait_until_held(fault)


def hold_at_move(held: Held, step: str, state: str) -> None:
    session_id = start_silent(held.driver)
    held.gates.add(session_id, step, state)
    held.driver.ask_auth(session_id)
    held.sessions.append(session_id)
    if step == "rows":
        held.in_file = session_id


def start_silent(driver: Driver) -> str:
    """Somebody who approves at once, and has not asked for the push yet."""
    identity = make_identity()
    driver.add_person(identity, auto_approve_seconds=0)
    return driver.start(identity, redirect_path=REPORT)


def hold_at_poller(held: Held) -> None:
    """Last: while one answer waits to be written down, the poller can write no other."""
    driver = held.driver
    asked = driver.wait_for_push(report=True)
    fault = driver.fault(LOGIN_CHECK, cxid=driver.cxid(asked), calls=1, hold="before")
    driver.wait_until_held(fault)
    driver.approve(asked)
    answered = driver.wait_for_push(report=True)
    held.gates.add(answered, *POLLED)
    driver.approve(answered)
    wait_until(lambda: held.gates.held() == len(MOVES) + 1, 15)
    held.sessions += [asked, answered]


# The blows


def kill_worker(running: Stack, _held: Held) -> None:
    restart_killed(running, "worker")


def kill_poller(running: Stack, _held: Held) -> None:
    restart_killed(running, "poller")


def kill_sweeper(running: Stack, held: Held) -> None:
    restart_killed(running, "sweeper")
    kill_worker(running, held)


def restart_killed(running: Stack, name: str) -> None:
    running.kill(name)
    running.start(name)


def flush_redis(running: Stack, _held: Held) -> None:
    with redis.Redis.from_url(running.valkey.url) as client:
        client.flushall()


def lose_redis(running: Stack, _held: Held) -> None:
    running.valkey.restart(keep_data=False, kill=True)


def stop_postgres(running: Stack, _held: Held) -> None:
    running.postgres.stop(immediate=True)
    running.postgres.start()


def deliver_twice(running: Stack, held: Held) -> None:
    """Every message there could be, of every step, for every run."""
    for session_id in held.sessions:
        for step in Step:
            held.driver.send(TaskCall(step_task(step), session_id, "req-1"))


BLOWS = (kill_worker, kill_poller, kill_sweeper, flush_redis, lose_redis, stop_postgres, deliver_twice)


@pytest.mark.parametrize("blow", BLOWS)
def test_a_blow_at_every_step_loses_and_doubles_nothing(
    running: Stack, held: Held, blow: Callable[[Stack, Held], None]
):
    blow(running, held)
    held.let_go()
    assert_all_ended_once(held)
    assert_nothing_left(held)


def test_those_that_hung_at_every_step_change_nothing_when_they_wake(running: Stack, held: Held):
    for name in ("spare", "spare_poller"):
        running.start(name)
    wait_until(lambda: held.gates.leases() == 2 * LEASES, 60)
    for name in ("worker", "poller"):
        running.kill(name, signal.SIGSTOP)
    held.let_go()
    others = [session_id for session_id in held.sessions if session_id != held.in_file]
    wait_for_all(held, others)
    before = held.gates.rows(MOVED, others)
    for name in ("worker", "poller"):
        running.kill(name, signal.SIGCONT)
    # Its file was locked by one that hangs: nobody imports it until that one wakes up, or is killed.
    wait_for_all(held, [held.in_file])
    for name in ("spare", "spare_poller"):
        running.stop(name)
    # Served by those that woke up, so they are done with what they held.
    held.driver.wait_for(held.driver.approved(report=True), Status.COMPLETED, timeout=40)
    assert held.gates.rows(MOVED, others) == before
    assert_all_ended_once(held)
    assert_nothing_left(held)


# What has to hold


def wait_for_all(held: Held, sessions: list[str]) -> None:
    for session_id in sessions:
        held.driver.wait_for(session_id, Status.COMPLETED, timeout=40)


def assert_all_ended_once(held: Held) -> None:
    wait_for_all(held, held.sessions)
    assert held.gates.rows(DONE_TWICE, held.sessions) == []
    assert held.gates.rows(NOT_LAST, held.sessions) == []
    bills = read_bills(held)
    assert [cxid for cxid in bills if min(bills[cxid].values()) < 1] == []
    assert sum(count - 1 for kinds in bills.values() for count in kinds.values()) <= IN_FLIGHT
    for cxid, session_id in held.gates.rows(CXIDS, held.sessions):
        assert_stored_as_served(held.driver, cxid, session_id)


def read_bills(held: Held) -> dict[str, dict[str, int]]:
    """Of each request that the person approved: how often which answer was paid."""
    cxids = {cxid for cxid, _ in held.gates.rows(CXIDS, held.sessions)}
    billed = held.driver.sandbox.get("/control/calls").json()["billed"]
    return {cxid: counts for cxid, counts in billed.items() if cxid in cxids}


def assert_stored_as_served(driver: Driver, cxid: str, session_id: str) -> None:
    served = driver.sandbox.get("/control/served", params={"cxid": cxid}).json()
    for kind, parts in STORED_AS_SERVED.items():
        stored = [as_served(*row) for row in driver.rows(f"select {parts} where session_id = :id", id=session_id)]
        assert sorted(map(text, stored)) == sorted(map(text, served[kind][0]["ResultList"]))


def text(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True)


def assert_nothing_left(held: Held) -> None:
    """Temporary files, and answers that came too late to be of use, wait for beat, which does not run here."""
    found = {folder for session_id in held.sessions for folder in held.driver.files(session_id)}
    assert found <= {"completed", "incoming", ".sessions"}
