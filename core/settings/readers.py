"""Typed readers: each takes a variable's text and gives its value, or raises ValueError with a sentence.

No sentence repeats the text: it may be a secret. What every text must be is judged before (`variables.judge_text`).
"""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.allowed_hosts import HOST_PATTERN, AllowedHosts
from core.base64url import decode_bytes
from core.derived_keys import MasterKey
from core.networks import Network
from core.sealing import KEY_ID

Reader = Callable[[str], object]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_COUNT = re.compile(r"\d{1,10}", re.ASCII)
_ONE_LIMIT = r"\s*[1-9]\d{0,6}\s*(/|per)\s*([1-9]\d{0,3}\s*)?(second|minute|hour|day|month|year)s?\s*"
_RATE_LIMIT = re.compile(rf"{_ONE_LIMIT}([,;|]{_ONE_LIMIT}){{0,4}}", re.IGNORECASE | re.ASCII)
# It goes into a header of each call.
_API_KEY = re.compile(r"[!-~]{1,512}")
_MOST_PAUSES, _LONGEST_PAUSE_SECONDS = 20, 86_400 * 31
_SECRET_LENGTH, _LONGEST_SECRET = 32, 512
_KEY_BYTES = 32
_DERIVES = "hkdf:"
_MOST_NETWORKS = 64
_MOST_HOSTS = 64
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
# SEC 2, section 2.4.2: a private key lies below it.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Of 32 random bytes 30 are different on average; fewer than 8 are typed, not drawn.
_DIFFERENT_AT_LEAST = 8
# 32 random hexadecimal digits have about 115 by this count, a word typed twice far less.
_SECRET_BITS = 96


def optional(read: Callable[[str], str]) -> Callable[[str], str]:
    """Empty for what is not set."""
    return lambda text: read(text) if text else ""


def read_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def read_api_key(text: str) -> str:
    if not _API_KEY.fullmatch(text):
        raise ValueError("must be 1 to 512 letters, digits and signs of ASCII, without blanks")
    return text


def read_folder(text: str) -> Path:
    """It need not be there yet."""
    path = Path(read_text(text))
    if path.exists() and not path.is_dir():
        raise ValueError("must be a folder")
    return path


def read_present_folder(text: str) -> str:
    """Empty for none."""
    if text and not Path(text).is_dir():
        raise ValueError("must be a folder that is there")
    return text


def read_present_file(text: str) -> str:
    """Empty for none."""
    if text and not Path(text).is_file():
        raise ValueError("must be a file that is there")
    return text


def number_between(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"must be a number between {low:.12g} and {high:.12g}")
        number = float(text)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low:.12g} and {high:.12g}")
        return number

    return read


def count_between(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _COUNT.fullmatch(text):
            raise ValueError(f"must be a whole number between {low} and {high}")
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low} and {high}")
        return number

    return read


def _whole_number(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


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
    if not 1 <= len(pauses) <= _MOST_PAUSES or min(pauses) < 1 or max(pauses) > _LONGEST_PAUSE_SECONDS:
        longest = _LONGEST_PAUSE_SECONDS
        raise ValueError(f"must be 1 to {_MOST_PAUSES} pauses separated by commas, of 1 to {longest} whole seconds")
    return pauses


def read_time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone, such as Asia/Seoul") from None


def read_time_of_day(text: str) -> time:
    if not _TIME_OF_DAY.fullmatch(text):
        raise ValueError("must be a time of day, such as 23:00")
    return time.fromisoformat(text)


def read_networks(text: str) -> tuple[Network, ...]:
    items = read_list(text)
    if len(items) > _MOST_NETWORKS:
        raise ValueError(f"must be at most {_MOST_NETWORKS} networks")
    try:
        return tuple(ip_network(item) for item in items)
    except ValueError:
        raise ValueError("must be networks separated by commas, such as 10.20.0.0/16") from None


def read_push_hosts(text: str) -> AllowedHosts:
    items = read_list(text)
    if len(items) > _MOST_HOSTS or not all(HOST_PATTERN.fullmatch(item) for item in items):
        raise ValueError(
            f"must be at most {_MOST_HOSTS} names of hosts in lower case, separated by commas, such as"
            " web.push.apple.com, *.notify.windows.com or push.example:8443"
        )
    return AllowedHosts(frozenset(item.removesuffix(":443") for item in items))


def read_push_key(text: str) -> str:
    """Empty for none."""
    key = decode_bytes(text, _KEY_BYTES)
    if text and (key is None or not 0 < int.from_bytes(key) < _P256_ORDER or len(set(key)) < _DIFFERENT_AT_LEAST):
        raise ValueError(f"must be {_KEY_BYTES} random bytes in base64url without padding, a private key of P-256")
    return text


def read_rate_limit(text: str) -> str:
    if not _RATE_LIMIT.fullmatch(text):
        raise ValueError("must be of the form '30 per hour' or '5 per 10 minutes'")
    return text


def read_secret(text: str) -> str:
    if not _SECRET_LENGTH <= len(text) <= _LONGEST_SECRET or _is_repeated(text) or _bits_of(text) < _SECRET_BITS:
        raise ValueError(f"must be {_SECRET_LENGTH} to {_LONGEST_SECRET} random characters")
    return text


def _is_repeated(text: str) -> bool:
    """Whether it is one part over and over."""
    return text in (text + text)[1:-1]


def _bits_of(text: str) -> float:
    """How much its characters tell, by how often each comes: enough to see what was not drawn."""
    return sum(count * math.log2(len(text) / count) for count in Counter(text).values())


def read_sealing_keys(text: str) -> dict[str, bytes]:
    """Each a MasterKey, but for those that stand there without `hkdf:`, as all did once."""
    keys: dict[str, bytes] = {}
    for item in read_list(text):
        key_id, _, rest = item.partition(":")
        encoded = rest.removeprefix(_DERIVES)
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("must be id:hkdf:base64[,id:hkdf:base64]") from None
        if encoded != rest:
            key = MasterKey(key)
        if not KEY_ID.fullmatch(key_id):
            raise ValueError("each id must be 1 to 64 letters, digits, '_', '.' or '-'")
        if len(key) != _KEY_BYTES or len(set(key)) < _DIFFERENT_AT_LEAST or _is_repeated(key.hex()):
            raise ValueError(f"each key must be {_KEY_BYTES} random bytes")
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
