"""A quote is looked for in all scripts at once, and says in which it stands."""

import time

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


def test_hundreds_of_quotes_are_looked_for_in_many_lines_within_seconds():
    scripts = ManyScripts(
        {str(one): script(*(f"{line}번 눌러도 안 돼요" for line in range(200))) for one in range(100)}
    )
    began = time.process_time()
    found = scripts.resolve(["네", *(f"쿠폰은 {number}장 모두 못 썼어요" for number in range(300))])
    assert not any(one["verified"] for one in found)
    assert time.process_time() - began < 8
