"""Erasing interviews that were deleted long enough ago."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.interviews.erasure import ErasureTools
from services.interviews.retention import drop_strays, erase_overdue
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.ERASE_INTERVIEWS)
def erase_deleted_interviews() -> None:
    """Rows, what was told of them, files, and files that nobody owns. Twice is once."""
    here = runtime()
    files, keep_days = here.tools.spool.interviews, here.stores.settings.interviews.keep_days
    tools = ErasureTools(here.stores.unit_of_work, here.stores.sender.forget, files)
    erased = erase_overdue(tools, clock.now(), keep_days)
    strays = drop_strays(here.stores.unit_of_work, files, clock.now())
    log.info("interviews_erased", count=erased, strays=strays)
