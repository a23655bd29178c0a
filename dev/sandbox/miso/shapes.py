"""The shapes in which a workflow's answer comes: JSON, JSON as text, fenced, encoded twice, and broken ones."""

from datetime import UTC, datetime
from typing import Any

import orjson

from dev.sandbox.miso.analysis import Outputs

USUAL_SHAPES = ("json", "json_text", "fenced", "double")
ODD_SHAPES = ("top_level", "iso_times", "null", "truncated", "not_json", "huge", "deep")
SHAPES = USUAL_SHAPES + ODD_SHAPES
MISSING = "missing:"
HUGE_CHARACTERS, DEEP_BRACKETS = 20_000_000, 100_000
_TIMES = ("created_at", "finished_at")


def shape_outputs(outputs: Outputs, shape: str) -> Any:
    """What stands in the answer's `outputs`."""
    if shape.startswith(MISSING):
        return {name: value for name, value in outputs.items() if name != shape.removeprefix(MISSING)}
    text = orjson.dumps(outputs).decode()
    shaped: dict[str, Any] = {
        "json_text": {name: orjson.dumps(value).decode() for name, value in outputs.items()},
        "fenced": {"text": f"분석 결과입니다.\n```json\n{text}\n```\n"},
        "double": {"result": orjson.dumps(text).decode()},
        "null": None,
        "truncated": {"result": text[: len(text) // 2]},
        "not_json": {"result": "죄송합니다. 이 내용은 분석할 수 없습니다."},
    }
    if shape == "huge":
        return outputs | {"session_info": {"note": "가" * (HUGE_CHARACTERS // 3)}}
    if shape == "deep":
        return orjson.Fragment(b'{"cleaned_script":' + b"[" * DEEP_BRACKETS + b"]" * DEEP_BRACKETS + b"}")
    return shaped.get(shape, outputs)


def shape_answer(ids: dict[str, str], data: Outputs, shape: str) -> Outputs:
    """The object of a blocking answer."""
    if shape == "iso_times":
        data = data | {name: _iso(data[name]) for name in _TIMES}
    if shape == "top_level":
        return ids | data
    return ids | {"data": data}


def _iso(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
