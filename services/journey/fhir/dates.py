"""Dates of a FHIR search: `ge2026-11-26`, of any precision, read as a bound on a moment."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_

_DATE = re.compile(
    r"(?P<prefix>eq|ge|gt|le|lt)?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d))?)?)?",
    re.ASCII,
)


class UnreadableDate(ValueError):
    """Not a date as FHIR writes them, or with a prefix that we do not know."""


@dataclass(frozen=True)
class DateBound:
    """`first` is the first moment that the date means, `after` the first that it no longer does."""

    prefix: str
    first: datetime
    after: datetime

    def holds_for(self, moment: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        bounds: dict[str, ColumnElement[bool]] = {
            "eq": and_(moment >= self.first, moment < self.after),
            "ge": moment >= self.first,
            "gt": moment >= self.after,
            "le": moment < self.after,
            "lt": moment < self.first,
        }
        return bounds[self.prefix]


def read_date(written: str, zone: tzinfo) -> DateBound:
    """A date without a time is of the hospital's time zone. Raises UnreadableDate."""
    found = _DATE.fullmatch(written)
    if found is None:
        raise UnreadableDate(written)
    try:
        first, after = _span(found, zone)
    except (ValueError, OverflowError) as exc:
        raise UnreadableDate(written) from exc
    return DateBound(found["prefix"] or "eq", first, after)


def _span(found: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    if found["hour"] is not None:
        first = datetime.fromisoformat(found[0].removeprefix(found["prefix"] or "")).astimezone(UTC)
        return first, first + timedelta(seconds=1 if found["second"] else 60)
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    first = datetime(year, month, day, tzinfo=zone)
    if found["day"] is not None:
        return first, first + timedelta(days=1)
    if found["month"] is not None:
        return first, first.replace(year=year + month // 12, month=month % 12 + 1)
    return first, first.replace(year=year + 1)
