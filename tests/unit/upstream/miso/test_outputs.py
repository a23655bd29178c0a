"""The tolerant reader of outputs: every shape says the same, and what cannot be used ends as one error."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upstream.miso.errors import MisoAnswerInvalid
from upstream.miso.outputs import read_outputs

NAMES = ("cleaned_script", "key_takeaways", "session_info")
OUTPUTS = {
    "cleaned_script": [{"id": [1], "speaker": "[이름1]", "cleaned_sentence": '그는 "느려요"라고 했다 {1}'}],
    "key_takeaways": ["[이름1]은 결제가 불편하다", "```가 들어간 말"],
    "session_info": {"lines": 1},
}
TEXT = json.dumps(OUTPUTS, ensure_ascii=False)


def fence(text, before="", after=""):
    return f"{before}```json\n{text}\n```{after}"


@pytest.mark.parametrize(
    "outputs",
    [
        OUTPUTS,
        TEXT,
        json.dumps(TEXT),
        json.dumps(json.dumps(TEXT)),
        {"result": OUTPUTS},
        {"result": TEXT},
        {"text": {"result": TEXT}},
        {name: json.dumps(value) for name, value in OUTPUTS.items()},
        {name: json.dumps(json.dumps(value)) for name, value in OUTPUTS.items()},
        {"result": f"\ufeff \n{TEXT}\n"},
        OUTPUTS | {"unknown": [[1]]},
    ],
)
def test_every_shape_says_the_same(outputs):
    assert read_outputs(outputs, NAMES) == OUTPUTS


THEMES = {"themes": [{"title": "불편", "quotes": ["느려요"]}], "interviews": 2}


@pytest.mark.parametrize(
    "outputs",
    [
        {"result": THEMES},
        {"result": json.dumps(THEMES)},
        {"result": {"result": THEMES}},
        {"result": json.dumps({"result": THEMES})},
        {"result": json.dumps(json.dumps({"result": THEMES}))},
        {"text": {"result": fence(json.dumps({"result": THEMES}))}},
    ],
)
def test_a_wrapper_may_have_the_name_that_is_looked_for(outputs):
    """One answer in four of the sandbox's came so, and its themes were lost."""
    assert read_outputs(outputs, ("result",)) == {"result": THEMES}


@pytest.mark.parametrize("value", [{"persona": "이름", "title": "제목"}, {"title": {"persona": "이름"}}, {}, [], "글"])
def test_a_value_with_a_field_of_its_own_name_stays_whole(value):
    assert read_outputs({"persona": value}, ("persona",)) == {"persona": value}


@pytest.mark.parametrize("before", ["", "분석 결과입니다.\n", "네, "])
@pytest.mark.parametrize("after", ["", "\n도움이 되었기를 바랍니다."])
def test_a_code_fence_is_taken_off_whatever_stands_around_it(before, after):
    plain = {"key_takeaways": ["하나"], "session_info": {"a": 1}}
    read = read_outputs({"text": fence(json.dumps(plain), before, after)}, NAMES)
    assert read == plain | {"cleaned_script": None}


def test_a_fence_ends_where_its_json_does():
    assert read_outputs({"text": fence(TEXT, after="\n```text\nmore\n```")}, NAMES) == OUTPUTS
    assert read_outputs({"key_takeaways": fence('["a ```b"]')}, NAMES)["key_takeaways"] == ["a ```b"]


def test_what_is_missing_is_null():
    assert read_outputs({"key_takeaways": []}, NAMES) == dict.fromkeys(NAMES) | {"key_takeaways": []}


@pytest.mark.parametrize("text", ["[이름1]은 바쁘다", "{중요} 라고 했다", '"느려요"라고 했다', "123", "null", ""])
def test_a_sentence_is_no_json(text):
    assert read_outputs({"session_info": text, "key_takeaways": ["a"]}, NAMES)["session_info"] == text


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (None, "no_outputs"),
        ({}, "no_outputs"),
        ([], "no_outputs"),
        (7, "no_outputs"),
        ("죄송합니다. 분석할 수 없습니다.", "no_outputs"),
        ({"result": TEXT[: len(TEXT) // 2]}, "no_outputs"),
        ({"result": fence(TEXT[:-9])}, "no_outputs"),
        (dict.fromkeys(NAMES), "no_outputs"),
        ({"cleaned_script": '[{"id": [1], "spea'}, "cut_json"),
        ({"cleaned_script": fence('[{"id": [1], "spea')}, "cut_json"),
    ],
)
def test_what_cannot_be_used(outputs, reason):
    with pytest.raises(MisoAnswerInvalid) as refused:
        read_outputs(outputs, NAMES)
    assert refused.value.reason == reason


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("as_text", [False, True])
def test_nesting_has_a_bound_within_text_too(as_text):
    def outputs(depth):
        value = nested(depth)
        return {"session_info": json.dumps(value) if as_text else value}

    assert read_outputs(outputs(90), NAMES)["session_info"] == nested(90)
    with pytest.raises(MisoAnswerInvalid):
        read_outputs(outputs(150), NAMES)


def test_brackets_without_end_are_refused():
    with pytest.raises(MisoAnswerInvalid):
        read_outputs({"session_info": "[" * 100_000 + "]" * 100_000}, NAMES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
VALUES = st.lists(JSON, min_size=1, max_size=4) | st.dictionaries(st.text(max_size=8), JSON, min_size=1, max_size=4)
WRAPPERS = st.lists(st.sampled_from(["text", "object", "fence"]), max_size=3)


def wrap(value, wrappers):
    for wrapper in wrappers:
        if wrapper == "object":
            value = {"result": value}
        elif wrapper == "fence" and "```" not in json.dumps(value):
            value = fence(value if isinstance(value, str) else json.dumps(value))
        else:
            value = json.dumps(value)
    return value


@given(VALUES, WRAPPERS)
def test_whatever_is_wrapped_comes_out_as_it_was(value, wrappers):
    assert read_outputs(wrap({"session_info": value}, wrappers), NAMES)["session_info"] == value


@settings(max_examples=300)
@given(
    st.one_of(JSON, st.text(alphabet='{}[]":,`\\ \nab가', max_size=80), st.dictionaries(st.sampled_from(NAMES), JSON))
)
def test_anything_is_read_or_refused(value):
    with contextlib.suppress(MisoAnswerInvalid):
        assert set(read_outputs(value, NAMES)) == set(NAMES)
