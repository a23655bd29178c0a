"""JSON as PostgreSQL can keep it: jsonb refuses the NUL character, so it is written in an escaped form and read back.

U+FDD0, a code point that Unicode reserves for a program's internal use, introduces what it replaces: U+FDD0 `0` is NUL
and U+FDD0 `1` is U+FDD0 itself. So nothing is lost, and what holds neither (practically all) is stored as it came.
"""

from typing import Any

import orjson

_ESCAPE = "\ufdd0"
_ESCAPE_BYTES = _ESCAPE.encode()
_NUL_IN_JSON = b"\\u0000"


def to_stored(value: Any) -> Any:
    """What `from_stored` turns into `value` again."""
    # One scan in C of the serialised form; walking tens of MiB in Python only to find nothing would cost seconds.
    return escape(value) if needs_escape(orjson.dumps(value)) else value


def needs_escape(text: bytes) -> bool:
    """Of a value's JSON. For who has it at hand: whether any part of the value has to be escaped."""
    return _NUL_IN_JSON in text or _ESCAPE_BYTES in text


def escape(value: Any) -> Any:
    """As `to_stored`, without looking whether there is anything to do."""
    return _map_texts(value, _escape)


def from_stored(value: Any) -> Any:
    return _map_texts(value, _restore) if _ESCAPE_BYTES in orjson.dumps(value) else value


def _escape(text: str) -> str:
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace("\x00", f"{_ESCAPE}0")


def _restore(text: str) -> str:
    return text.replace(f"{_ESCAPE}0", "\x00").replace(f"{_ESCAPE}1", _ESCAPE)


def _map_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _map_texts(entry, change) for key, entry in value.items()}
    if isinstance(value, list):
        return [_map_texts(entry, change) for entry in value]
    return value
