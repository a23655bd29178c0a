"""The kind of subjects of the threads: `thread:{thread_id}`, whose log is the table of items."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.names import THREAD_PREFIX
from core.settings import Settings
from services.delivery.kinds import RowCounter, SubjectKind
from services.threads.items import with_payload
from streams import StreamPolicy

# An item with the largest payload, in base64url.
_ITEM_MAX_BYTES = 64 * 1024
_SIZE = "octet_length(body) + coalesce(octet_length(payload), 0) * 4 / 3"
_TRIMMED = "(select trimmed_seq from welno.welno_threads where id = :key)"
# The sizes are asked of the rows' headers: a payload beyond the bound is not fetched.
_READ = text(f"""
    with next as (
        select seq, body, payload, {_SIZE} as size from welno.welno_thread_items
        where thread_id = :key and seq > greatest(:after, {_TRIMMED}) order by seq limit :limit
    ), summed as (select seq, body, payload, size, sum(size) over (order by seq) as total from next)
    select seq, body, payload from summed where total <= :max_bytes or total = size order by seq
""")  # noqa: S608 our own names
_HELD_AFTER = text("select trimmed_seq from welno.welno_threads where id = :key")
_WINDOW_BEGIN = text(f"""
    with newest as (
        select seq, {_SIZE} as size from welno.welno_thread_items
        where thread_id = :key and seq > {_TRIMMED} order by seq desc limit :limit
    ), summed as (select seq, size, sum(size) over (order by seq desc) as total from newest)
    select coalesce(min(seq) - 1, 0) from summed where total <= :max_bytes or total = size
""")  # noqa: S608 our own names


class ThreadLog:
    """The items of all threads, as the event log reads them."""

    def read(self, session: Session, key: str, after: int, limit: int, max_bytes: int) -> Sequence[tuple[int, bytes]]:
        parameters = {"key": key, "after": after, "limit": limit, "max_bytes": max_bytes}
        rows = session.execute(_READ, parameters)
        return [(seq, with_payload(body.encode(), payload and bytes(payload))) for seq, body, payload in rows]

    def held_after(self, session: Session, key: str) -> int:
        trimmed: int | None = session.execute(_HELD_AFTER, {"key": key}).scalar_one_or_none()
        return trimmed or 0

    def window_begin(self, session: Session, key: str, stream: StreamPolicy) -> int:
        parameters = {"key": key, "limit": stream.max_length, "max_bytes": stream.max_bytes}
        begin: int = session.execute(_WINDOW_BEGIN, parameters).scalar_one()
        return begin


THREAD_LOG = ThreadLog()


def thread_kind(settings: Settings) -> SubjectKind:
    """Numbered on the thread's row by those who write its items."""
    threads = settings.threads
    return SubjectKind(
        prefix=THREAD_PREFIX,
        counter=RowCounter("welno.welno_threads", "id", key_type="text", seq_column="last_seq"),
        keep_days=threads.keep_days,
        log=THREAD_LOG,
        stream=StreamPolicy(threads.window_items, threads.window_seconds, threads.window_bytes),
        event_max_bytes=_ITEM_MAX_BYTES,
    )
