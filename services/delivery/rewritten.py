"""Subjects whose logged events were erased or redacted: their streams in Redis may come back as they were before.

A Redis that restarts from a snapshot, or a sender that stood still over the erasure, has the old bodies under the right
epoch and numbers, and nothing about such a stream tells. So each is known, for as long as one can live there, by a hash
(who was erased is named nowhere), and whoever compares Redis with the log deletes it again.
"""

import hashlib
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from streams import Streams

# A subject is stamped before its commit, and a sender that had its events then may append them after it: what is
# younger than this is looked at once more. Whoever took longer is found by looking at everything now and then.
_OVERLAP = timedelta(minutes=2)
_ALL_EVERY_SECONDS = 3600.0

_NOTE = text("""
    insert into welno.welno_rewritten_subjects (subject_hash)
    select subject_hash from unnest(cast(:hashes as text[])) as new (subject_hash) order by subject_hash collate "C"
    on conflict (subject_hash) do update set rewritten_at = excluded.rewritten_at
""")
_NOW = text("select clock_timestamp()")
_SINCE = text("select subject_hash from welno.welno_rewritten_subjects where rewritten_at > :since")
_DELETE = text("""
    delete from welno.welno_rewritten_subjects
    where rewritten_at < clock_timestamp() - make_interval(secs => :seconds)
""")


def hash_subject(subject: str) -> str:
    return hashlib.sha256(f"rewritten:{subject}".encode()).hexdigest()


def note_rewritten(session: Session, subjects: Collection[str]) -> None:
    """In the transaction that erases or redacts."""
    session.connection().execute(_NOTE, {"hashes": sorted({hash_subject(one) for one in subjects})})


class RewrittenStreams:
    """Deletes from Redis the streams of what was erased or redacted. Belongs to one process.

    Remembers up to when it has, by the database's clock: what it missed while Redis was away, or while it stood still
    itself, is made up for. Its methods raise StreamsError and SQLAlchemyError; the next call then does it.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        streams: Streams,
        longest_life_seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`longest_life_seconds`: how long a stream can live in Redis."""
        self._sessions = sessions
        self._streams = streams
        self._longest_life_seconds = longest_life_seconds
        self._monotonic = monotonic
        self._done_until: datetime | None = None
        self._all_at = 0.0

    def delete_recent(self) -> None:
        """Of what was rewritten since the last success, and once an hour of all."""
        if self._done_until is None or self._monotonic() >= self._all_at:
            self.delete_all()
        else:
            self._done_until = self._delete(self._done_until - _OVERLAP)

    def delete_all(self) -> None:
        """Of all that may live there: Redis may have other data than before."""
        self._done_until = self._delete(None)
        self._all_at = self._monotonic() + _ALL_EVERY_SECONDS

    def drop_outlived(self, session: Session) -> int:
        """Drop the hashes of what no Redis can hold any more; how many."""
        return session.connection().execute(_DELETE, {"seconds": self._longest_life_seconds}).rowcount

    def _delete(self, since: datetime | None) -> datetime:
        """Up to when."""
        with self._sessions() as session:
            now: datetime = session.execute(_NOW).scalar_one()
            since = since or now - timedelta(seconds=self._longest_life_seconds)
            hashes = frozenset(session.scalars(_SINCE, {"since": since}))
        if hashes:
            self._streams.delete_matching(lambda subject: hash_subject(subject) in hashes)
        return now
