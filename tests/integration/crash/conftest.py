"""A product whose workers can hold a run at every step at once, on a PostgreSQL that keeps what it promised."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dev.local.programs import Program, worker_program
from dev.local.stack import Stack
from tests.integration.collection.driver import Driver
from tests.integration.crash.gates import Gates
from tests.stacks import run_stack
from tests.waiting import wait_until
from webapp.jobs import build_task_sender

SETTINGS = {
    "WELNO_POLL_INTERVAL_SECONDS": "0.1",
    "WELNO_POLL_SLOW_MAX_SECONDS": "0.3",
    "WELNO_STEP_MAX_ATTEMPTS": "30",
    "WELNO_STEP_RETRY_BASE_SECONDS": "0.05",
    "WELNO_STEP_RETRY_MAX_SECONDS": "0.1",
    "WELNO_FILE_RETRY_DELAYS_SECONDS": ",".join(["1"] * 20),
    "WELNO_LEASE_SECONDS": "3",
    "WELNO_SWEEP_INTERVAL_SECONDS": "0.2",
    # A lost call is waited for so long, and those that are held are to be held until the blow.
    "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS": "12",
    "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": "12",
    "WELNO_CALL_MARGIN_SECONDS": "2",
}
# As many as there are places at which a run is held in a worker, and two that are free.
PLACES = 16
LEASES = 2  # a worker's and a poller's


PROCESSES = ("sandbox", "worker", "poller", "sweeper")


def widen(programs: dict[str, Program]) -> dict[str, Program]:
    return programs | {"worker": worker_program("worker", PLACES)}


@pytest.fixture(scope="package")
def running(migrated_home: Path) -> Iterator[Stack]:
    """Not `fast`: what was committed has to outlive the server."""
    with run_stack(migrated_home, SETTINGS, PROCESSES, widen, fast=False) as stack:
        stack.add(worker_program("spare", PLACES))
        stack.add(Program("spare_poller", stack.programs["poller"].command))
        with closing(Gates(gates_url(stack))) as gates:
            gates.build()
            wait_until(lambda: gates.leases() == LEASES, 60)
        yield stack


@pytest.fixture
def driver(running: Stack) -> Iterator[Driver]:
    with Driver(running.env, build_task_sender(running.env["CELERY_BROKER_URL"])) as driver:
        yield driver
        driver.leave()


@pytest.fixture
def gates(running: Stack) -> Iterator[Gates]:
    with closing(Gates(gates_url(running))) as gates:
        yield gates


def gates_url(stack: Stack) -> str:
    return stack.postgres.url.replace("+psycopg2", "")
