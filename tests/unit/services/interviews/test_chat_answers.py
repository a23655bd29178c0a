"""Which `message_replace` takes an answer back, and what of the interviews goes with a question."""

from uuid import UUID

import pytest

from services.interviews.chat_answers import AnswerSoFar
from services.interviews.chat_questions import join_lines, user_of

MODERATED = "답할 수 없습니다."


def said(*pieces: str, event: str = "message") -> AnswerSoFar:
    answer = AnswerSoFar()
    for piece in pieces:
        answer.note({"event": event, "answer": piece})
    return answer


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("결제가 ", "느려요."), "결제가 느려요."),
        (("결제가 ", "결제가 느려", "결제가 느려요."), "결제가 느려요."),
        (("결제가 ", "느려요."), " 결제가  느려요.\n"),
        (("네", "네", "네"), "네네네"),
        (("네",), "네"),
        ((), ""),
    ],
)
def test_a_replacement_that_repeats_takes_nothing_back(pieces: tuple[str, ...], text: str):
    assert not said(*pieces).takes_back({"event": "message_replace", "answer": text})


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("결제가 ", "느려요."), MODERATED),
        (("결제가 ", "느려요."), "느려요."),
        (("결제가 느려요.",), ""),
        ((), MODERATED),
    ],
)
def test_another_text_takes_back_what_was_said(pieces: tuple[str, ...], text: str):
    assert said(*pieces).takes_back({"event": "message_replace", "answer": text})


def test_a_replacement_is_the_answer_from_then_on():
    answer = said("결제가 느려요.", event="agent_message")
    replaced = {"event": "message_replace", "answer": MODERATED}
    assert [answer.takes_back(replaced), answer.takes_back(replaced)] == [True, False]


def test_other_frames_say_nothing():
    answer = said("결제가 ")
    for frame in ({"event": "agent_thought", "answer": "x"}, {"event": "message"}, {"event": "message", "answer": 3}):
        answer.note(frame)
    assert not answer.takes_back({"event": "message_replace", "answer": "결제가"})


def test_every_interview_has_its_say_first():
    assert join_lines([["가", "나"], ["다"], [], ["가", "라", "마"]], longest=100) == "가\n다\n나\n라\n마"


def test_no_more_is_told_than_fits():
    assert join_lines([["가" * 500]], longest=400) == "가" * 400
    assert join_lines([[str(number) for number in range(20)]], longest=400, most=8).split("\n") == list("01234567")


def test_an_account_s_name_at_miso_is_always_the_same_and_tells_nothing():
    name = user_of(UUID(int=7), "an invented key")
    assert name == user_of(UUID(int=7), "an invented key")
    assert len({name, user_of(UUID(int=8), "an invented key"), user_of(UUID(int=7), "another key")}) == 3
    assert name.startswith("acc-")
