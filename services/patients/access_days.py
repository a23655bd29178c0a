"""The days of the access log: partitions are made ahead, and dropped as a whole when they are too old."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.patients import AccessDay
from services.advisory_locks import try_lock_name
from services.delivery.partitions import InTheWay, try_to

log = get_logger(__name__)

_DAYS_AHEAD = 7
# Two that make partitions at once would only wait for each other.
_LOCK = "welno.access_days"
_EXISTING = text("select tablename from pg_tables where schemaname = 'welno_log' and tablename like 'access\\_%'")
_LOG, _OTHER = "welno.welno_access_log", "welno_log.access_other"


def keep_access_days(session: Session, today: date, keep_days: int) -> None:
    """Make what is missing, drop what is older. Repeatable; nobody waits long for its locks."""
    if not try_lock_name(session, _LOCK):
        return
    session.execute(text("set local lock_timeout = '2s'"))
    existing = set(session.execute(_EXISTING).scalars())
    days = (today + timedelta(days=n) for n in range(_DAYS_AHEAD + 1))
    for day in (day for day in days if _partition(day) not in existing):
        if _make_day(session, day) == InTheWay.HELD:
            break  # as it would be for the next day, too
    _drop_old(session, today - timedelta(days=keep_days), existing)


def _make_day(session: Session, day: date) -> InTheWay | None:
    """Attached, not made as a partition at once: that would lock out every look."""
    landed = text(f"select exists (select from {_OTHER} where day = :day)")  # noqa: S608 our own name
    if session.execute(landed, {"day": day}).scalar_one():
        return InTheWay.LANDED  # they stay where they are
    name = f"welno_log.{_partition(day)}"
    bounds = f"from ('{day}') to ('{day + timedelta(days=1)}')"

    def make() -> None:
        session.execute(text(f"create table {name} (like {_LOG} including defaults including indexes)"))
        _refuse_truncation(session, name)
        session.execute(text(f"alter table {_LOG} attach partition {name} for values {bounds}"))

    return try_to(session, make)


def _refuse_truncation(session: Session, name: str) -> None:
    """What a partition does not inherit: the trigger for rows it does."""
    session.execute(
        text(f"""
            create trigger never_truncated before truncate on {name}
            for each statement execute function welno.refuse_access_log_change()
        """)
    )
    # Otherwise `session_replication_role = replica` would switch it off.
    session.execute(text(f"alter table {name} enable always trigger never_truncated"))
    session.execute(text(f"revoke update, delete, truncate on {name} from public, current_user"))


def _drop_old(session: Session, oldest: date, existing: set[str]) -> None:
    for name in sorted(existing):
        day = _day_of(name)
        if day is not None and day < oldest:
            session.execute(text(f"drop table welno_log.{name}"))
            log.info("access_log_day_dropped", partition=name)
    _renew_other(session, oldest)
    session.execute(delete(AccessDay).where(AccessDay.day < oldest))


def _renew_other(session: Session, oldest: date) -> None:
    """No row can be deleted, so what landed outside of its day goes when the youngest of it is too old."""
    youngest = session.execute(text(f"select max(day) from {_OTHER}")).scalar_one()  # noqa: S608 our own name
    if youngest is None or youngest >= oldest:
        return
    session.execute(text(f"drop table {_OTHER}"))
    session.execute(text(f"create table {_OTHER} partition of {_LOG} default"))
    _refuse_truncation(session, _OTHER)


def _partition(day: date) -> str:
    return f"access_{day:%Y%m%d}"


def _day_of(name: str) -> date | None:
    try:
        return datetime.strptime(name, "access_%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
