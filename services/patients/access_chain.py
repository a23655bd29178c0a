"""The hash chain of each day of the access log: how an entry is hashed, and where a chain is broken.

The hashes are keyed (HMAC), so who can write to the database alone cannot make a changed chain whole again.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import orjson
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core.derived_keys import Purpose, derive_key
from models.patients import AccessDay, AccessEntry

_FETCH_ROWS = 1000


@dataclass(frozen=True)
class ChainBreak:
    """The first entry of a day at which its chain does not hold, and why."""

    day: date
    seq: int
    why: str


@dataclass(frozen=True)
class CheckedDay:
    """A day's chain: how many entries, the hash at its end, and its break, if it has one."""

    day: date
    entries: int
    last_hash: str
    broken: ChainBreak | None


def chain_key(pseudonym_key: str) -> bytes:
    """Of its own: a pseudonym that is shown must say nothing of a hash."""
    return derive_key(pseudonym_key.encode(), Purpose.ACCESS_CHAIN)


@dataclass(frozen=True)
class DayEnd:
    """How far a day had come when another began."""

    day: date
    seq: int
    hash: bytes


def first_hash(key: bytes, day: date, before: DayEnd | None) -> bytes:
    """What stands before the first entry of a day: a day that is taken away as a whole, or from behind, is missed by
    the next one."""
    told = day.isoformat()
    if before is not None:
        told += f"/{before.day.isoformat()}/{before.seq}/{before.hash.hex()}"
    return hmac.new(key, told.encode(), hashlib.sha256).digest()


def end_before(session: Session, day: date) -> DayEnd | None:
    """Of the newest day that has begun before."""
    query = select(AccessDay.day, AccessDay.last_seq, AccessDay.last_hash).where(AccessDay.day < day)
    row = session.execute(query.order_by(AccessDay.day.desc()).limit(1)).one_or_none()
    return DayEnd(row.day, row.last_seq, bytes(row.last_hash)) if row is not None else None


def hash_entry(key: bytes, entry: Mapping[str, Any]) -> bytes:
    """Over all columns but the hash itself."""
    values = [
        entry["day"].isoformat(),
        entry["seq"],
        entry["at"].astimezone(UTC).isoformat(timespec="microseconds"),
        *(entry[name] for name in ("subject", "actor_kind", "actor_role", "actor", "what")),
        bytes(entry["sealed"]).hex(),
        bytes(entry["previous_hash"]).hex(),
    ]
    return hmac.new(key, orjson.dumps(values), hashlib.sha256).digest()


def known_days(session: Session) -> list[date]:
    """The days that have entries or an end of a chain."""
    days = select(AccessDay.day).union(select(AccessEntry.day))
    return sorted(session.execute(days).scalars())


def check_day(session: Session, key: bytes, day: date, kept_since: date) -> CheckedDay:
    """Go through one day's chain, up to its first break, and look whether the end is there that it began behind.
    `kept_since`: what is older may have been dropped by its age."""
    head = session.execute(select(AccessDay.__table__).where(AccessDay.day == day)).one_or_none()
    before = _read_before(head)
    previous, count, broken = first_hash(key, day, before), 0, None
    for entry in _entries(session, day):
        if head is not None and entry["seq"] > head.last_seq:
            break  # written since we read the end
        broken = _find_break(key, entry, count + 1, previous)
        if broken is not None:
            break
        previous, count = bytes(entry["entry_hash"]), count + 1
    if broken is None and (head is None or (head.last_seq, bytes(head.last_hash)) != (count, previous)):
        broken = ChainBreak(day, count + 1, "the chain goes on here, but its entry is missing")
    if broken is None and before is not None and before.day >= kept_since and not _is_there(session, before):
        broken = ChainBreak(before.day, before.seq, f"{day} follows it, but the entry is missing, or another")
    return CheckedDay(day, count, previous.hex(), broken)


def _read_before(head: Row[Any] | None) -> DayEnd | None:
    if head is None or head.previous_day is None:
        return None
    return DayEnd(head.previous_day, head.previous_seq, bytes(head.previous_hash))


def _is_there(session: Session, end: DayEnd) -> bool:
    query = select(AccessEntry.entry_hash).where(AccessEntry.day == end.day, AccessEntry.seq == end.seq)
    return bytes(session.scalar(query) or b"") == end.hash


def _entries(session: Session, day: date) -> Iterator[dict[str, Any]]:
    query = select(AccessEntry.__table__).where(AccessEntry.day == day).order_by(AccessEntry.seq)
    for row in session.execute(query.execution_options(yield_per=_FETCH_ROWS)).mappings():
        yield dict(row)


def _find_break(key: bytes, entry: Mapping[str, Any], expected_seq: int, previous: bytes) -> ChainBreak | None:
    day, seq = entry["day"], entry["seq"]
    if seq != expected_seq:
        return ChainBreak(day, expected_seq, "the entry is missing")
    if bytes(entry["previous_hash"]) != previous:
        return ChainBreak(day, seq, "the entry does not follow the one before it")
    if not hmac.compare_digest(bytes(entry["entry_hash"]), hash_entry(key, entry)):
        return ChainBreak(day, seq, "the entry was changed")
    return None
