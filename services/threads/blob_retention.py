"""Removing what nobody will read of larger things: uploads that were never finished, what was kept long enough, and the
files of what is gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.threads import ThreadBlob
from services.delivery.unit_of_work import UnitOfWork
from spool import SpoolError, StreamedFiles

log = get_logger(__name__)
_UNFINISHED_FOR = timedelta(days=1)
_OWNERS_AT_ONCE = 1000


@dataclass(frozen=True)
class SweptBlobs:
    """Blobs that were given up, and blobs whose files went."""

    rows: int
    files: int


def sweep_blobs(unit_of_work: UnitOfWork, files: StreamedFiles, now: datetime, keep_days: int) -> SweptBlobs:
    """Twice is once. An upload is given up a day after its last part."""
    unfinished = ThreadBlob.completed_at.is_(None) & (ThreadBlob.changed_at < now - _UNFINISHED_FOR)
    overdue = ThreadBlob.completed_at < now - timedelta(days=keep_days)
    # One that somebody completes just now, or a closing thread takes along, is left to them.
    given_up = select(ThreadBlob.file_id).where(or_(unfinished, overdue)).with_for_update(skip_locked=True)
    with unit_of_work() as work:
        rows = work.session.connection().execute(delete(ThreadBlob).where(ThreadBlob.file_id.in_(given_up))).rowcount
    with unit_of_work() as work:
        strays = find_strays(work.session, files)
    return SweptBlobs(rows, drop_files(files, strays))


def find_strays(session: Session, files: StreamedFiles) -> list[UUID]:
    """Whose files no blob has. A blob's row is committed before its first file is begun: what has none was removed."""
    there = files.owners()
    strays: list[UUID] = []
    for at in range(0, len(there), _OWNERS_AT_ONCE):
        some = there[at : at + _OWNERS_AT_ONCE]
        known = set(session.scalars(select(ThreadBlob.file_id).where(ThreadBlob.file_id.in_(some))))
        strays += [owner for owner in some if owner not in known]
    return strays


def drop_files(files: StreamedFiles, owners: Iterable[UUID]) -> int:
    """Of blobs whose rows are gone: of how many they went. What the disk refuses is left to the next sweep."""
    return sum(_drop(files, owner) for owner in owners)


def _drop(files: StreamedFiles, owner: UUID) -> bool:
    try:
        files.drop_all(owner)
    except SpoolError as exc:
        log.error("thread_blob_files_left", owner=str(owner), reason=exc.reason)  # noqa: TRY400 it says it all
        return False
    return True
