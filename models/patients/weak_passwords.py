"""Which six digits are no password: what others would guess first.

Repeated and running digits, and dates and number patterns, lead every published list of common PINs (the most frequent
twenty open about a quarter of all phones, D. Amitay 2011; NIST SP 800-63B 5.1.1.2 asks to refuse common and
context-specific values).
"""

import re
from datetime import date
from enum import StrEnum

_DIGITS = 6
_REPEATED = re.compile(r"(\d{1,3})\1+")
_RUNS = ("0123456789012345", "9876543210987654")
# Lines and corners of the keypad, and numbers with a meaning, that the rules above do not catch.
_COMMON = frozenset(
    {
        "112233", "223344", "332211", "445566", "778899", "998877", "101112", "102030", "135790", "135791", "246810",
        "142536", "147258", "147369", "147852", "159357", "159753", "258036", "258369", "321654", "357159", "369147",
        "369258", "456123", "520520", "521521", "753159", "753951", "789456", "852456", "951753", "963852", "963741",
        "010203", "100200", "111222", "222333", "121314", "131415", "120120", "119119", "112112",
    }
)  # fmt: skip


class Weakness(StrEnum):
    """Why a number is refused."""

    REPEATED = "repeated"
    RUNNING = "running"
    COMMON = "common"
    BIRTH_DATE = "birth_date"
    PHONE = "phone"


def weakness_of(password: str, birth_date: date, phone: str) -> Weakness | None:
    """Of six digits; `phone` in digits. None for a number that is as good as any other."""
    if _REPEATED.fullmatch(password) or len(set(password)) <= 2:
        return Weakness.REPEATED
    if any(password in run for run in _RUNS):
        return Weakness.RUNNING
    if password in _COMMON:
        return Weakness.COMMON
    if password in _ways_to_write(birth_date):
        return Weakness.BIRTH_DATE
    if _is_of_phone(password, phone):
        return Weakness.PHONE
    return None


def _ways_to_write(day: date) -> set[str]:
    """Year, month and day as people type them: 840517, 198405, 051784, 170584, 051984 and so on."""
    written = f"{day:%Y%m%d}"
    forms = {f"{day:{form}}" for form in ("%y%m%d", "%d%m%y", "%m%d%y", "%Y%m", "%m%Y", "%y%d%m")}
    return forms | {written[start : start + _DIGITS] for start in range(len(written) - _DIGITS + 1)}


def _is_of_phone(password: str, phone: str) -> bool:
    """Six of its digits in a row, or its last four with two more before or after."""
    return password in phone or (len(phone) >= 4 and phone[-4:] in password)
