"""What is answered was read at one moment, however many statements it takes and whatever others change meanwhile."""

from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from tests.integration.webapp.moments import assert_one_moment
from webapp.current import parts

from .conftest import Desk, Phone
from .test_actions import arrive
from .test_queues import BLOOD, entry_of

# Who asks is another question, and its answer notes the use.
_OF_LOGINS = ("welno.logins", "welno.accounts")
# So is that they looked: it is written down before the answer leaves, with whom they saw.
_OF_LOOKS = ("welno.welno_", "welno.shifts", "welno.users.user_id = ")
PATHS_OF_PATIENTS = (
    "/queue",
    "/queue/{queue_id}",
    "/patient-journey/current-state",
    "/patient-journey/history",
    "/patient-journey/itinerary",
    "/notifications",
    "/fhir/Task",
    "/fhir/Task/{queue_id}",
)
PATHS_OF_STAFF = ("/board/EX-BLOOD", "/staff/shifts", "/admin/journey/health", "/admin/journey/stats")


@pytest.fixture
def waiting(phone: Phone) -> Phone:
    arrive(phone)
    assert phone.ask("POST", "/queue/join", json=BLOOD).status_code == 201
    return phone


def is_about_the_journey(statement: str) -> bool:
    return not any(table in statement for table in _OF_LOGINS)


@pytest.mark.parametrize("path", PATHS_OF_PATIENTS)
def test_a_patient_reads_one_moment(app: Flask, waiting: Phone, path: str):
    known = path.format(queue_id=entry_of(waiting)["queue_id"])
    assert_one_moment(app, lambda: waiting.ask("GET", known), is_about_the_journey)


@pytest.mark.parametrize("path", PATHS_OF_STAFF)
def test_staff_read_one_moment(app: Flask, chief: Desk, path: str):
    assert_one_moment(app, lambda: chief.ask("GET", path), is_about_the_journey)


def test_staff_find_people_of_one_moment(app: Flask, desk: Desk):
    somebody = {"phone_last4": "0001", "birth_date": "1940-02-01"}
    find = partial(desk.ask, "POST", "/staff/patients/find", json=somebody)
    assert_one_moment(app, find, lambda one: is_about_the_journey(one) and not any(table in one for table in _OF_LOOKS))


def test_a_line_that_is_called_from_meanwhile_is_listed_as_it_was(app: Flask, waiting: Phone, desk: Desk):
    before = waiting.ask("GET", "/queue").json["queues"]
    called: list[int] = []

    def call(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        """Between the statement that finds the entries and the one that reads them."""
        if "ORDER BY welno.queues.joined_at" in statement and not called:
            called.append(0)
            called[0] = desk.ask("POST", "/queue/medical/call-patient", json=BLOOD).status_code

    event.listen(parts(app).stores.engine, "after_cursor_execute", call)
    try:
        during = waiting.ask("GET", "/queue").json["queues"]
    finally:
        event.remove(parts(app).stores.engine, "after_cursor_execute", call)
    assert called == [200]
    assert during == before
    assert waiting.ask("GET", "/queue").json["queues"][0]["state"] == "called"
