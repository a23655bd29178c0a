"""Beat's jobs on the patient's journey: the day's close, the checker, the hospital's system. Idle where it is off."""

from datetime import timedelta

from core.logs import get_logger
from core.names import Task
from services.journey.day_close import close_day
from services.journey.emr import push_pending
from services.journey.health import check_health, health_body
from tasks.app import app, settings
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

# What is older was looked at when it was new; the command looks at everything.
_CHECKED = timedelta(days=2)


@app.task(name=Task.CLOSE_DAY)
def close_hospital_day() -> None:
    """Close the last day that is over; most times there is nothing left of it. One transaction per person: cut short,
    the next run goes on. Twice is once."""
    if not settings.journey.is_on:
        return
    closed = close_day(runtime().stores.journeys)
    if closed.people or closed.shifts:
        log.info("day_closed", people=closed.people, shifts=closed.shifts)


@app.task(name=Task.CHECK_JOURNEYS)
def check_journeys() -> None:
    """Look whether people and lines agree, and say so. Changes nothing."""
    if not settings.journey.is_on:
        return
    here = runtime().stores
    since = here.clock.now() - _CHECKED
    report = here.journeys.read(lambda journey: check_health(journey, since))
    if report.is_healthy:
        log.info("journeys_healthy", mismatch_ratio=report.mismatch_ratio)
    else:
        log.error("journeys_unhealthy", mismatch_ratio=report.mismatch_ratio, report=str(health_body(report)))


@app.task(name=Task.TELL_EMR)
def tell_emr() -> None:
    """Put what has changed into the hospital's own system. Without one everything stays pending. Twice is once."""
    client = runtime().emr
    if client is None or not settings.journey.is_on:
        return
    pushed = push_pending(runtime().stores.unit_of_work, client, lambda: not is_stopping())
    if pushed.synced or pushed.refused:
        log.info("emr_told", synced=pushed.synced, refused=pushed.refused)
