"""The months by which analyses are paid: those of Korea."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

# Whose months and days the interviews' are.
KOREA = ZoneInfo("Asia/Seoul")


def month_of(moment: datetime) -> date:
    """Its first day."""
    return moment.astimezone(KOREA).date().replace(day=1)


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """From and before which moment it lasts; `month` is its first day."""
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    began, ended = (datetime.combine(day, time(), KOREA).astimezone(UTC) for day in (month, following))
    return began, ended
