"""What comes next, how long to wait, when to poll: tables."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from core.names import Step
from core.settings.groups import CollectionSettings
from models.collection.run_states import Retry, next_step, poll_delay, retry_delay, wants_report

RETRY = Retry(max_attempts=5, base_seconds=2, max_seconds=10)


@pytest.mark.parametrize("report", [True, False])
def test_the_steps_follow_each_other_to_the_end(report: bool):
    walked, step = [], Step.REQUEST_SIMPLE_AUTH
    while step is not None:
        walked.append(step)
        step = next_step(step, wants_report=report)
    assert walked == [step for step in Step if report or step != Step.MAKE_REPORT]


@pytest.mark.parametrize(
    ("redirect_path", "health_count", "wanted"),
    [
        ("/disease-report", 1, True),
        ("/a/disease-report?from=campaign", 10, True),
        ("/disease-report", 0, False),
        ("/disease-report", None, False),
        ("/results-trend", 3, False),
        ("", 3, False),
        (None, 3, False),
    ],
)
def test_a_report_is_for_those_who_came_for_it_and_have_a_checkup(redirect_path, health_count, wanted):
    assert wants_report(redirect_path, health_count) is wanted


@pytest.mark.parametrize(
    ("failed", "chance", "asked", "seconds"),
    [
        (1, 1, None, 2),
        (1, 0, None, 1),
        (1, 0.5, None, 1.5),
        (2, 1, None, 4),
        (3, 1, None, 8),
        (4, 1, None, 10),
        (4, 0, None, 5),
        (1, 1, 1, 2),
        (1, 1, 30, 30),
        (4, 0, 5.5, 5.5),
        (1, 1, 9999, 300),
        (1, 1, 0, 2),
    ],
)
def test_pauses_double_spread_and_heed_the_provider(failed, chance, asked, seconds):
    assert retry_delay(RETRY, failed, chance=chance, asked_seconds=asked) == timedelta(seconds=seconds)


def test_the_usual_tries_outlast_a_provider_that_hears_of_an_approval_five_seconds_late():
    usual = {field.name: field.default for field in fields(CollectionSettings)}
    attempts, base = usual["step_max_attempts"], usual["step_retry_base_seconds"]
    retry = Retry(attempts, base, usual["step_retry_max_seconds"])
    pauses = [retry_delay(retry, failed, chance=0) for failed in range(1, attempts)]
    assert sum(pause.total_seconds() for pause in pauses if pause) > 5 + base


@pytest.mark.parametrize("failed", [5, 100, 10_000_000])
def test_what_is_tried_for_as_long_as_it_takes_always_has_a_pause(failed):
    assert retry_delay(replace(RETRY, max_attempts=None), failed, chance=1) == timedelta(seconds=10)


@pytest.mark.parametrize("failed", [5, 6])
def test_after_the_last_try_there_is_no_pause(failed):
    assert retry_delay(RETRY, failed, chance=0, asked_seconds=1) is None


@pytest.mark.parametrize(
    ("polls", "seconds"), [(0, 2), (1, 2), (4, 2), (5, 3), (6, 4.5), (7, 6.75), (8, 10), (9, 10), (500, 10)]
)
def test_polls_are_steady_first_and_slow_down_then(polls, seconds):
    assert poll_delay(polls, interval_seconds=2, slow_max_seconds=10) == pytest.approx(seconds)


def test_slow_polls_are_never_faster_than_the_steady_ones():
    assert poll_delay(100, interval_seconds=2, slow_max_seconds=0.5) == 2


def test_a_session_may_be_polled_ever_so_often():
    assert poll_delay(1_000_000, interval_seconds=2, slow_max_seconds=10) == 10
