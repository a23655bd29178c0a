"""What a date of a FHIR search means."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.journey.fhir.dates import UnreadableDate, read_date

SEOUL = ZoneInfo("Asia/Seoul")
MIDNIGHT = datetime(2026, 11, 26, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("written", "prefix", "first", "lasts"),
    [
        ("2026-11-26", "eq", MIDNIGHT, timedelta(days=1)),
        ("ge2026-11-26", "ge", MIDNIGHT, timedelta(days=1)),
        ("lt2026-11", "lt", MIDNIGHT.replace(day=1), timedelta(days=30)),
        ("2026-12", "eq", MIDNIGHT.replace(month=12, day=1), timedelta(days=31)),
        ("2026", "eq", MIDNIGHT.replace(month=1, day=1), timedelta(days=365)),
        ("gt2026-11-26T09:30Z", "gt", datetime(2026, 11, 26, 9, 30, tzinfo=UTC), timedelta(minutes=1)),
        ("2026-11-26T09:30:05+09:00", "eq", datetime(2026, 11, 26, 0, 30, 5, tzinfo=UTC), timedelta(seconds=1)),
    ],
)
def test_a_date_is_a_span_of_time(written: str, prefix: str, first: datetime, lasts: timedelta):
    bound = read_date(written, SEOUL)
    assert (bound.prefix, bound.first, bound.after - bound.first) == (prefix, first, lasts)


@pytest.mark.parametrize(
    "written",
    ["", "today", "ne2026", "sa2026-11", "2026-13", "2026-02-30", "0000", "9999", "2026-11-26T09:30", "２０２６"],
)
def test_what_is_no_date_is_refused(written: str):
    with pytest.raises(UnreadableDate):
        read_date(written, SEOUL)
