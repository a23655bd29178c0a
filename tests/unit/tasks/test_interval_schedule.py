"""Something is done now and then, by the clock, and a failure is retried sooner than that."""

from collections.abc import Callable

import pytest

from tasks.processes.interval_schedule import IntervalSchedule


class Loop:
    """Asks once in each of its rounds."""

    def __init__(self, round_seconds: float) -> None:
        self.now = 1000.0
        self._round_seconds = round_seconds
        self.schedule = IntervalSchedule(every_seconds=10, retry_after_seconds=3, monotonic=lambda: self.now)

    def run(self, seconds: float, *, done: Callable[[], bool]) -> list[float]:
        """At which seconds it was due."""
        began, due = self.now, []
        while self.now < began + seconds:
            if self.schedule.is_due():
                due.append(self.now - began)
                if done():
                    self.schedule.note_done()
            self.now += self._round_seconds
        return due


@pytest.mark.parametrize("round_seconds", [0.25, 0.5, 1.0])
def test_what_was_done_is_due_again_by_the_clock_however_fast_the_loop(round_seconds: float):
    assert Loop(round_seconds).run(25, done=lambda: True) == [0, 10, 20]


def test_what_failed_is_tried_again_sooner_and_not_at_once():
    assert Loop(0.5).run(8, done=lambda: False) == [0, 3, 6]


def test_what_was_done_in_the_end_is_left_alone_for_the_whole_time():
    answers = iter([False, True, True])
    assert Loop(0.5).run(15, done=lambda: next(answers)) == [0, 3, 13]
