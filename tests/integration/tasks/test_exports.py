"""Exports by the real worker."""

from datetime import timedelta
from uuid import UUID

from celery import Celery
from sqlalchemy import update

from core.clock import clock
from core.names import Queue, Status, Task
from dev.local.stack import Stack
from models.patients import Export, ExportState
from services.patients.exports import ask_for_export
from tests.integration.collection.driver import Driver
from tests.waiting import wait_until


def state(driver: Driver, export_id: UUID) -> str | None:
    with driver.stores.sessions() as session:
        export = session.get(Export, export_id)
        return export.state if export else None


def test_a_worker_builds_an_archive_and_removes_it_when_it_is_over(running: Stack, driver: Driver):
    session_id = driver.approved()
    driver.ask_collection(session_id)
    uuid = driver.wait_for(session_id, Status.COMPLETED).patient_uuid
    assert uuid is not None
    with driver.stores.unit_of_work() as work:
        export_id = ask_for_export(work, uuid, "req-1", clock.now())
    wait_until(lambda: state(driver, export_id) == ExportState.READY, 30)
    archive = driver.settings.files.data_dir / "exports" / str(uuid) / str(export_id)
    assert archive.is_file()
    with driver.stores.unit_of_work() as work:
        work.session.execute(update(Export).values(expires_at=clock.now() - timedelta(seconds=1)))
    with Celery("beat", broker=running.env["CELERY_BROKER_URL"], set_as_current=False) as beat:
        beat.send_task(Task.FORGET_EXPORTS, queue=Queue.HOUSEKEEPING, ignore_result=True)
    wait_until(lambda: state(driver, export_id) is None, 30)
    assert not archive.exists()
