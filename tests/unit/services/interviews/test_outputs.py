"""The shapes of an analysis: what the columns get of whatever a model has written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.interviews import RESULT_COLUMNS
from services.interviews.outputs import OUTPUT_NAMES, read_persona_code, shape_outputs


def shape(name: str, value: Any) -> Any:
    return shape_outputs({name: value})[name]


def test_what_is_missing_is_null():
    assert shape_outputs({}) == dict.fromkeys(RESULT_COLUMNS)


def test_the_persona_is_asked_for_beside_the_columns():
    assert set(OUTPUT_NAMES) - set(RESULT_COLUMNS) == {"ai_persona_match"}


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (
            {"id": [1, 2], "speaker": "[이름1]", "category": "경험", "cleaned_sentence": "느려요"},
            {"id": [1, 2], "speaker": "[이름1]", "category": "경험", "cleaned_sentence": "느려요"},
        ),
        ({"id": 3, "cleaned_sentence": " 네 "}, {"id": [3], "speaker": "", "category": "", "cleaned_sentence": "네"}),
        ("그냥 말", {"id": [1], "speaker": "", "category": "", "cleaned_sentence": "그냥 말"}),
        (
            {"id": None, "speaker": None, "cleaned_sentence": "a", "mood": "low"},
            {"id": [1], "speaker": "", "category": "", "cleaned_sentence": "a", "mood": "low"},
        ),
    ],
)
def test_each_utterance_has_numbers_speaker_category_and_sentence(given_value: Any, kept: Any):
    assert shape("cleaned_script", [given_value, {"id": [9]}, 7, None]) == [kept]


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (["a", " b ", "", None, 3], ["a", "b", "3"]),
        ("a", ["a"]),
        ({"takeaways": ["a"]}, ["a"]),
        ([{"text": "a"}, {"text": "b", "why": "c"}], ["a"]),
        (7, None),
        ("  ", None),
    ],
)
def test_takeaways_are_texts(given_value: Any, kept: Any):
    assert shape("key_takeaways", given_value) == kept


@pytest.mark.parametrize("name", ["primary_pain_points", "primary_needs"])
def test_points_have_a_description_and_quotes(name: str):
    given_value = [
        {"description": "느리다", "evidence": ["1: 느려요", {"quote": "답답"}, None], "severity": 3},
        {"description": "복잡하다", "evidence": "헷갈려요"},
        "말로만",
        {"evidence": ["무엇의?"]},
    ]
    assert shape(name, given_value) == [
        {"description": "느리다", "evidence": ["1: 느려요", "답답"], "severity": 3},
        {"description": "복잡하다", "evidence": ["헷갈려요"]},
        {"description": "말로만", "evidence": []},
    ]


def test_sections_have_a_name_and_lines():
    given_value = [
        {"sector_name": "도입", "start_line": "1", "end_line": 4, "is_main_content": "true"},
        {"sector_name": "끝", "start_line": 2**70, "is_main_content": None},
        {"start_line": 1},
    ]
    assert shape("script_sections", given_value) == [
        {"sector_name": "도입", "start_line": 1, "end_line": 4, "is_main_content": True},
        {"sector_name": "끝", "start_line": None, "end_line": None, "is_main_content": False},
    ]


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [({"lines": 1}, {"lines": 1}), ([{"lines": 1}], {"lines": 1}), ("짧다", {"text": "짧다"}), (3, None), ([], None)],
)
def test_what_is_one_object_stays_one(given_value: Any, kept: Any):
    assert shape("session_info", given_value) == kept


@pytest.mark.parametrize(
    ("given_value", "code"),
    [
        ({"persona_code": " BUSY ", "reason": "x"}, "BUSY"),
        ("BUSY", "BUSY"),
        ([{"persona_code": "BUSY"}], "BUSY"),
        ({"persona_code": 3}, None),
        ({"persona_code": ""}, None),
        (None, None),
    ],
)
def test_a_persona_is_named_by_its_code(given_value: Any, code: str | None):
    assert read_persona_code({"ai_persona_match": given_value}) == code


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(OUTPUT_NAMES), _JSON))
def test_whatever_a_model_writes_can_be_stored(outputs: dict[str, Any]):
    text = json.dumps(shape_outputs(outputs), allow_nan=False)
    assert "\\u0000" not in text
    read_persona_code(outputs)
