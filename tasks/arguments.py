"""What the operators' commands read from their arguments: a wrong one ends them with a sentence and status 2."""

import argparse
from datetime import date
from uuid import UUID

_MOST_LINES = 10_000
_PSEUDONYM_CHARACTERS = 32


def read_line_limit(text: str) -> int:
    """How many lines are shown. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= _MOST_LINES:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MOST_LINES}")
    return int(text)


def read_day(text: str) -> date:
    """Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day such as 2026-11-26") from None


def read_id_or_pseudonym(text: str) -> UUID | str:
    """A pseudonym of the access log as it is, all else as an id. Raises ArgumentTypeError."""
    if len(text) == _PSEUDONYM_CHARACTERS:
        return text
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be an id (a UUID), or a pseudonym of {_PSEUDONYM_CHARACTERS} characters"
        ) from None
