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


TWO = {
    "a": script("[이름1]은 결제가 너무 느려서 답답했어요", "[이름2]은 괜찮았어요"),
    "gone": None,
    "b": script("[이름1]은 결제가 너무 느려서 답답했어요", "[이름1]은 쿠폰을 못 찾겠어요"),
}


@pytest.mark.parametrize(
    ("quote", "interview_id", "shown"),
    [
        ("[인터뷰1 이름1]은 결제가 너무 느려서 답답했어요", "a", "[이름1]은 결제가 너무 느려서 답답했어요"),
        ("[인터뷰3 이름1]은 결제가 너무 느려서 답답했어요", "b", "[이름1]은 결제가 너무 느려서 답답했어요"),
        ("[인터뷰 3 이름 1]은 결제가 느려서 답답했어요", "b", "[이름1]은 결제가 느려서 답답했어요"),
        # Of another interview, of another person of it, of a deleted one, of none that there is, of nobody knows which.
        ("[인터뷰1 이름1]은 쿠폰을 못 찾겠어요", None, "[인터뷰1 이름1]은 쿠폰을 못 찾겠어요"),
        ("[인터뷰1 이름2]은 결제가 너무 느려서 답답했어요", None, "[인터뷰1 이름2]은 결제가 너무 느려서 답답했어요"),
        ("[인터뷰2 이름1]은 쿠폰을 못 찾겠어요", None, "[인터뷰2 이름1]은 쿠폰을 못 찾겠어요"),
        ("[인터뷰4 이름1]은 쿠폰을 못 찾겠어요", None, "[이름]은 쿠폰을 못 찾겠어요"),
        ("[이름1]은 쿠폰을 못 찾겠어요", None, "[이름]은 쿠폰을 못 찾겠어요"),
    ],
)
def test_a_placeholder_is_one_of_its_own_interview(quote: str, interview_id: str | None, shown: str):
    [found] = ManyScripts(TWO).resolve([quote])
    assert (found["interview_id"], found["quote"], found["verified"]) == (interview_id, shown, interview_id is not None)


def test_what_is_no_quote_tells_whom_its_placeholders_mean():
    scripts = ManyScripts(TWO)
    told = scripts.retell("[인터뷰3 이름1]과 [인터뷰1 이름2], [인터뷰9 이름1]과 [이름1]")
    assert told == "[인터뷰3 이름1]과 [인터뷰1 이름2], [이름]과 [이름]"
    assert scripts.explain([told, told]) == [
        {"placeholder": "[인터뷰1 이름2]", "interview_id": "a", "in_interview": "[이름2]"},
        {"placeholder": "[인터뷰3 이름1]", "interview_id": "b", "in_interview": "[이름1]"},
    ]


def test_hundreds_of_quotes_are_looked_for_in_many_lines_within_seconds():
    scripts = ManyScripts(
        {str(one): script(*(f"{line}번 눌러도 안 돼요" for line in range(200))) for one in range(100)}
    )
    began = time.process_time()
    found = scripts.resolve(["네", *(f"쿠폰은 {number}장 모두 못 썼어요" for number in range(300))])
    assert not any(one["verified"] for one in found)
    assert time.process_time() - began < 8
