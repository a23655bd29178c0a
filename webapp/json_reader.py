"""Reads a body's JSON strictly: what two readers could take for two things, or what costs without bound, is refused."""

import json
import math
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn

DEPTH_MAX = 16
# As long as that of 64 bits, with its sign.
_INTEGER_MAX_CHARACTERS = 20
_FLOAT_MAX_CHARACTERS = 32
# A string that nobody ends is one, too: else each quote in it would be tried as another's beginning.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[][{}]")
_ODD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_BODY = "body"


class JsonFault(StrEnum):
    """What is wrong, in words for the person."""

    NOT_JSON = "JSON 형식이 아니에요. 내용을 다시 확인해 주세요."
    TOO_DEEP = f"JSON은 {DEPTH_MAX}단계까지만 겹쳐 쓸 수 있어요."
    NUMBER = "숫자가 너무 길거나 커요."
    NOT_A_NUMBER = "NaN과 Infinity는 JSON의 숫자가 아니에요."
    TWICE = "같은 이름의 항목이 두 번 있어요."
    CHARACTER = "쓸 수 없는 글자(NUL이나 짝이 없는 서로게이트)를 빼고 보내 주세요."


class UnreadableJson(Exception):
    """`field` is the outermost one that it stands in, or `body`."""

    retryable = False

    def __init__(self, fault: JsonFault, field: str = _BODY) -> None:
        super().__init__(fault.name)
        self.fault = fault
        self.field = field


def read_json(data: bytes) -> Any:
    """Raises UnreadableJson."""
    text = _read_text(data)
    content = _decode(_DECODER, text)
    if "\\u" in text or "\x00" in text:
        _refuse_odd_characters(content)
    return content


def read_json_of_many(data: bytes) -> Any:
    """For a list whose entries are judged each for itself: a number or an object that cannot be taken is None in its
    place, and odd characters stay where they are. Raises UnreadableJson for what is no JSON, or too deep."""
    return _decode(_LENIENT_DECODER, _read_text(data))


def _read_text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise UnreadableJson(JsonFault.NOT_JSON) from exc
    if is_too_deep(text):
        raise UnreadableJson(JsonFault.TOO_DEEP)
    return text


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as exc:
        raise UnreadableJson(JsonFault.NOT_JSON) from exc


def is_too_deep(text: str) -> bool:
    """Whether more brackets stand open at once than may; those within strings are none."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_MAX:
            return True
    return False


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableJson(JsonFault.TWICE)
    return found


def _read_integer(text: str) -> int:
    if len(text) > _INTEGER_MAX_CHARACTERS:
        raise UnreadableJson(JsonFault.NUMBER)
    return int(text)


def _read_float(text: str) -> float:
    number = float(text) if len(text) <= _FLOAT_MAX_CHARACTERS else math.inf
    if math.isinf(number):
        raise UnreadableJson(JsonFault.NUMBER)
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise UnreadableJson(JsonFault.NOT_A_NUMBER)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_read_integer,
    parse_float=_read_float,
    parse_constant=_refuse_constant,
)


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_or_leave_out(found: Any) -> Any:
        try:
            return read(found)
        except UnreadableJson:
            return None

    return read_or_leave_out


_LENIENT_DECODER = json.JSONDecoder(
    object_pairs_hook=_or_none(_read_object),
    parse_int=_or_none(_read_integer),
    parse_float=_or_none(_read_float),
    parse_constant=_or_none(_refuse_constant),
)


def _refuse_odd_characters(content: Any) -> None:
    if not isinstance(content, dict):
        content = {_BODY: content}
    for name, value in content.items():
        if holds_odd_characters(name):
            raise UnreadableJson(JsonFault.CHARACTER)
        if holds_odd_characters(value):
            raise UnreadableJson(JsonFault.CHARACTER, name)


def holds_odd_characters(value: Any) -> bool:
    """Anywhere within: characters that no database or encoder takes."""
    if isinstance(value, str):
        return _ODD_CHARACTER.search(value) is not None
    if isinstance(value, dict):
        return any(holds_odd_characters(name) or holds_odd_characters(item) for name, item in value.items())
    return isinstance(value, list) and any(map(holds_odd_characters, value))
