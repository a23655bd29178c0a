"""Typed readers: each takes a variable's text and gives its value, or raises ValueError with a sentence.

No sentence repeats the text: it may be a secret.
"""

import base64
import binascii
from collections.abc import Callable
from pathlib import Path

Reader = Callable[[str], object]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})


def read_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def read_optional_text(text: str) -> str:
    return text.strip()


def read_path(text: str) -> Path:
    return Path(read_text(text))


def number_between(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ValueError("must be a number") from None
        if not low <= number <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return number

    return read


def count_between(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = _whole_number(text)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low} and {high}")
        return number

    return read


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def read_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text.lower()]


def read_list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def read_pauses(text: str) -> tuple[int, ...]:
    pauses = tuple(_whole_number(item) for item in read_list(text))
    if not pauses or min(pauses) < 1:
        raise ValueError("must be whole seconds separated by commas, each at least 1")
    return pauses


def url_with(*schemes: str) -> Callable[[str], str]:
    beginnings = tuple(f"{scheme}://" for scheme in schemes)

    def read(text: str) -> str:
        if not text.startswith(beginnings):
            raise ValueError("must begin with " + " or ".join(beginnings))
        return text

    return read


def read_secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("must have at least 32 characters")
    return text


def read_sealing_keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for item in read_list(text):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError("must be id:base64[,id:base64]") from None
        if not key_id or len(key) != 32:
            raise ValueError("each key must be id:base64 of 32 bytes")
        keys[key_id] = key
    if not keys:
        raise ValueError("must hold at least one key")
    return keys


def read_log_level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()
