"""FHIR over HTTP: its media type, its errors, its pages, and whose it shows."""

from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.integration.webapp.journey.conftest import Desk, Phone
from tests.integration.webapp.people import API
from tests.unit.services.journey.fhir.validators import find_faults

FHIR = "application/fhir+json"


def outcome(answer: TestResponse) -> tuple[int, str, str]:
    """Status, the kind of issue and our code."""
    assert answer.content_type == FHIR
    assert find_faults([answer.json]) == []
    [issue] = answer.json["issue"]
    return answer.status_code, issue["code"], issue["details"]["coding"][0]["code"]


def test_a_patient_finds_their_own(phone: Phone, other_phone: Phone):
    found = phone.ask("GET", "/fhir/Appointment")
    assert (found.status_code, found.content_type, found.json["total"]) == (200, FHIR, 2)
    assert find_faults([found.json]) == []
    mine = found.json["entry"][0]["resource"]
    assert phone.ask("GET", f"/fhir/Appointment/{mine['id']}").json == mine
    assert outcome(other_phone.ask("GET", f"/fhir/Appointment/{mine['id']}"))[0] == 404
    assert outcome(phone.ask("GET", f"/fhir/Task?patient={other_phone.user_id}")) == (403, "forbidden", "FORBIDDEN")


def test_staff_find_everybodys_or_one_persons(desk: Desk, people: list[UUID]):
    assert desk.ask("GET", "/fhir/Appointment").json["total"] == 10
    for patient in (people[0], f"Patient/{people[0]}"):
        assert desk.ask("GET", f"/fhir/Appointment?patient={patient}").json["total"] == 2
    assert desk.ask("GET", f"/fhir/Appointment?patient={uuid4()}").json["total"] == 0


def test_a_page_leads_to_the_next(desk: Desk):
    seen = set()
    path = "/fhir/Appointment?_count=4&date=ge2020"
    while path:
        page = desk.ask("GET", path).json
        seen |= {entry["fullUrl"] for entry in page["entry"]}
        links = {link["relation"]: link["url"] for link in page["link"]}
        assert links["self"].endswith(path)
        path = links.get("next", "").partition(API)[2]
    assert len(seen) == 10


def test_what_can_be_asked_is_published(phone: Phone):
    found = phone.ask("GET", "/fhir/metadata").json
    assert find_faults([found]) == []
    assert [one["type"] for one in found["rest"][0]["resource"]] == ["Appointment", "Encounter", "Task", "Location"]


def test_places_are_for_everybody_who_is_in(phone: Phone):
    found = phone.ask("GET", "/fhir/Location").json
    assert (found["total"], find_faults([found])) == (8, [])
    assert phone.ask("GET", "/fhir/Location/floor-2").json["name"] == "2층"


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/fhir/Patient", (404, "not-found", "NOT_FOUND")),
        ("/fhir/Task/none", (404, "not-found", "NOT_FOUND")),
        ("/fhir/Task?date=tomorrow", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task?date=2020&date=2021&date=2022", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task?_lastUpdated=ne2020", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task?patient=x", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task?_count=201", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task?_offset=-1", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Location?date=2020", (400, "invalid", "VALIDATION_FAILED")),
        ("/fhir/Task/a/b", (404, "not-found", "NOT_FOUND")),
    ],
)
def test_a_refusal_is_an_outcome(desk: Desk, path: str, refused: tuple[int, str, str]):
    assert outcome(desk.ask("GET", path)) == refused


def test_strangers_and_operators_see_nothing(app: Flask, people: list[UUID], desk: Desk, staff: dict[str, str]):
    client = app.test_client()
    for headers in ({}, staff, {"Authorization": "Bearer x"}):
        assert outcome(client.get(f"{API}/fhir/Task", headers=headers)) == (401, "login", "UNAUTHORIZED")
    answer = desk.ask("POST", "/fhir/Task", json={})
    assert outcome(answer) == (405, "not-supported", "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]


def test_elsewhere_errors_keep_their_envelope(app: Flask):
    assert app.test_client().get(f"{API}/board/x").json["error"]["code"] == "UNAUTHORIZED"
