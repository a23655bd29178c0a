"""Subjects whose logged events were erased or redacted: their streams in Redis may come back as they were before.

A Redis that restarts from a snapshot, or a sender that stood still over the erasure, has the old bodies under the right
epoch and numbers, and nothing about such a stream tells. So each is known, for as long as one can live there, by a hash
(who was erased is named nowhere), and whoever compares Redis with the log forgets it again.
"""

import hashlib
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOTE = text("""
    insert into welno.welno_rewritten_subjects (subject_hash)
    select subject_hash from unnest(cast(:hashes as text[])) as new (subject_hash) order by subject_hash
    on conflict (subject_hash) do update set rewritten_at = excluded.rewritten_at
""")
_LATELY = text("""
    select subject_hash from welno.welno_rewritten_subjects
    where rewritten_at > clock_timestamp() - make_interval(secs => :seconds)
""")
_DELETE = text("""
    delete from welno.welno_rewritten_subjects
    where rewritten_at < clock_timestamp() - make_interval(secs => :seconds)
""")


def hash_subject(subject: str) -> str:
    return hashlib.sha256(f"rewritten:{subject}".encode()).hexdigest()


def note_rewritten(session: Session, subjects: Collection[str]) -> None:
    """In the transaction that erases or redacts."""
    session.connection().execute(_NOTE, {"hashes": sorted({hash_subject(one) for one in subjects})})


def read_rewritten(session: Session, within_seconds: float) -> frozenset[str]:
    """The hashes of what was erased or redacted in the last so many seconds."""
    return frozenset(session.scalars(_LATELY, {"seconds": within_seconds}))


def forget_rewritten(session: Session, after_seconds: float) -> int:
    """The hashes of what can live in no Redis any more; how many."""
    return session.connection().execute(_DELETE, {"seconds": after_seconds}).rowcount
