"""The back end as a member of threads, by a real worker: keys that are due, and records in spite of a SIGKILL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from celery import Celery
from sqlalchemy import text

from core.names import Queue, Status, Task
from dev.local.stack import Stack
from models.threads import MemberRole
from services.threads.audit import AuditedCaller
from services.threads.creating import create_thread
from services.threads.devices import register_device
from services.threads.encoding import SERVICE_MEMBER
from services.threads.record_messages import SentKind
from services.threads.record_sending import ask_for_records
from tests.integration.collection.driver import Driver
from tests.thread_devices import ClientDevice
from tests.waiting import wait_until

SENT = """
    select body::json -> 'envelope' ->> 'contentType' as type from welno.welno_thread_items
    where thread_id = :thread and type = 'message' order by seq
"""
RECORD, SUMMARY = "application/vnd.welno.record+json", "application/vnd.welno.records+json"
WAITS = """
    select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%welno.' || :table || '%'
"""


@dataclass
class ServedPatient:
    """Whose records were collected, in a thread with the service."""

    driver: Driver
    caller: AuditedCaller
    thread_id: str

    def ask(self, *, is_sent: bool = True) -> UUID:
        with self.driver.stores.threads(self.caller) as unit:
            sending_id, _ = ask_for_records(unit, self.thread_id, list(SentKind))
            if not is_sent:
                unit.work.calls.clear()
        return sending_id

    def sent(self) -> list[str]:
        return [row.type for row in self.driver.rows(SENT, thread=self.thread_id)]

    def result(self, sending_id: UUID) -> str | None:
        query = "select result from welno.welno_thread_record_sendings where id = :id"
        found: str | None = self.driver.rows(query, id=sending_id)[0].result
        return found


@pytest.fixture
def served(driver: Driver) -> ServedPatient:
    session_id = driver.wait_for_push()
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    query = "select patient_uuid from welno.welno_collection_history where session_id = :id"
    member = f"patient:{driver.rows(query, id=session_id)[0].patient_uuid}"
    caller, here = AuditedCaller.at(member, "203.0.113.9", "req-1"), driver.stores
    with here.threads(caller) as unit:
        register_device(unit, ClientDevice(member).claim)
    with here.threads(caller) as unit:
        thread_id, _ = create_thread(unit, uuid4(), {SERVICE_MEMBER: MemberRole.WRITER}, here.service_member)
    return ServedPatient(driver, caller, thread_id)


def send(running: Stack, task: Task, *arguments: str) -> None:
    with Celery("beat", broker=running.env["CELERY_BROKER_URL"], set_as_current=False) as beat:
        beat.send_task(task, args=arguments, queue=Queue.HOUSEKEEPING, ignore_result=True)


@contextmanager
def held(driver: Driver, table: str, key: object) -> Iterator[None]:
    """A row that nobody else gets for as long as the block runs."""
    with driver.stores.engine.connect() as holder:
        holder.execute(text(f"select 1 from welno.{table} where id = :key for update"), {"key": key})
        yield
        holder.rollback()


def test_a_worker_sends_what_a_patient_has_asked_for(running: Stack, served: ServedPatient):
    sending_id = served.ask()
    wait_until(lambda: served.result(sending_id) == "ok", 30)
    *records, last = served.sent()
    assert (set(records), last) == ({RECORD}, SUMMARY)


def test_a_worker_rotates_a_key_that_is_due(running: Stack, driver: Driver, served: ServedPatient):
    driver.execute("update welno.welno_threads set key_state = 'due' where id = :id", id=served.thread_id)
    send(running, Task.TEND_DUE_THREADS)
    query = "select key_generation, key_state from welno.welno_threads where id = :id"
    wait_until(lambda: tuple(driver.rows(query, id=served.thread_id)[0]) == (2, "ok"), 30)


@pytest.mark.parametrize("table", ["welno_threads", "welno_thread_record_sendings"])
def test_records_come_once_although_the_worker_was_killed(
    running: Stack, driver: Driver, served: ServedPatient, table: str
):
    """Before it had written anything, or after all was written and nobody had been told that it has ended."""
    sending_id = served.ask(is_sent=False)
    try:
        with held(driver, table, served.thread_id if table == "welno_threads" else sending_id):
            send(running, Task.SEND_RECORDS, str(sending_id))
            wait_until(lambda: driver.rows(WAITS, table=table), 30, every=0.005)
            running.kill("worker")
            assert (served.sent() == []) is (table == "welno_threads")
    finally:
        running.start("worker")
    assert served.result(sending_id) is None
    due = "update welno.welno_thread_record_sendings set resend_at = now() where id = :id"
    driver.execute(due, id=sending_id)
    send(running, Task.TEND_DUE_THREADS)
    wait_until(lambda: served.result(sending_id) == "ok", 30)
    *records, last = served.sent()
    assert (set(records), last) == ({RECORD}, SUMMARY)
    counted = "select count(distinct dedupe_id) from welno.welno_thread_items where thread_id = :id"
    assert driver.rows(counted, id=served.thread_id)[0].count == len(records) + 1
