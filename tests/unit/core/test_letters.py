"""Letters are composed, whatever is sent."""

import time
import unicodedata

import pytest

from core.letters import _COMPOSED, compose


@pytest.mark.parametrize("text", ["", "plain", "김하늘 좋아요!", "café", "Việt Nam", "각가", "\u1112\u1161\u11ab"])
def test_what_is_decomposed_is_composed_and_what_is_composed_stays(text: str):
    composed = unicodedata.normalize("NFC", text)
    assert compose(unicodedata.normalize("NFD", text)) == compose(text) == composed


def test_what_is_passed_over_as_composed_is_so_and_joins_with_nothing():
    passed_over = [letter for letter in map(chr, range(0x20000)) if _COMPOSED.fullmatch(letter)]
    assert len(passed_over) > 30_000
    for letter in passed_over:
        assert unicodedata.is_normalized("NFC", letter)
        assert unicodedata.combining(letter) == 0
    # What joins with the letter before it stands second in some letter's parts.
    parts = (unicodedata.decomposition(letter).split() for letter in map(chr, range(0x20000)))
    seconds = {chr(int(two[1], 16)) for two in parts if len(two) == 2 and not two[0].startswith("<")}
    assert not seconds.intersection(passed_over)


def test_thousands_of_marks_on_a_letter_take_no_minutes():
    marks = "a" + "\u0301\u0323" * 100_000
    began = time.monotonic()
    assert compose(marks).startswith("\u1ea1")
    assert time.monotonic() - began < 5


def test_what_follows_many_marks_is_composed_too():
    assert compose("a" + "\u0301\u0323" * 50 + unicodedata.normalize("NFD", "김")).endswith("김")
