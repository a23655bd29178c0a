"""Whether a replica is asked: what is found wrong with it, and who tries it again."""

from datetime import UTC, datetime, timedelta

import pytest

from services.replica import CircuitBreaker, FallbackReason, find_fault

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
BOUND = timedelta(seconds=10)


class Watch:
    """A monotonic clock that a test moves."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def breaker(watch: Watch) -> CircuitBreaker:
    return CircuitBreaker(5, watch)


@pytest.mark.parametrize(
    ("is_standby", "behind", "fault"),
    [
        (True, timedelta(0), None),
        (True, BOUND, None),
        (True, timedelta(seconds=-1), None),  # a commit is ahead of what this process knows of the clock
        (True, BOUND + timedelta(milliseconds=1), FallbackReason.LAGGING),
        (True, None, FallbackReason.LAGGING),
        (False, timedelta(0), FallbackReason.PROMOTED),
        (False, None, FallbackReason.PROMOTED),
    ],
)
def test_a_standby_within_the_bound_is_asked(is_standby: bool, behind: timedelta | None, fault: FallbackReason | None):
    until = None if behind is None else NOW - behind
    assert find_fault(is_standby=is_standby, replayed_until=until, now=NOW, max_lag=BOUND) is fault


def test_everybody_is_admitted_until_there_is_a_fault(breaker: CircuitBreaker):
    assert [breaker.admits(), breaker.admits()] == [True, True]


def test_after_a_fault_nobody_is_admitted_for_a_while_and_then_one(breaker: CircuitBreaker, watch: Watch):
    breaker.note(FallbackReason.SLOW)
    watch.seconds += 4.9
    assert not breaker.admits()
    watch.seconds += 0.2
    assert [breaker.admits(), breaker.admits()] == [True, False]
    watch.seconds += 5.1
    assert breaker.admits()


def test_once_a_try_has_gone_well_everybody_is_admitted_again(breaker: CircuitBreaker, watch: Watch):
    breaker.note(FallbackReason.SLOW)
    watch.seconds += 5.1
    assert breaker.admits()
    breaker.note(None)
    assert [breaker.admits(), breaker.admits()] == [True, True]
