"""A quote is looked for in all scripts at once, and says in which it stands."""

import pytest

from services.interviews.evidence import ManyScripts


def script(*said: str) -> list[dict[str, object]]:
    return [
        {"id": [number], "speaker": "답", "category": "", "cleaned_sentence": one} for number, one in enumerate(said, 1)
    ]


SCRIPTS = ManyScripts(
    {
        "a": script("결제가 너무 느려서 답답했어요", "끝"),
        "b": script("처음", "결제가 너무 느려서 답답했어요!", "쿠폰을 못 찾겠어요"),
        "c": None,
    }
)


@pytest.mark.parametrize(
    ("quote", "interview_id", "ids"),
    [
        ("결제가 너무 느려서 답답했어요", "a", [1]),
        ("결제가 너무 느려서 답답했어요!", "b", [2]),
        ("3: 쿠폰을 못 찾겠어요", "b", [3]),
        ("쿠폰을 잘 못 찾겠어요", "b", [3]),
        ("끝 처음", "a", [2]),
        ("그런 말은 아무도 안 했어요", None, []),
        ("2", None, []),
    ],
)
def test_a_quote_says_in_which_interview_it_stands(quote: str, interview_id: str | None, ids: list[int]):
    [found] = SCRIPTS.resolve([quote])
    assert (found["interview_id"], found["utterance_ids"], found["verified"]) == (interview_id, ids, bool(ids))


def test_a_quote_that_says_nothing_is_left_out():
    assert SCRIPTS.resolve(["", " "]) == []
