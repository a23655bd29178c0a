"""The tolerant reader of a workflow's outputs: JSON, JSON text, fenced, encoded twice, on the top level."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from upstream.lenient_json import read_object
from upstream.miso.errors import MisoAnswerInvalid

MAX_DEPTH = 100
_MOST_LAYERS, _MOST_WRAPPERS = 4, 4
_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\r?\n?")
# How JSON begins, and no sentence does: "[이름1]은" is one.
_BEGINS_AS_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{"\]])')
_AROUND = "\ufeff\x00 \t\r\n"


def require_shallow(value: Any) -> None:
    """Raises MisoAnswerInvalid for what is nested deeper than MAX_DEPTH."""
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise MisoAnswerInvalid(reason="too_deep")
        level = [inner for one in level for inner in _children(one)]
        depth += 1


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_outputs(outputs: Any, names: Iterable[str]) -> dict[str, Any]:
    """Each of the names, None where it is missing. Raises MisoAnswerInvalid where none of them is there, or where one
    is JSON that ends in the middle."""
    wanted = tuple(names)
    found = _find(outputs, frozenset(wanted), _MOST_WRAPPERS)
    if found is None:
        raise MisoAnswerInvalid(reason="no_outputs")
    values = {name: _read_value(found.get(name)) for name in wanted}
    require_shallow(values)
    if all(value is None for value in values.values()):
        raise MisoAnswerInvalid(reason="no_outputs")
    return values


def _find(value: Any, names: frozenset[str], wrappers: int) -> Mapping[str, Any] | None:
    """The object that has one of the names, within so many others."""
    value = _unwrap(value)
    if not isinstance(value, dict):
        return None
    if names & value.keys():
        return _within_namesake(value, names, wrappers)
    if not wrappers:
        return None
    return next((found for inner in value.values() if (found := _find(inner, names, wrappers - 1)) is not None), None)


def _within_namesake(value: Mapping[str, Any], names: frozenset[str], wrappers: int) -> Mapping[str, Any]:
    """A wrapper may bear one of the names itself: `{"result": {"result": ...}}`, where nothing else stands in either. A
    value that has a field of that name beside others is left as it is."""
    inner = _unwrap(next(iter(value.values()))) if len(value) == 1 and wrappers else None
    if not isinstance(inner, dict) or not inner or not inner.keys() <= names:
        return value
    return _within_namesake(inner, names, wrappers - 1)


def _read_value(value: Any) -> Any:
    """JSON text as what it says; any other text as it stands."""
    read = _unwrap(value)
    if isinstance(read, str) and _BEGINS_AS_JSON.match(_strip_fence(read)):
        raise MisoAnswerInvalid(reason="cut_json")
    return value if isinstance(read, str) else read


def _unwrap(value: Any) -> Any:
    """What the text says, through fences and several encodings; the last text where it says nothing more."""
    for _ in range(_MOST_LAYERS):
        if not isinstance(value, str):
            break
        inner = _parse(_strip_fence(value))
        if inner is None:
            break
        value = inner
    return value


def _strip_fence(text: str) -> str:
    """What follows the first opening of a code fence; without one, all of it."""
    text = text.strip(_AROUND)
    opening = None if _BEGINS_AS_JSON.match(text) or text.startswith('"') else _FENCE.search(text)
    return text if opening is None else text[opening.end() :].lstrip(_AROUND)


def _parse(text: str) -> Any:
    """An object, a list, or a text that was encoded once more; None for anything else."""
    if not (_BEGINS_AS_JSON.match(text) or text.startswith('"')):
        return None
    if text.startswith("{"):
        return read_object(text.encode("utf-8", "surrogatepass"))  # whatever follows it, such as the end of a fence
    # Around anything else that reader needs an object, which only its own end can end.
    whole, unfenced = text, text.rpartition("```")[0].rstrip(_AROUND)
    read = (read_object(b'{"value":' + one.encode("utf-8", "surrogatepass") + b"}") for one in (whole, unfenced) if one)
    value = next((one["value"] for one in read if one is not None and one.keys() == {"value"}), None)
    return value if isinstance(value, list | str) else None
