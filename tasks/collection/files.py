"""Beat's jobs on the file store: retry what failed and is due, pick up orphans, remove old imported files."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.collection.abandoned_answers import remove_abandoned
from tasks.app import app, settings
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_BATCH = 500
# A temporary file older than this is the rest of a write that a crash cut short.
_LONGEST_WRITE_SECONDS = 10


@app.task(name=Task.RETRY_FILES)
def retry_files() -> None:
    """Import what is due in failed/ and what nobody works on in pending/. Two at once take different files."""
    here = runtime()
    summary = here.tools.importer.retry_due(_BATCH, settings.files.orphan_seconds, keeps_on=lambda: not is_stopping())
    removed = remove_abandoned(
        here.tools.spool,
        here.stores.sessions,
        clock.now(),
        older_than_seconds=settings.files.orphan_seconds,
        retry_delays_seconds=settings.files.retry_delays_seconds,
        keeps_on=lambda: not is_stopping(),
    )
    here.tools.spool.sweep_temporary(max(settings.files.orphan_seconds, _LONGEST_WRITE_SECONDS))
    log.info("files_retried", summary=str(summary), removed=removed)


@app.task(name=Task.IMPORT_FILE)
def import_file(name: str) -> None:
    """Import one file now, because an operator says so. Run twice, the second finds it gone or taken."""
    result = runtime().tools.importer.import_file(name)
    log.info("file_imported_on_demand", name=name, imported=result is not None)


@app.task(name=Task.CLEAN_COMPLETED_FILES)
def clean_completed_files() -> None:
    """Remove imported files that are older than the setting allows; pending/ and failed/ are never touched."""
    removed = runtime().tools.spool.clean_completed(settings.files.completed_keep_days)
    log.info("completed_files_removed", count=removed)
