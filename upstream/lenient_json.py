"""Reads the JSON of providers for what it says: an answer that was paid for is not lost to one odd byte."""

import json
import math
from typing import Any

import orjson

_BOM = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_AROUND = "\ufeff\x00 \t\r\n"
# What 64 bits hold: longer ones are kept as text, as nothing that follows could write them as numbers.
_LONGEST_WHOLE_DIGITS = 18
_MAX_DEPTH = 200


def read_object(body: bytes) -> dict[str, Any] | None:
    """The object, or None where there is none to be read. Text in other encodings, halves of surrogate pairs, raw
    control characters, NaN, numbers beyond 64 bits, what follows the object, and an object within a string are read.

    No error leaves it: a parser's own holds the whole text.
    """
    value = _read(body)
    if isinstance(value, str):
        value = _read(value.encode("utf-8", "replace"))
    return value if isinstance(value, dict) else None


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        return _read_leniently(_decode(body).strip(_AROUND))


def _decode(body: bytes) -> str:
    if body[:2] in _UTF_16_MARKS:
        return body.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")


def _read_leniently(text: str) -> Any:
    decoder = json.JSONDecoder(
        strict=False, parse_constant=lambda _: None, parse_int=_read_whole, parse_float=_read_decimal
    )
    try:
        value, _ = decoder.raw_decode(text)
        return _storable(value)
    except (ValueError, RecursionError):
        return None


def _read_whole(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_WHOLE_DIGITS else text


def _read_decimal(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _storable(value: Any, depth: int = 0) -> Any:
    """Without halves of surrogate pairs, which no UTF-8 can hold, and without what nests too deep."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_storable(key): _storable(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, list):
        return [_storable(entry, depth + 1) for entry in value]
    return value
