"""What a person is told of their wait."""

from dataclasses import replace

import pytest

from services.journey.estimates import Estimate, EstimateBasis, LineRates, RuleBasedEstimator

TEN_MINUTES = LineRates(exam_count=3, mean_minutes=10.0, average_minutes=4.0)
estimate = RuleBasedEstimator().estimate


@pytest.mark.parametrize(
    ("desks", "busy", "ahead", "minutes"),
    [
        (1, 0, 0, 0),
        (1, 0, 3, 30),  # one desk and nobody inside: people ahead times the average
        (1, 1, 0, 5),  # half of the exam under way
        (1, 1, 3, 35),
        (3, 0, 2, 0),  # a desk for each of them
        (3, 2, 0, 0),
        (3, 2, 1, 3),
        (3, 3, 0, 3),  # 2.5, and half a minute is told as a whole one
        (3, 3, 4, 16),
        (3, 9, 4, 16),  # who was called beside those inside holds no further desk
        (0, 0, 2, 20),  # before a shift is open there is one desk to come
    ],
)
def test_minutes_follow_from_desks_and_people(desks: int, busy: int, ahead: int, minutes: int):
    assert estimate(replace(TEN_MINUTES, desks=desks, busy=busy), ahead).minutes == minutes


def test_todays_exams_count_from_the_third_on():
    assert estimate(TEN_MINUTES, 1).basis == EstimateBasis.HISTORY
    two = estimate(replace(TEN_MINUTES, exam_count=2), 1)
    assert (two.minutes, two.basis) == (4, EstimateBasis.FIXED)


def test_an_exam_of_which_nothing_is_known_takes_ten_minutes():
    assert estimate(LineRates(), 2) == Estimate(20, 10, 30, EstimateBasis.FIXED)


def test_the_band_is_that_of_past_calls_from_the_thirtieth_on():
    known = replace(TEN_MINUTES, call_count=30, ratios=(0.9, 2.1))
    assert estimate(known, 2) == Estimate(20, 18, 42, EstimateBasis.HISTORY)
    assert estimate(replace(known, call_count=29), 2) == Estimate(20, 10, 30, EstimateBasis.HISTORY)


@pytest.mark.parametrize("ahead", [0, 1])
def test_the_band_is_never_narrower_than_a_minute(ahead: int):
    found = estimate(replace(TEN_MINUTES, call_count=30, ratios=(1.0, 1.0)), ahead)
    assert found.high == found.low + 1
