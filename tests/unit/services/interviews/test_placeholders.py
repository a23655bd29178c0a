"""Where texts of several interviews meet, a placeholder tells of which one it is, or loses its number."""

import pytest

from services.interviews.masking.placeholders import (
    keep_qualified,
    mentions_in,
    placeholders_in,
    qualify,
    unqualify,
    without_numbers,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[이름1]은 [전화12]로", {"[이름1]", "[전화12]"}),
        ("[ 이름 01 ] [이름２]", {"[이름1]", "[이름2]"}),
        ("[이름] [성함1] 이름1 [인터뷰2 이름1] [이름1234567890]", set()),
        (None, set()),
    ],
)
def test_placeholders_are_known_however_they_are_spelt(text: str | None, expected: set[str]):
    assert placeholders_in(text, "") == expected


def test_one_of_another_interview_is_another():
    first, second = (qualify("[이름1]이 [이름2]에게", number) for number in (1, 2))
    assert first == "[인터뷰1 이름1]이 [인터뷰1 이름2]에게"
    assert second == "[인터뷰2 이름1]이 [인터뷰2 이름2]에게"
    assert unqualify(second) == "[이름1]이 [이름2]에게"
    told = {(1, "[이름1]"), (1, "[이름2]"), (2, "[이름1]"), (2, "[이름2]"), (None, "[이름1]")}
    assert mentions_in(f"{first} {second} [이름1]") == told


def test_one_that_people_have_qualified_means_nobody():
    assert qualify("[인터뷰1 이름1]과 [이름1]", 2) == "[이름]과 [인터뷰2 이름1]"


def test_of_an_answer_only_those_that_can_be_told_keep_their_numbers():
    said = "[인터뷰 2의 이름1] [인터뷰 2 이름 1] [인터뷰9 이름1] [이름1] [인터뷰2 전화1]"
    assert keep_qualified(said, {2}.__contains__) == "[인터뷰2 이름1] [인터뷰2 이름1] [이름] [이름] [인터뷰2 전화1]"


def test_without_numbers_nobody_is_taken_for_another():
    assert without_numbers("[이름1]과 [인터뷰3 이름2], [ 전화 1 ]") == "[이름]과 [이름], [전화]"
