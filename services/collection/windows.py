"""Windows of days that an answer of the insurer is about: what lies in one and is not in the answer is not there."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

_SEOUL = ZoneInfo("Asia/Seoul")
_CHECKUP_YEARS = 10


@dataclass(frozen=True, slots=True)
class Window:
    """Both days included."""

    first: date
    last: date


def treatment_window(asked_at: datetime) -> Window:
    """What is asked for: 14 to 2 months back, since the insurer publishes late."""
    today = asked_at.astimezone(_SEOUL).date()
    return Window(months_before(today, 14), months_before(today, 2))


def checkup_window(answered_at: datetime) -> Window:
    """What the insurer gives without being asked: ten years.

    Whole calendar years, the present one included: whether the tenth year back counts from today or from New Year's
    Day stands nowhere, and a record that falls out of the insurer's window must not look withdrawn.
    """
    today = answered_at.astimezone(_SEOUL).date()
    return Window(date(today.year - _CHECKUP_YEARS + 1, 1, 1), today)


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last day when the month is shorter."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th day")
