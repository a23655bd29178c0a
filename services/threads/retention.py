"""Payloads that were kept long enough go; numbers, and what prevents doubles, stay for ever."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from models.threads import Thread, ThreadItem
from services.delivery.unit_of_work import UnitOfWork

_THREADS_AT_ONCE = 20
# Somebody who writes holds the row for some milliseconds; the next night does what is left.
_LOCK = select(Thread).with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
_STATEMENT_TIMEOUT = text("set local statement_timeout = '300s'")


def trim_payloads(unit_of_work: UnitOfWork, now: datetime, keep_days: int) -> int:
    """How many. Twice is once. A reader further back is told which numbers are gone."""
    before, trimmed, after = now - timedelta(days=keep_days), 0, ""
    while True:
        with unit_of_work() as work:
            work.session.execute(_STATEMENT_TIMEOUT)
            overdue = _find_overdue(work.session, before, after)
            trimmed += sum(_trim(work.session, thread_id, last) for thread_id, last in overdue)
        if len(overdue) < _THREADS_AT_ONCE:
            return trimmed
        after = overdue[-1][0]


def _find_overdue(session: Session, before: datetime, after: str) -> list[tuple[str, int]]:
    """Threads, and the last number of each whose payload is too old."""
    query = (
        select(ThreadItem.thread_id, func.max(ThreadItem.seq))
        .where(ThreadItem.payload.is_not(None), ThreadItem.created_at < before, ThreadItem.thread_id > after)
        .group_by(ThreadItem.thread_id)
        .order_by(ThreadItem.thread_id)
        .limit(_THREADS_AT_ONCE)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def _trim(session: Session, thread_id: str, last: int) -> int:
    row = session.scalar(_LOCK.where(Thread.id == thread_id))
    if row is None:
        return 0
    row.trimmed_seq = max(row.trimmed_seq, last)
    session.flush()
    gone = (ThreadItem.thread_id == thread_id, ThreadItem.seq <= last, ThreadItem.payload.is_not(None))
    return session.connection().execute(update(ThreadItem).where(*gone).values(payload=None)).rowcount
