"""Quotes are found in the script, or told as not found."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interviews import evidence
from services.interviews.evidence import POINT_COLUMNS, resolve_evidence

SCRIPT = [
    {"id": [1], "speaker": "진행자", "category": "질문", "cleaned_sentence": "은행 앱은 언제 가장 많이 쓰세요?"},
    {
        "id": [2, 3],
        "speaker": "[이름1]",
        "category": "행동",
        "cleaned_sentence": "출근길 지하철에서 송금할 때 제일 많이 써요.",
    },
    {
        "id": [4],
        "speaker": "[이름1]",
        "category": "불편",
        "cleaned_sentence": "인증서가 만료되면 송금을 끝까지 못 하고 내려야 해요.",
    },
    {"id": [5], "speaker": "[이름1]", "category": "바람", "cleaned_sentence": "한 손으로 3번 안에 끝나면 좋겠어요."},
    {"id": [6], "speaker": "진행자", "category": "질문", "cleaned_sentence": "네."},
    {
        "id": [7],
        "speaker": "[이름1]",
        "category": "불편",
        "cleaned_sentence": "인증서가 만료되면 송금을 끝까지 못 하고 내려야 해요.",
    },
]


def point(*quotes: Any) -> dict[str, list[dict[str, Any]]]:
    return {"primary_pain_points": [{"description": "불편", "evidence": list(quotes)}]}


def look_for(*quotes: Any) -> list[dict[str, Any]]:
    return resolve_evidence({"cleaned_script": SCRIPT, **point(*quotes)})["primary_pain_points"][0]


@pytest.mark.parametrize(
    ("quote", "words", "ids"),
    [
        ("인증서가 만료되면 송금을 끝까지 못 하고 내려야 해요.", None, [4]),
        ("송금을 끝까지 못 하고", None, [4]),
        ("인증서가  만료 되면, 송금을 끝까지 못하고 내려야 해요", None, [4]),
        ("7: 인증서가 만료되면 송금을 끝까지 못 하고 내려야 해요.", SCRIPT[5]["cleaned_sentence"], [7]),
        ("[7] 송금을 끝까지 못하고", "송금을 끝까지 못하고", [7]),
        ("(7번) 송금을 끝까지", "송금을 끝까지", [7]),
        ("4. 출근길 지하철에서 송금할 때", "출근길 지하철에서 송금할 때", [2, 3]),
        ("[이름1]: 출근길 지하철에서", "출근길 지하철에서", [2, 3]),
        ("“출근길 지하철에서”", None, [2, 3]),
        ("출근길 지하철에서 송금할 때 제일 많이 써요. 인증서가 만료되면", None, [2, 3, 4]),
        ("출근길에 지하철에서 송금할 때 제일 많이 쓴다", None, [2, 3]),
        ("한 손으로 세 번 안에 다 끝나면 좋겠어요", None, [5]),
        ("네", None, [6]),
        ("3번 안에", None, [5]),
        ("5", "한 손으로 3번 안에 끝나면 좋겠어요.", [5]),
        ("[5]", "한 손으로 3번 안에 끝나면 좋겠어요.", [5]),
        (unicodedata.normalize("NFD", "한 손으로"), "한 손으로", [5]),
    ],
)  # fmt: skip
def test_a_quote_that_stands_in_the_script_points_to_it(quote: str, words: str | None, ids: list[int]):
    [found] = look_for(quote)
    assert found["verified"], found
    assert found["utterance_ids"] == ids
    assert found["quote"] == (words or quote)


@pytest.mark.parametrize(
    "quote",
    [
        "앱이 너무 느려서 매번 기다려요",
        "출근길에는 송금을 하지 않고 카드만 써요",
        "요",
        "…",
        "99",
        "결론: 네",
        "[이름2]: 출근길 버스에서 송금해요",
    ],
)
def test_an_invented_quote_stays_and_is_told(quote: str):
    [found] = look_for(quote)
    assert found == {"quote": quote, "utterance_ids": [], "verified": False}


@pytest.mark.parametrize("quote", ["", "  ", None, 1.5, {}])
def test_what_says_nothing_is_no_evidence(quote: Any):
    assert look_for(quote) == []


@pytest.mark.parametrize(
    ("takeaway", "quote", "ids"),
    [
        ("출근길 지하철에서 송금할 때 제일: 행동에 관한 이야기", "출근길 지하철에서 송금할 때 제일", [2, 3]),
        ("“한 손으로 3번 안에” 끝나기를 바란다", "한 손으로 3번 안에", [5]),
        ("인증서: 만료가 송금을 막는다", None, []),
        ("송금은 이동 중에 한다", None, []),
    ],
)
def test_a_takeaway_points_to_what_it_quotes(takeaway: str, quote: str | None, ids: list[int]):
    resolved = resolve_evidence({"cleaned_script": SCRIPT, "key_takeaways": [takeaway]})
    assert resolved["key_takeaways"] == [
        [{"quote": quote or takeaway, "utterance_ids": ids, "verified": quote is not None}]
    ]


def test_without_a_script_nothing_is_verified():
    resolved = resolve_evidence({"cleaned_script": None, **point("한 손으로", "5")})
    assert [one["verified"] for one in resolved["primary_pain_points"][0]] == [False, False]


def test_an_inexact_quote_takes_no_neighbour_along():
    [found] = look_for("요? 출근길 지하철에서 송금을 할 때 제일로 많이 써요")
    assert found["utterance_ids"] == [2, 3]


def test_beyond_the_comparisons_quotes_are_found_verbatim_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "_MOST_COMPARISONS", 10)
    nearly, exactly = look_for("출근길에 지하철에서 송금할 때 제일 많이 쓴다", "출근길 지하철에서")
    assert (nearly["verified"], exactly["verified"]) == (False, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "speaker", "cleaned_sentence", "evidence", "quote", "line"]), inner)
    ),
    max_leaves=20,
)
LISTS = st.none() | st.lists(JSON, max_size=5)
WITH_EVIDENCE = (*POINT_COLUMNS, "key_takeaways")


@given(st.fixed_dictionaries(dict.fromkeys((*WITH_EVIDENCE, "cleaned_script"), LISTS)))
def test_whatever_a_model_answers_is_resolved(result: dict[str, Any]):
    resolved = resolve_evidence(result)
    for name in WITH_EVIDENCE:
        assert len(resolved[name]) == len(result[name] or ())


@pytest.mark.parametrize(
    ("quote", "ids"),
    [
        ("[이름2]는 결제가 느려서 매번 답답했다고 해요", [1]),
        ("[이름2]는 결제가 느려서 매번 답답했대요", [1]),
        ("[이름1]: [이름2]는 결제가 느려서 매번 답답했다고 하네요", [1]),
        ("[이름3]은 결제가 느려서 매번 답답했다고 해요", []),
        ("[이름22]는 결제가 느려서 매번 답답했다고 해요", []),
    ],
)
def test_what_is_alike_but_of_somebody_else_is_no_quote(quote: str, ids: list[int]):
    said = "[이름2]는 결제가 느려서 매번 답답했다고 해요"
    script = [{"id": [1], "speaker": "[이름1]", "category": "", "cleaned_sentence": said}]
    resolved = resolve_evidence({"cleaned_script": script, **point(quote)})
    [found] = resolved["primary_pain_points"][0]
    assert (found["utterance_ids"], found["verified"]) == (ids, bool(ids))
