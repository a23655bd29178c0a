"""Beat's schedule when clocks are apart or set."""

from datetime import timedelta

from celery import Celery
from celery.beat import PersistentScheduler, ScheduleEntry
from celery.schedules import schedule

from tasks.beat import SetBackTolerantScheduler

app = Celery(set_as_current=False)
PERIOD = timedelta(seconds=30)


def seconds_until_due(kind: type[PersistentScheduler], last_run_ago: timedelta) -> float:
    every = schedule(PERIOD, app=app)
    entry = ScheduleEntry(name="job", task="job", schedule=every, last_run_at=every.now() - last_run_ago, app=app)
    return float(kind.is_due(object.__new__(kind), entry).next)


def test_a_clock_that_was_set_back_delays_a_job_by_its_period_at_most():
    assert seconds_until_due(SetBackTolerantScheduler, timedelta(hours=-1)) <= PERIOD.total_seconds()


def test_celery_itself_would_wait_until_the_clock_has_come_to_the_last_run_again():
    """When this fails, the scheduler of our own can go."""
    assert seconds_until_due(PersistentScheduler, timedelta(hours=-1)) > 3600


def test_a_job_is_due_after_its_period():
    assert seconds_until_due(SetBackTolerantScheduler, timedelta(seconds=10)) <= 20
