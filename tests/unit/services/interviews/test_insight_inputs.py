"""Of many interviews as much is told as fits, at the ends of lines."""

from services.interviews.insight_inputs import cut_at_line


def test_a_text_that_fits_stays():
    assert cut_at_line("하나\n둘", 4) == "하나\n둘"


def test_a_text_that_is_too_long_ends_with_a_line():
    assert cut_at_line("하나\n둘둘둘", 5) == "하나"


def test_a_line_that_is_too_long_alone_is_cut():
    assert cut_at_line("하나둘셋", 2) == "하나"
