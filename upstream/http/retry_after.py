"""Reads a `Retry-After` header, in seconds or as an HTTP date."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from core.clock import clock

_MAX_SECONDS_DIGITS = 9


def read_header(headers: Mapping[str, str], name: str) -> str:
    """Without regard to case, whichever mapping a library hands over; empty when absent."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "").strip()


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, never negative; None when absent or unreadable. The caller caps it."""
    text = read_header(headers, "Retry-After")
    if text.isascii() and text.isdecimal():
        return float(text[-_MAX_SECONDS_DIGITS:])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - clock.now()).total_seconds())
