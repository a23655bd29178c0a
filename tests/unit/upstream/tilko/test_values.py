"""Numbers and dates among words, in any width; and nothing that a long text could make slow."""

import time
from collections.abc import Callable
from datetime import date

import pytest

from upstream.tilko.values import (
    fold,
    read_date,
    read_day_of,
    read_finding,
    read_finding_pair,
    read_number,
    read_number_pair,
    read_text,
    read_whole,
    read_year,
)

READERS: tuple[Callable[[object], object], ...] = (
    read_date,
    read_number,
    read_number_pair,
    read_whole,
    read_year,
    read_finding,
    read_finding_pair,
    lambda value: read_day_of(2024, value),
)


@pytest.mark.parametrize(
    ("served", "number"),
    [
        ("98(정상)", 98.0),
        ("94 (정상)", 94.0),
        ("94（정상）", 94.0),
        ("94 [정상]", 94.0),
        ("98 정상", 98.0),
        ("1.0↑", 1.0),
        ("↑98", 98.0),
        ("98 H", 98.0),
        ("９８．５", 98.5),
        ("１，１０４", 1104.0),
        ("98㎎/㎗", 98.0),
        ("0.9 mg/dL(정상)", 0.9),
        ("23.6 kg/m²", 23.6),
    ],
)
def test_remarks_marks_and_width_leave_the_number(served: str, number: float):
    assert read_number(served) == number


@pytest.mark.parametrize(
    "served",
    ["정상(양성)", "10⁹", "5.2×10⁶", "½", "1e5", 1e300, "60 이상", "94 이하(정상)", "118/76", "2024-03-11", 10**300],
)
def test_what_is_no_number_is_none(served: object):
    assert read_number(served) is None


@pytest.mark.parametrize("run", [" " * 16_000, "　" * 16_000, "-" * 16_000, "9" * 16_000, "(" * 16_000, "↑" * 16_000])
@pytest.mark.parametrize("start", ["2024", "9", "98", ""])
@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_more_than_its_length(reader: Callable[[object], object], start: str, run: str):
    began = time.process_time()
    reader(f"{start}{run}x")
    # Quadratic, the same took seconds.
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("within", range(20, 81, 10))
def test_the_longest_text_that_is_looked_at_is_quick(within: int):
    began = time.process_time()
    for filling in (" ", "a", "a ", "1", "(", "정상", "1,111"):
        read_number_pair(("9" + filling * within)[:within])
    assert time.process_time() - began < 0.1


def test_a_number_of_many_digits_is_no_text():
    assert read_text(10**300) == ""
    assert read_text(-(10**5000)) == ""


def test_dates_are_read_in_any_width():
    assert read_date("２０２４．０３．１１") == read_date("2024년 3월 11일") == date(2024, 3, 11)


def test_decomposed_syllables_and_blanks_are_folded():
    assert fold(" 새\u00a0 봄 ") == "새 봄"
