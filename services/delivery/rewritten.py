"""Subjects whose logged events were erased or redacted: their streams in Redis may come back as they were before.

A Redis that restarts from a snapshot, or a sender that stood still over the erasure, has the old bodies under the right
epoch and numbers, and nothing about such a stream tells. So its name is kept for as long as one can live there, by ids
alone, and whoever compares Redis with the log forgets it again.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOTE = text("""
    insert into welno.welno_rewritten_subjects (subject)
    select subject from unnest(cast(:subjects as text[])) as new (subject) order by subject
    on conflict (subject) do update set rewritten_at = excluded.rewritten_at
""")
_LATELY = text("""
    select subject from welno.welno_rewritten_subjects
    where rewritten_at > clock_timestamp() - make_interval(secs => :seconds) order by subject
""")
_DELETE = text("""
    delete from welno.welno_rewritten_subjects
    where rewritten_at < clock_timestamp() - make_interval(secs => :seconds)
""")


def note_rewritten(session: Session, subjects: Collection[str]) -> None:
    """In the transaction that erases or redacts."""
    session.connection().execute(_NOTE, {"subjects": sorted(set(subjects))})


def read_rewritten(session: Session, within_seconds: float) -> Sequence[str]:
    """What was erased or redacted in the last so many seconds."""
    return session.scalars(_LATELY, {"seconds": within_seconds}).all()


def forget_rewritten(session: Session, after_seconds: float) -> int:
    """The names of what can live in no Redis any more; how many."""
    return session.connection().execute(_DELETE, {"seconds": after_seconds}).rowcount
