"""The timer wheel on a clock that only this test moves."""

import random

from webapp.relay.timer_wheel import TimerWheel


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Entry:
    def __init__(self, *dues: float) -> None:
        self.due_tick = 0
        self.dues = list(dues)
        self.fired: list[float] = []

    def on_due(self, now: float) -> float | None:
        self.fired.append(now)
        return self.dues.pop(0) if self.dues else None


def turn_until(wheel: TimerWheel, time: FakeTime, end: float) -> None:
    while time.now < end:
        time.now += 0.1
        wheel.advance()


def test_an_entry_fires_once_and_never_early():
    time = FakeTime()
    wheel, entry = TimerWheel(0.25, time), Entry()
    wheel.put(entry, 1001.0)
    turn_until(wheel, time, 1005)
    assert len(entry.fired) == 1
    assert 1001.0 <= entry.fired[0] <= 1001.5


def test_an_entry_may_ask_to_be_asked_again():
    time = FakeTime()
    wheel, entry = TimerWheel(0.25, time), Entry(1002.0, 1003.0)
    wheel.put(entry, 1001.0)
    turn_until(wheel, time, 1010)
    assert [round(fired) for fired in entry.fired] == [1001, 1002, 1003]


def test_an_earlier_time_replaces_a_later_one():
    time = FakeTime()
    wheel, entry = TimerWheel(0.25, time), Entry()
    wheel.put(entry, 1005.0)
    wheel.put(entry, 1001.0)
    turn_until(wheel, time, 1010)
    assert [round(fired) for fired in entry.fired] == [1001]


def test_a_later_time_changes_nothing():
    time = FakeTime()
    wheel, entry = TimerWheel(0.25, time), Entry()
    wheel.put(entry, 1001.0)
    wheel.put(entry, 1005.0)
    turn_until(wheel, time, 1010)
    assert [round(fired) for fired in entry.fired] == [1001]


def test_a_time_that_has_passed_fires_at_the_next_turn():
    time = FakeTime()
    wheel, entry = TimerWheel(0.25, time), Entry()
    wheel.put(entry, 5.0)
    turn_until(wheel, time, 1000.5)
    assert len(entry.fired) == 1


def test_a_loop_that_slept_fires_everything_due():
    time = FakeTime()
    wheel, entries = TimerWheel(0.25, time), [Entry() for _ in range(100)]
    for entry in entries:
        wheel.put(entry, 1000 + random.random() * 50)
    time.now = 1060.0
    wheel.advance()
    assert all(entry.fired == [1060.0] for entry in entries)
