"""What a command's user states of themselves before they open or erase a person's data: who they are, and why."""

import argparse

from services.patients.access_log import REASON_MAX, REASON_MIN

_NAME_MAX = 100


def stated_reason(text: str) -> str:
    """Raises ArgumentTypeError for what says nothing."""
    return _stated(text, REASON_MIN, REASON_MAX)


def stated_name(text: str) -> str:
    """Raises the same."""
    return _stated(text, 1, _NAME_MAX)


def _stated(text: str, least: int, most: int) -> str:
    stated = text.strip()
    if not least <= len(stated) <= most:
        raise argparse.ArgumentTypeError(f"{least} to {most} characters are needed")
    return stated
