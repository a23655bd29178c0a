"""The days of the event log: partitions are made ahead of their day and dropped as a whole when they are too old."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from core.logs import get_logger
from services.advisory_locks import try_lock_name
from services.delivery.kinds import SubjectKind

log = get_logger(__name__)

_DAYS_AHEAD = 7
# Two that make partitions at once would only wait for each other.
_LOCK = "welno.log_partitions"
_EXISTING = text("select tablename from pg_tables where schemaname = 'welno_log'")


class InTheWay(StrEnum):
    LANDED = "landed"
    HELD = "held"


# PostgreSQL's codes: check_violation, lock_not_available, deadlock_detected.
_IN_THE_WAY = {"23514": InTheWay.LANDED, "55P03": InTheWay.HELD, "40P01": InTheWay.HELD}


def keep_partitions(session: Session, kinds: Iterable[SubjectKind], today: date) -> None:
    """Make what is missing, drop what is older than its kind is kept. Repeatable; nobody waits long for its locks."""
    if not try_lock_name(session, _LOCK):
        return
    session.execute(text("set local lock_timeout = '2s'"))
    existing = set(session.execute(_EXISTING).scalars())
    for kind in (kind for kind in kinds if kind.log is None):
        if kind.prefix not in existing:
            _make_kind(session, kind)
        days = (today + timedelta(days=n) for n in range(_DAYS_AHEAD + 1))
        for day in (day for day in days if _partition(kind, day) not in existing):
            if _make_day(session, kind, day) == InTheWay.HELD:
                break  # as it would be for the next day, too
        _drop_old(session, kind, today - timedelta(days=kind.keep_days), existing)


def _make_kind(session: Session, kind: SubjectKind) -> None:
    parent = f"welno_log.{kind.prefix}"
    session.execute(
        text(f"""
            create table {parent} partition of welno.welno_events
            for values in ('{kind.prefix}') partition by range (created_at)
        """)
    )
    # For a day that has no partition: rows are never refused.
    session.execute(text(f"create table {parent}_other partition of {parent} default"))


def _make_day(session: Session, kind: SubjectKind, day: date) -> InTheWay | None:
    """Attached, not made as a partition at once: that would lock out every writer of the kind."""
    parent, name = f"welno_log.{kind.prefix}", f"welno_log.{_partition(kind, day)}"
    begin, end = f"{day}T00:00Z", f"{day + timedelta(days=1)}T00:00Z"
    landed = text(f"select exists (select from {parent}_other where created_at >= :begin and created_at < :end)")  # noqa: S608 our own names
    if session.execute(landed, {"begin": begin, "end": end}).scalar_one():
        return InTheWay.LANDED  # they stay where they are

    def make() -> None:
        session.execute(text(f"create table {name} (like {parent} including defaults including indexes)"))
        session.execute(text(f"alter table {parent} attach partition {name} for values from ('{begin}') to ('{end}')"))

    return try_to(session, make)


def try_to(session: Session, act: Callable[[], object]) -> InTheWay | None:
    """Do it, or take it back and say who is in the way: the next turn does it.

    A partition that is attached where rows of its day are in the default one has LANDED: a writer can be under way that
    no look has seen, and only attaching waits for it. They stay where they are. To move them would hide them from
    whoever has planned a query before the move and reads after it. A table is HELD by whoever writes, or reads, for
    longer than we wait.
    """
    try:
        with session.begin_nested():
            act()
    except (IntegrityError, OperationalError) as exc:
        reason = _IN_THE_WAY.get(getattr(exc.orig, "pgcode", None) or "")
        if reason is None:
            raise
        log.info("partition_left", reason=reason)
        return reason
    return None


def _drop_old(session: Session, kind: SubjectKind, oldest: date, existing: set[str]) -> None:
    for name in sorted(existing):
        day = _day_of(kind, name)
        if day is not None and day < oldest:
            dropped = text(f"drop table welno_log.{name}")
            if try_to(session, partial(session.execute, dropped)) is None:
                log.info("log_partition_dropped", partition=name)
    outdated = text(f"delete from welno_log.{kind.prefix}_other where created_at < :oldest")  # noqa: S608 our own name
    session.execute(outdated, {"oldest": f"{oldest}T00:00Z"})


def _partition(kind: SubjectKind, day: date) -> str:
    return f"{kind.prefix}_{day:%Y%m%d}"


def _day_of(kind: SubjectKind, name: str) -> date | None:
    try:
        return datetime.strptime(name, f"{kind.prefix}_%Y%m%d").date()  # noqa: DTZ007 a name, not a moment
    except ValueError:
        return None
