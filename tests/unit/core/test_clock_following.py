"""A clock that follows another: its own host's wall clock counts for nothing from then on."""

from datetime import UTC, datetime, timedelta

import pytest

from core import clock as clock_module
from core.clock import Clock

NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)


class Monotonic:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def monotonic(monkeypatch) -> Monotonic:
    time = Monotonic()
    monkeypatch.setattr(clock_module, "time", time)
    return time


def read(clock: Clock, at: datetime, took_seconds: float, monotonic: Monotonic) -> None:
    asked = monotonic.seconds
    monotonic.seconds += took_seconds
    clock.follow(at, asked=asked, answered=monotonic.seconds)


def test_until_another_is_followed_the_hosts_own_counts():
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_it_goes_on_from_what_the_other_said_in_the_middle_of_the_question(monotonic):
    clock = Clock()
    read(clock, NOON, 0.01, monotonic)
    monotonic.seconds += 5
    assert clock.now() == NOON + timedelta(seconds=5.005)


def test_a_slow_answer_does_not_replace_an_exact_one(monotonic):
    clock = Clock()
    read(clock, NOON, 0.002, monotonic)
    read(clock, NOON + timedelta(seconds=0.4), 1.0, monotonic)  # it said so after 0.4 s, not in the middle
    assert abs(clock.now() - NOON - timedelta(seconds=1.001)) < timedelta(milliseconds=2)


def test_an_exact_answer_grows_old(monotonic):
    clock = Clock()
    read(clock, NOON, 0.002, monotonic)
    monotonic.seconds += 100
    read(clock, NOON + timedelta(seconds=100.011), 0.004, monotonic)
    assert clock.now() == NOON + timedelta(seconds=100.013)


def test_another_that_was_set_is_followed_at_once_however_slow_its_answer(monotonic):
    clock = Clock()
    read(clock, NOON, 0.002, monotonic)
    read(clock, NOON - timedelta(hours=1), 1.0, monotonic)
    assert clock.now() == NOON - timedelta(hours=1) + timedelta(seconds=0.5)


def test_it_wants_to_ask_at_first_and_again_after_ten_seconds(monotonic):
    clock = Clock()
    assert clock.wants_reading()
    read(clock, NOON, 0.002, monotonic)
    assert not clock.wants_reading()
    monotonic.seconds += 10.01
    assert clock.wants_reading()


def test_frozen_it_stands_still_all_the_same(monotonic):
    clock = Clock()
    read(clock, NOON, 0.002, monotonic)
    with clock.frozen(NOON - timedelta(days=1)):
        read(clock, NOON, 0.002, monotonic)
        assert clock.now() == NOON - timedelta(days=1)
    assert clock.now() > NOON
