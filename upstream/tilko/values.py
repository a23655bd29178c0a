"""Parses the texts in Tilko's records: numbers, pairs, dates. Total functions: what cannot be read is None."""

import math
import re
from datetime import date

_NUMBER = re.compile(r"\+?(\d{1,3}(?:,\d{3})+|\d{1,9})(\.\d{1,9})?\s*(?:[A-Za-z%㎝㎏㎎µμ].*)?")
# "60 이상" is a range, not a measurement: storing 60 would be a false medical statement.
_RANGE = re.compile(r"이상|이하|미만|초과|[<>≤≥~]")
_WHOLE = re.compile(r"\s*(\d{1,3}(?:,\d{3})+|\d{1,9})\s*(?:일|회|건)?\s*")
_DATE = re.compile(r"(\d{4})\s*[-./년]?\s*(\d{1,2})\s*[-./월]?\s*(\d{1,2})\s*일?")
_DAY = re.compile(r"(\d{1,2})\s*[-./월]?\s*(\d{1,2})\s*일?")
_YEAR = re.compile(r"\s*(\d{4})\s*년?\s*")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
# Wider than any column: beyond it a typing error is likelier than a measurement.
_LARGEST = 100_000.0


def read_text(value: object) -> str:
    """PostgreSQL stores no NUL, and one would take its whole file down."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\x00", "").strip()


def read_number(value: object) -> float | None:
    """A positive measurement; 0 is the provider's way to say "not measured" where it does not leave it empty."""
    text = read_text(value)
    match = _NUMBER.fullmatch(text)
    if match is None or _RANGE.search(text):
        return None
    number = float(match[1].replace(",", "") + (match[2] or ""))
    return number if math.isfinite(number) and 0 < number < _LARGEST else None


def read_number_pair(value: object) -> tuple[float | None, float | None]:
    """`118/76`, with either side possibly empty."""
    left, _, right = read_text(value).partition("/")
    return read_number(left), read_number(right)


def read_text_pair(value: object) -> tuple[str | None, str | None]:
    """`1.0/0.8` or `정상/정상`; one word without a slash holds for both sides."""
    text = read_text(value)
    left, slash, right = text.partition("/")
    return (left.strip() or None, (right.strip() if slash else text) or None)


def read_whole(value: object) -> int | None:
    match = _WHOLE.fullmatch(read_text(value))
    return int(match[1].replace(",", "")) if match else None


def read_year(value: object) -> int | None:
    match = _YEAR.fullmatch(read_text(value))
    year = int(match[1]) if match else 0
    return year if _FIRST_YEAR <= year < _LAST_YEAR else None


def read_date(value: object) -> date | None:
    """`2024-03-11`, `2024.03.11`, `20240311`."""
    match = _DATE.fullmatch(read_text(value))
    return _make_date(int(match[1]), match[2], match[3]) if match else None


def read_day_of(year: int, value: object) -> date | None:
    """`09/28` in that year; a whole date stands for itself."""
    whole = read_date(value)
    match = _DAY.fullmatch(read_text(value))
    return whole if whole or match is None else _make_date(year, match[1], match[2])


def _make_date(year: int, month: str, day: str) -> date | None:
    try:
        return date(year, int(month), int(day)) if _FIRST_YEAR <= year < _LAST_YEAR else None
    except ValueError:
        return None
