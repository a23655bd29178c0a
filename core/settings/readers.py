"""Typed readers: each takes a variable's text and gives its value, or raises ValueError with a sentence.

No sentence repeats the text: it may be a secret.
"""

import base64
import binascii
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

Reader = Callable[[str], object]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# As a browser writes it in the header: no path, no slash at the end, lower case.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_ONE_LIMIT = r"\s*\d+\s*(/|per)\s*(\d+\s*)?(second|minute|hour|day|month|year)s?\s*"
_RATE_LIMIT = re.compile(rf"{_ONE_LIMIT}([,;|]{_ONE_LIMIT})*", re.IGNORECASE)
# It stands, with its length in one byte, before everything that its key seals.
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET_LENGTH = 32
# Of 32 random hexadecimal digits 14 are different on average; fewer than 8 are typed, not drawn.
_DIFFERENT_AT_LEAST = 8


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


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError("must be " + " or ".join(words))
        return text

    return read


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


def read_database_url(text: str) -> str:
    """With the driver that the product uses, whichever way the address is written."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgresql", "postgresql+psycopg2"}:
        raise ValueError("must begin with postgresql://")
    return f"postgresql+psycopg2://{rest}"


def read_provider_url(text: str) -> str:
    """Health records travel encrypted: plain HTTP is for stand-ins on this machine."""
    parts = urlsplit(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must begin with https:// (or lead to this machine)")
    return text


def read_origins(text: str) -> tuple[str, ...]:
    origins = read_list(text)
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError(
            "must be origins as browsers send them, such as https://app.example.com: no path, no * , no / at the end"
        )
    return origins


def read_rate_limit(text: str) -> str:
    if not _RATE_LIMIT.fullmatch(text):
        raise ValueError("must be of the form '30 per hour' or '5 per 10 minutes'")
    return text


def read_secret(text: str) -> str:
    if len(text) < _SECRET_LENGTH or len(set(text)) < _DIFFERENT_AT_LEAST:
        raise ValueError(f"must be {_SECRET_LENGTH} random characters or more")
    return text


def read_sealing_keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for item in read_list(text):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError("must be id:base64[,id:base64]") from None
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError("each id must be 1 to 64 letters, digits, '_', '.' or '-'")
        if len(key) != _SECRET_LENGTH or len(set(key)) < _DIFFERENT_AT_LEAST:
            raise ValueError(f"each key must be {_SECRET_LENGTH} random bytes")
        if key_id in keys or key in keys.values():
            raise ValueError("no id and no key may stand there twice")
        keys[key_id] = key
    if not keys:
        raise ValueError("must hold at least one key")
    return keys


def read_log_level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()
