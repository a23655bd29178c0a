"""The window of the prescriptions."""

from datetime import date

import pytest

from services.collection.windows import months_before


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 11, 21), 2, date(2026, 9, 21)),
        (date(2026, 11, 21), 14, date(2025, 9, 21)),
        (date(2026, 1, 15), 2, date(2025, 11, 15)),
        (date(2026, 2, 28), 14, date(2024, 12, 28)),
        (date(2026, 4, 30), 2, date(2026, 2, 28)),
        (date(2024, 4, 30), 2, date(2024, 2, 29)),
        (date(2026, 12, 31), 3, date(2026, 9, 30)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 12, 31), 12, date(2025, 12, 31)),
        (date(2026, 3, 31), 0, date(2026, 3, 31)),
    ],
)
def test_the_same_day_or_the_last_of_a_shorter_month(day, months, before):
    assert months_before(day, months) == before


def test_every_day_has_a_window():
    days = [date.fromordinal(number) for number in range(date(2023, 1, 1).toordinal(), date(2027, 1, 1).toordinal())]
    assert all(months_before(day, 14) < months_before(day, 2) < day for day in days)
