"""Typed readers of a JSON body: each refuses with the name of the field."""

from datetime import date, datetime
from typing import Any

import orjson

from dev.sandbox.errors import BadInputError

Fields = dict[str, Any]
KOREAN_DAY = "%Y%m%d"


def read_object(raw: bytes) -> Fields:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise BadInputError("body", "is not JSON") from exc
    if not isinstance(body, dict):
        raise BadInputError("body", "must be an object")
    return body


def refuse_unknown(body: Fields, known: frozenset[str], prefix: str = "") -> None:
    for name in body:
        if name not in known:
            raise BadInputError(prefix + name, "is not a known field")


def read_text(body: Fields, name: str, prefix: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(prefix + name, "must be a text that is not empty")
    return value


def read_choice(body: Fields, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise BadInputError(name, f"must be one of {', '.join(choices)}")
    return value


def read_choices(body: Fields, name: str, choices: tuple[str, ...], default: tuple[str, ...] = ()) -> tuple[str, ...]:
    given = body.get(name, list(default))
    if not isinstance(given, list) or any(one not in choices for one in given):
        raise BadInputError(name, f"must be a list of some of {', '.join(choices)}")
    return tuple(given)


def read_flag(body: Fields, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInputError(name, "must be true or false")
    return value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_count(body: Fields, name: str, default: int | None, low: int = 0, high: int = 100_000_000) -> int | None:
    value = body.get(name, default)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInputError(name, f"must be a whole number from {low} to {high}")
    return value


def read_seconds(body: Fields, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not is_number(value) or not 0 <= value <= 3600:
        raise BadInputError(name, "must be seconds from 0 to 3600")
    return float(value)


def read_korean_day(body: Fields, name: str) -> date:
    """Read `yyyyMMdd`; `strptime` alone would also take `2024311`."""
    value = body.get(name)
    if isinstance(value, str) and len(value) == 8 and value.isascii() and value.isdigit():
        try:
            return datetime.strptime(value, KOREAN_DAY).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            pass
    raise BadInputError(name, "must be a day as yyyyMMdd")
