"""The task that erases a person, step by step."""

from uuid import UUID

import structlog

from core.logs import get_logger
from core.names import Task
from services.personal_data import build_erasure_job
from tasks.app import app
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)


@app.task(name=Task.ERASE_PATIENT)
def erase_patient(erasure_id: str) -> None:
    """Go on where the erasure stands. Twice at once, each finds nothing left of what the other has erased; where it
    breaks off, the sweep sends it again."""
    here = runtime()
    with structlog.contextvars.bound_contextvars(erasure_id=erasure_id):
        try:
            build_erasure_job(here.stores, here.tools.spool).run(UUID(erasure_id), keeps_on=lambda: not is_stopping())
        except Exception as exc:  # noqa: BLE001 the edge of a task: Celery would log the error's text, which may quote rows
            log.error("erasure_broke_off", error=type(exc).__name__)  # noqa: TRY400 the same of the traceback's last line
