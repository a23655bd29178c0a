"""The kind of subjects of the threads: `thread:{thread_id}`, whose log is the table of items."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.names import THREAD_PREFIX
from core.settings import Settings
from services.delivery.kinds import RowCounter, SubjectKind
from services.threads.pages import find_window_begin, read_page
from streams import StreamPolicy

# An item with the largest payload, in base64url.
_ITEM_MAX_BYTES = 64 * 1024
_HELD_AFTER = text("select trimmed_seq from welno.welno_threads where id = :key")


class ThreadLog:
    """The items of all threads, as the event log reads them."""

    def read(self, session: Session, key: str, after: int, limit: int, max_bytes: int) -> Sequence[tuple[int, bytes]]:
        return read_page(session, key, first=after + 1, limit=limit, max_bytes=max_bytes)

    def held_after(self, session: Session, key: str) -> int:
        trimmed: int | None = session.execute(_HELD_AFTER, {"key": key}).scalar_one_or_none()
        return trimmed or 0

    def window_begin(self, session: Session, key: str, stream: StreamPolicy) -> int:
        return find_window_begin(session, key, limit=stream.max_length, max_bytes=stream.max_bytes)


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
