"""Beat's jobs on the file store: retry what failed and is due, pick up orphans, remove old imported files."""

from contextlib import suppress

from core.clock import clock
from core.logs import get_logger
from core.names import Status, Task
from services.collection.sweep import ended_sessions
from spool import AnswerKind, FileTaken, UnknownFile
from tasks.app import app, settings
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_BATCH = 500
_RECORDS = (AnswerKind.HEALTH, AnswerKind.PRESCRIPTION)
# A temporary file older than this is the rest of a write that a crash cut short.
_LONGEST_WRITE_SECONDS = 10


@app.task(name=Task.RETRY_FILES)
def retry_files() -> None:
    """Import what is due in failed/ and what nobody works on in pending/. Two at once take different files."""
    summary = runtime().tools.importer.retry_due(
        _BATCH, settings.files.orphan_seconds, keeps_on=lambda: not is_stopping()
    )
    dropped = _drop_abandoned()
    runtime().tools.spool.sweep_temporary(max(settings.files.orphan_seconds, _LONGEST_WRITE_SECONDS))
    log.info("files_retried", summary=str(summary), dropped=dropped)


@app.task(name=Task.IMPORT_FILE)
def import_file(name: str) -> None:
    """Import one file now, because an operator says so. Run twice, the second finds it gone or taken."""
    result = runtime().tools.importer.import_file(name)
    log.info("file_imported_on_demand", name=name, imported=result is not None)


def _drop_abandoned() -> int:
    """Remove what sessions that ended have left in incoming/. Records that were paid for, and came when their session's
    time was over, are parked for people to look at."""
    here = runtime()
    orphans = here.tools.spool.orphans(clock.now(), settings.files.orphan_seconds, _BATCH).incoming
    with here.stores.sessions() as session:
        ended = ended_sessions(session, sorted({session_id for session_id, _ in orphans}))
    for session_id, kind in orphans:
        if session_id not in ended:
            continue
        if ended[session_id] is Status.EXPIRED and kind in _RECORDS:
            with suppress(UnknownFile, FileTaken):  # another worker is at it
                here.tools.spool.park_incoming(session_id, kind, "session_expired")
        else:
            here.tools.spool.drop_incoming(session_id, kind)
    return len(ended)


@app.task(name=Task.CLEAN_COMPLETED_FILES)
def clean_completed_files() -> None:
    """Remove imported files that are older than the setting allows; pending/ and failed/ are never touched."""
    removed = runtime().tools.spool.clean_completed(settings.files.completed_keep_days)
    log.info("completed_files_removed", count=removed)
