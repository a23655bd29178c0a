"""The tasks on exports: building an archive, and removing what is over."""

from uuid import UUID

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.patients.exports import forget_export, list_over
from services.personal_exports import build_export
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.BUILD_EXPORT)
def build_archive(export_id: str) -> None:
    """Twice, the second finds it built. Where it breaks off, the sweep sends it again."""
    here = runtime()
    try:
        is_built = build_export(here.stores, here.tools.spool, UUID(export_id))
    except Exception as exc:  # noqa: BLE001 the edge of a task: Celery would log the error's text, which may quote rows
        log.error("export_broke_off", export_id=export_id, error=type(exc).__name__)  # noqa: TRY400 the same of the traceback
        return
    log.info("export_built", export_id=export_id, built=is_built)


@app.task(name=Task.FORGET_EXPORTS)
def forget_exports() -> None:
    """Remove archives and rows whose time is over. Twice is once."""
    here = runtime()
    with here.stores.sessions() as session:
        over = list_over(session, clock.now())
    for patient_uuid, export_id in over:
        here.tools.spool.archives.drop(patient_uuid, export_id)
        with here.stores.unit_of_work() as work:
            forget_export(work.session, export_id)
    log.info("exports_forgotten", count=len(over))
