"""The worker's pool watches the living only."""

from types import SimpleNamespace

import pytest
from celery.concurrency.asynpool import AsynPool
from kombu.asynchronous.hub import Hub

from tasks.pool import SteadyPool

DEAD = SimpleNamespace(_sentinel_poll=None)


def track(kind: type[AsynPool]) -> None:
    kind._track_child_process(object.__new__(kind), DEAD, Hub())


def test_a_child_that_has_just_died_is_not_watched():
    track(SteadyPool)


def test_celery_itself_would_end_the_worker():
    """When this fails, the pool of our own can go."""
    with pytest.raises(ValueError, match="file descriptor is None"):
        track(AsynPool)
