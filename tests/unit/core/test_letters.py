"""Letters are composed, whatever is sent."""

import time
import unicodedata

import pytest

from core.letters import compose


@pytest.mark.parametrize("text", ["", "plain", "김하늘 좋아요!", "café", "Việt Nam", "각가", "\u1112\u1161\u11ab"])
def test_what_is_decomposed_is_composed_and_what_is_composed_stays(text: str):
    composed = unicodedata.normalize("NFC", text)
    assert compose(unicodedata.normalize("NFD", text)) == compose(text) == composed


def test_thousands_of_marks_on_a_letter_take_no_minutes():
    marks = "a" + "\u0301\u0323" * 100_000
    began = time.monotonic()
    assert compose(marks).startswith("\u1ea1")
    assert time.monotonic() - began < 5


def test_what_follows_many_marks_is_composed_too():
    assert compose("a" + "\u0301\u0323" * 50 + unicodedata.normalize("NFD", "김")).endswith("김")
