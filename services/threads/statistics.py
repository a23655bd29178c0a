"""Numbers of the threads for /metrics, of those that changed in the last ten minutes: all of them are too many."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.delivery.event_log import read_changed, read_epoch
from services.delivery.kinds import SubjectKind
from streams import Streams

_WINDOW_SECONDS, _SETTLE_SECONDS = 600.0, 1.0
_MOST_THREADS = 1000
_LACKING = text("""
    select count(*) from welno.welno_thread_members member
    join welno.welno_thread_devices device on device.member = member.member and device.state = 'active'
    join welno.welno_thread_keysets keyset on keyset.thread_id = member.thread_id
        and (member.visible_from = 1 or keyset.seq >= member.visible_from)
    left join welno.welno_thread_wraps wrap on wrap.thread_id = member.thread_id
        and wrap.generation = keyset.generation and wrap.device_id = device.device_id
    where member.thread_id = any(:threads) and member.removed_at is null and wrap.device_id is null
""")
# What PostgreSQL itself keeps: to count the rows would read them all.
_AUDIT_ROWS = text("""
    select n_live_tup from pg_stat_user_tables where schemaname = 'welno' and relname = 'welno_thread_audit'
""")


@dataclass(frozen=True, slots=True)
class ThreadStatistics:
    """`numbers_behind`: that should be in their streams by now; `keys_lacking`: generations that devices may read and
    cannot open; `audit_rows`: about how many."""

    numbers_behind: int
    keys_lacking: int
    audit_rows: int


def read_statistics(session: Session, streams: Streams, kind: SubjectKind) -> ThreadStatistics:
    """Raises StreamsError and SQLAlchemyError."""
    changed = read_changed(
        session, kind, window_seconds=_WINDOW_SECONDS, settle_seconds=_SETTLE_SECONDS, after=None, limit=_MOST_THREADS
    )
    epoch = read_epoch(session)
    found = streams.positions([end.subject for _, end in changed])
    behind = 0
    for (_, end), at in zip(changed, found, strict=True):
        lacks = end.seq - (at.seq if at.epoch == epoch else 0)
        behind += max(0, min(lacks, kind.stream.max_length))
    lacking = session.scalar(_LACKING, {"threads": [key for key, _ in changed]}) if changed else 0
    return ThreadStatistics(behind, lacking or 0, session.scalar(_AUDIT_ROWS) or 0)
