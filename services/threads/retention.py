"""Payloads that were kept long enough go, also from Redis; numbers, and what prevents doubles, stay for ever."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from core.names import thread_subject
from models.threads import Thread, ThreadItem
from services.delivery.event_sender import EventSender
from services.delivery.rewritten import note_rewritten
from services.delivery.unit_of_work import UnitOfWork

_THREADS_AT_ONCE = 20
# Somebody who writes holds the row for some milliseconds; the next night does what is left.
_LOCK = select(Thread).with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
_STATEMENT_TIMEOUT = text("set local statement_timeout = '300s'")


def trim_payloads(unit_of_work: UnitOfWork, sender: EventSender, now: datetime, keep_days: int) -> int:
    """How many. Twice is once. A reader further back is told which numbers are gone. While Redis is away nothing is
    counted: the next night finds it again."""
    before, trimmed, after = now - timedelta(days=keep_days), 0, ""
    while True:
        with unit_of_work() as work:
            work.session.execute(_STATEMENT_TIMEOUT)
            overdue = _find_overdue(work.session, before, after)
        # A unit for each: those who write to a thread wait for its row, and for no other's payloads.
        for thread_id, last in overdue:
            trimmed += _trim(unit_of_work, sender, thread_id, last)
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


def _trim(unit_of_work: UnitOfWork, sender: EventSender, thread_id: str, last: int) -> int:
    """Nobody is given them from the first commit on. The payloads go last: while they are there, whoever died in
    between, or found Redis away, is made up for."""
    with unit_of_work() as work:
        row = _lock(work.session, thread_id)
        if row is None:
            return 0
        row.trimmed_seq = max(row.trimmed_seq, last)
    if not sender.forget(thread_subject(thread_id)):
        return 0
    gone = (ThreadItem.thread_id == thread_id, ThreadItem.seq <= last, ThreadItem.payload.is_not(None))
    with unit_of_work() as work:
        if _lock(work.session, thread_id) is None:
            return 0
        note_rewritten(work.session, [thread_subject(thread_id)])
        return work.session.connection().execute(update(ThreadItem).where(*gone).values(payload=None)).rowcount


def _lock(session: Session, thread_id: str) -> Thread | None:
    session.execute(_STATEMENT_TIMEOUT)
    return session.scalar(_LOCK.where(Thread.id == thread_id))
