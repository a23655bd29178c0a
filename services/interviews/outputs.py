"""What a workflow said, in the shapes of an interview's columns: pure. A value of another shape is made to fit where
that loses nothing, and is null where it does not fit."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from models.interviews import RESULT_COLUMNS

PERSONA_MATCH = "ai_persona_match"
# What is asked of MISO's answer.
OUTPUT_NAMES = (*RESULT_COLUMNS, PERSONA_MATCH)
# PostgreSQL's numbers have no more.
_MOST_WHOLE = 2**63

Fields = dict[str, Any]


def shape_outputs(outputs: Mapping[str, Any]) -> Fields:
    """Each result column; None for what is missing or fits nowhere."""
    return {name: _SHAPES[name](clean_value(outputs.get(name))) for name in RESULT_COLUMNS}


def read_persona_code(outputs: Mapping[str, Any]) -> str | None:
    """Of the persona that was matched."""
    match = _first(clean_value(outputs.get(PERSONA_MATCH)))
    code = match.get("persona_code") if isinstance(match, dict) else match
    return code.strip() or None if isinstance(code, str) else None


def clean_value(value: Any) -> Any:
    """Without what JSONB cannot hold: NUL characters, and numbers that are none."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {str(key).replace("\x00", ""): clean_value(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [clean_value(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _object(value: Any) -> Fields | None:
    value = _first(value)
    if isinstance(value, str):
        return {"text": value} if value.strip() else None
    return value if isinstance(value, dict) else None


def _list(value: Any) -> list[Any] | None:
    """Also where it stands alone in an object around it; a single entry counts as a list of one."""
    if isinstance(value, dict):
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        value = lists[0] if len(lists) == 1 and len(value) == 1 else [value]
    if isinstance(value, str):
        value = [value] if value.strip() else None
    return value if isinstance(value, list) else None


def _entries(value: Any, read: Callable[[Any, int], Any]) -> list[Any] | None:
    """What `read` makes of each, with its number from 1; what it gives None for is left out."""
    listed = _list(value)
    if listed is None:
        return None
    return [entry for number, one in enumerate(listed, 1) if (entry := read(one, number)) is not None]


def _script(value: Any) -> list[Any] | None:
    return _entries(value, _utterance)


def _utterance(value: Any, number: int) -> Fields | None:
    if isinstance(value, str):
        value = {"cleaned_sentence": value}
    if not isinstance(value, dict) or not _text(value.get("cleaned_sentence")):
        return None
    ids = value.get("id")
    known = [one for one in (ids if isinstance(ids, list) else [ids]) if _is_id(one)]
    texts = {name: _text(value.get(name)) for name in ("speaker", "category", "cleaned_sentence")}
    return value | {"id": known or [number]} | texts


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _sentences(value: Any) -> list[Any] | None:
    return _entries(value, lambda one, _: _sentence(one))


def _sentence(value: Any) -> str | None:
    """Of an object its only text."""
    if isinstance(value, dict):
        texts = [entry for entry in value.values() if isinstance(entry, str)]
        value = texts[0] if len(texts) == 1 else None
    return _text(value) or None


def _points(value: Any) -> list[Any] | None:
    return _entries(value, _point)


def _point(value: Any, _number: int) -> Fields | None:
    if isinstance(value, str):
        value = {"description": value}
    if not isinstance(value, dict) or not _text(value.get("description")):
        return None
    quotes = (_sentence(one) for one in _list(value.get("evidence")) or ())
    evidence = [quote for quote in quotes if quote]
    return value | {"description": _text(value["description"]), "evidence": evidence}


def _questions(value: Any) -> list[Any] | None:
    """Texts, or objects of the author's own."""
    return _entries(value, lambda one, _: one if isinstance(one, dict) else _text(one) or None)


def _sections(value: Any) -> list[Any] | None:
    return _entries(value, _section)


def _section(value: Any, _number: int) -> Fields | None:
    """`sector_name` is MISO's own word."""
    if not isinstance(value, dict) or not _text(value.get("sector_name")):
        return None
    lines = {name: _whole(value.get(name)) for name in ("start_line", "end_line")}
    is_main = value.get("is_main_content") in (True, "true", "True", 1)
    return value | {"sector_name": _text(value["sector_name"]), "is_main_content": is_main} | lines


def _text(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value) if len(value) < 19 else None
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_WHOLE
    return value if is_whole else None


_SHAPES: Mapping[str, Callable[[Any], Any]] = {
    "cleaned_script": _script,
    "session_info": _object,
    "interviewee_profile": _object,
    "interview_quality_assessment": _object,
    "key_takeaways": _sentences,
    "primary_pain_points": _points,
    "primary_needs": _points,
    "hmw_questions": _questions,
    "script_sections": _sections,
}
