"""Beat's jobs on the journey, done by a real worker."""

from datetime import timedelta

from core.names import Task
from dev.local.stack import Stack
from models.journey import Visit, VisitEnd
from tests.integration.collection.driver import Driver
from tests.integration.services.journey.hospital import Hospital
from tests.integration.tasks.test_housekeeping import send
from tests.waiting import wait_until


def test_the_day_is_closed_by_beat(running: Stack, driver: Driver):
    here = driver.stores
    with here.unit_of_work() as work:
        hospital = Hospital(work.session, now=here.clock.now() - timedelta(days=2))
        person = hospital.visitor()
        hospital.entry(hospital.exam(), person, service_date=hospital.now.date())
    send(running, Task.CLOSE_DAY)

    def ended_by() -> str | None:
        with here.sessions() as session:
            return session.get_one(Visit, person.visit_id).ended_by

    wait_until(lambda: ended_by() == VisitEnd.DAY_CLOSE)


def test_findings_of_the_checker_are_logged(running: Stack, driver: Driver):
    with driver.stores.unit_of_work() as work:
        orphan = Hospital(work.session, now=driver.stores.clock.now()).visitor()
    send(running, Task.CHECK_JOURNEYS)
    log = running.home / "logs" / "worker.log"
    wait_until(lambda: "journeys_unhealthy" in log.read_text() and str(orphan.user_id) in log.read_text())
