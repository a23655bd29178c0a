"""The worker's pool watches the living only, and begins with those it has."""

from types import SimpleNamespace

import pytest
from celery.concurrency.asynpool import AsynPool
from kombu.asynchronous.hub import Hub

from tasks.pool import ChildDeathTolerantPool

DEAD = SimpleNamespace(_sentinel_poll=None)


def track(kind: type[AsynPool]) -> None:
    kind._track_child_process(object.__new__(kind), DEAD, Hub())


def test_a_child_that_has_just_died_is_not_watched():
    track(ChildDeathTolerantPool)


def test_celery_itself_would_end_the_worker():
    """When this fails, the pool of our own can go."""
    with pytest.raises(ValueError, match="file descriptor is None"):
        track(AsynPool)


@pytest.mark.parametrize(("exit_codes", "answer"), [([None, None], True), ([-9, None], True), ([-9, 1], False)])
def test_a_child_that_died_at_once_is_no_failed_start(exit_codes, answer):
    pool = object.__new__(ChildDeathTolerantPool)
    pool._pool = [SimpleNamespace(exitcode=code) for code in exit_codes]
    assert pool.did_start_ok() is answer
