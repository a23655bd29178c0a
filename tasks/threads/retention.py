"""Payloads of threads that were kept long enough, and what Redis may hold of closed ones."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.threads.retention import forget_closed_streams, trim_payloads
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.TRIM_THREADS)
def trim_threads() -> None:
    """Twice is once."""
    here, now = runtime().stores, clock.now()
    window_seconds = here.settings.threads.window_seconds
    forgotten = forget_closed_streams(here.unit_of_work, here.sender, now, window_seconds)
    trimmed = trim_payloads(here.unit_of_work, here.sender, now, here.settings.threads.keep_days)
    log.info("thread_payloads_trimmed", count=trimmed, closed_streams=forgotten)
