"""Erasure by the real worker, and by the operators' command."""

from uuid import UUID

import pytest
from sqlalchemy import text

from core.clock import clock
from core.names import Status
from dev.local.stack import Stack
from models.collection import CollectionRun
from models.patients import ActorKind, Erasure, ErasureState, Patient
from services.patients.access_log import Actor
from services.personal_data import ErasureOrder, start_erasure
from tests.integration.collection.driver import Driver
from tests.integration.commands import run_command
from tests.waiting import wait_until

BLOCKED = "select count(*) from pg_locks where not granted and relation = cast(:table as regclass)"


def is_completed(driver: Driver, erasure_id: UUID) -> bool:
    with driver.stores.sessions() as session:
        return session.get_one(Erasure, erasure_id).state == ErasureState.COMPLETED


@pytest.fixture
def collected(driver: Driver) -> tuple[UUID, str]:
    """A patient and their session."""
    session_id = driver.approved()
    driver.ask_collection(session_id)
    run = driver.wait_for(session_id, Status.COMPLETED)
    driver.tokens.pop(session_id)  # the session will be gone
    assert run.patient_uuid is not None
    return run.patient_uuid, session_id


def test_a_worker_erases_a_person_who_has_collected(driver: Driver, collected: tuple[UUID, str]):
    uuid, session_id = collected
    order = ErasureOrder(uuid, Actor(ActorKind.SESSION, session_id), "req-1")
    with driver.stores.unit_of_work() as work:
        erasure_id = start_erasure(work, driver.stores, order, clock.now())
    wait_until(lambda: is_completed(driver, erasure_id), 30)
    with driver.stores.sessions() as session:
        assert session.get(Patient, uuid) is None
        assert session.get(CollectionRun, UUID(session_id)) is None
        receipt = session.get_one(Erasure, erasure_id).receipt
    assert (receipt["patients"], receipt["runs"], receipt["files"]) == (1, 1, 3)
    assert list(driver.settings.files.data_dir.rglob(f"*{session_id}*")) == []


@pytest.mark.parametrize("table", ["tb_campaign_payments", "welno_checkup_data", "welno_collection_steps"])
def test_a_worker_killed_in_the_middle_of_an_eraser_is_followed_by_another(
    running: Stack, driver: Driver, collected: tuple[UUID, str], table: str
):
    uuid, session_id = collected
    order = ErasureOrder(uuid, Actor(ActorKind.SESSION, session_id), "req-1")
    with driver.stores.engine.connect() as holder:
        holder.execute(text(f"lock table welno.{table} in exclusive mode"))
        with driver.stores.unit_of_work() as work:
            erasure_id = start_erasure(work, driver.stores, order, clock.now())
        wait_until(lambda: driver.value(BLOCKED, table=f"welno.{table}"), 30)
        running.kill("worker")
        holder.rollback()
    running.start("worker")
    assert not is_completed(driver, erasure_id)
    driver.execute("update welno.welno_erasures set resend_at = now()")  # the minute is over
    wait_until(lambda: is_completed(driver, erasure_id), 30)
    with driver.stores.sessions() as session:
        assert session.get(Patient, uuid) is None
        receipt = session.get_one(Erasure, erasure_id).receipt
    assert (receipt["checkups"], receipt["run_steps"] > 0, receipt["patients"]) == (2, True, 1)


def test_an_operator_erases_for_a_reason_and_sees_the_receipt(
    running: Stack, driver: Driver, collected: tuple[UUID, str]
):
    def command(*arguments: str) -> tuple[int, str]:
        done = run_command("tasks.erasures", *arguments, env=running.env)
        return done.status, done.output

    status, said = command("start", str(collected[0]), "--by", "op-1", "--reason", "편지로 요청하셔서")
    assert status == 0
    wait_until(lambda: is_completed(driver, UUID(said.strip())), 30)
    status, told = command("show", said.strip())
    assert (status, told.startswith("completed, asked for ")) == (0, True)
    assert "  kept    access_log\n" in told
    assert command("start", str(collected[0]), "--by", "op-1", "--reason", "again")[0] == 1
