"""Payloads of threads that were kept long enough."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.threads.retention import trim_payloads
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.TRIM_THREADS)
def trim_threads() -> None:
    """Twice is once."""
    here = runtime().stores
    trimmed = trim_payloads(here.unit_of_work, here.sender, clock.now(), here.settings.threads.keep_days)
    log.info("thread_payloads_trimmed", count=trimmed)
