"""What the estimator is told of a line."""

from datetime import timedelta

import pytest

from models.journey import QueueEntry
from services.journey.estimates import LineRates
from services.journey.line_rates import read_line_rates
from tests.integration.services.journey.hospital import DAY_BEGINS, NOW, TODAY, Hospital, minutes


def done(exam_minutes: float, ago: float = 0, **changes: object) -> dict[str, object]:
    """An exam of today that ended so many minutes ago."""
    ended_at = NOW - minutes(ago)
    return {"state": "completed", "started_at": ended_at - minutes(exam_minutes), "completed_at": ended_at} | changes


def called(predicted: int | None, waited: float, ago: float = 0, **changes: object) -> dict[str, object]:
    called_at = NOW - minutes(ago)
    times = {"joined_at": called_at - minutes(waited), "called_at": called_at}
    return {"state": "cancelled", "predicted_wait_minutes": predicted} | times | changes


def rates_of(hospital: Hospital, *entries: QueueEntry) -> LineRates:
    exam_id = entries[0].exam_id
    return read_line_rates(hospital.session, [exam_id], DAY_BEGINS)[exam_id]


def test_of_an_empty_line_only_what_was_set_is_known(hospital: Hospital):
    hospital.exam("EX-A", avg_minutes=7)
    hospital.exam("EX-B", avg_minutes=None)
    assert read_line_rates(hospital.session, ["EX-A", "EX-B", "EX-GONE"], DAY_BEGINS) == {
        "EX-A": LineRates(average_minutes=7),
        "EX-B": LineRates(),
    }


def test_the_last_twenty_exams_of_today_count(hospital: Hospital):
    exam = hospital.exam()
    entries = [hospital.entry(exam, **done(6, ago)) for ago in range(20)]
    hospital.entry(exam, **done(60, ago=30))
    hospital.entry(exam, **done(60, ago=11 * 60))
    hospital.entry(exam, **done(60, started_at=None))
    rates = rates_of(hospital, *entries)
    assert (rates.exam_count, rates.mean_minutes) == (20, pytest.approx(6))


def test_an_exam_is_of_the_day_on_which_it_ended(hospital: Hospital):
    """Also of who had joined before midnight."""
    exam = hospital.exam()
    entry = hospital.entry(exam, **done(6, ago=9 * 60, service_date=TODAY - timedelta(days=1)))
    assert rates_of(hospital, entry).exam_count == 1


def test_what_calls_were_told_is_compared_with_what_came(hospital: Hospital):
    exam = hospital.exam()
    entries = [hospital.entry(exam, **called(10, waited)) for waited in range(5, 16)]
    rates = rates_of(hospital, *entries)
    assert (rates.call_count, rates.ratios) == (11, (pytest.approx(0.6), pytest.approx(1.4)))


def test_calls_that_no_prediction_was_for_are_left_out(hospital: Hospital):
    exam = hospital.exam()
    entry = hospital.entry(exam, **called(10, 20))
    for odd in ({"predicted": None}, {"predicted": 0}, {"no_show_count": 1}, {"delay_count": 1}):
        hospital.entry(exam, **called(**({"predicted": 10, "waited": 90} | odd)))
    rates = rates_of(hospital, entry)
    assert (rates.call_count, rates.ratios) == (1, (2.0, 2.0))


def test_only_the_last_two_hundred_calls_count(hospital: Hospital):
    exam = hospital.exam()
    entries = [hospital.entry(exam, **called(10, 10, ago=number)) for number in range(200)]
    hospital.entry(exam, **called(10, 90, ago=300))
    rates = rates_of(hospital, *entries)
    assert (rates.call_count, rates.ratios) == (200, (1.0, 1.0))


def test_open_desks_and_whoever_is_inside_are_counted(hospital: Hospital):
    exam, other = hospital.exam("EX-A"), hospital.exam("EX-B")
    hospital.shift(exam)
    hospital.shift(exam, other.room_id, ended_at=NOW)
    entries = [hospital.entry(exam, state=state) for state in ("waiting", "delayed", "called", "in_progress")]
    hospital.entry(other, state="called")
    rates = rates_of(hospital, *entries)
    assert (rates.desks, rates.busy) == (1, 2)
