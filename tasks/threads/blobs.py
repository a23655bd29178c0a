"""Pictures and reports of threads that were never finished, or were kept long enough."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.threads.blob_retention import sweep_blobs
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.SWEEP_BLOBS)
def sweep_thread_blobs() -> None:
    """Twice is once."""
    here = runtime()
    keep_days = here.stores.settings.threads.keep_days
    swept = sweep_blobs(here.stores.unit_of_work, here.tools.spool.blobs, clock.now(), keep_days)
    log.info("thread_blobs_swept", rows=swept.rows, files=swept.files)
