"""Every route of the journey, tried by a patient, another patient, staff, an admin and a stranger."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.integration.webapp.people import API

from .conftest import Desk, Phone
from .test_actions import arrive

EVERYBODY, NOBODY = "patient other staff admin stranger", ""
HERS, SIGNED_IN, PATIENTS = "patient staff admin", "patient other staff admin", "patient other"
STAFF, ADMIN = "staff admin", "admin"


@dataclass(frozen=True)
class Route:
    """Who is let in; everybody else is answered 401, 403 or 404. `{q}` is the patient's entry, `{u}` the patient."""

    method: str
    path: str
    let_in: str
    body: dict[str, Any] | None = None


ROUTES = {
    "journey_definitions.show_definitions": Route("GET", "/state-definitions/", EVERYBODY),
    "journey_logins.simple_login": Route("POST", "/auth/simple-login", EVERYBODY, {}),
    "journey_scans.scan": Route("POST", "/nfc/scan/", EVERYBODY, {}),
    "journey_patients.show_state": Route("GET", "/patient-journey/current-state/?patient_id={u}", HERS),
    "journey_patients.show_history": Route("GET", "/patient-journey/history?patient_id={u}", HERS),
    "journey_patients.perform": Route("POST", "/patient-journey/perform-action/", SIGNED_IN, {}),
    "journey_queues.join": Route("POST", "/queue/join", SIGNED_IN, {}),
    "journey_queues.show_queues": Route("GET", "/queue/", SIGNED_IN),
    "journey_queues.show_queue": Route("GET", "/queue/{q}", HERS),
    "journey_queues.call": Route("POST", "/queue/medical/call-patient/", STAFF, {}),
    "journey_queues.call_again": Route("POST", "/queue/{q}/recall", STAFF, {}),
    "journey_queues.take_call_back": Route("POST", "/queue/{q}/undo-call", STAFF),
    "journey_queues.delay": Route("POST", "/queue/{q}/delay", HERS, {"delayed": False}),
    "journey_queues.prioritize": Route("POST", "/queue/{q}/priority", STAFF, {}),
    "journey_queues.transfer": Route("POST", "/queue/{q}/transfer", STAFF, {}),
    "journey_live.patient_messages": Route("GET", "/patient-journey/messages", PATIENTS),
    "journey_live.entry_messages": Route("GET", "/queue/{q}/messages", HERS),
    "journey_live.exam_messages": Route("GET", "/board/EX-BLOOD/messages", STAFF),
    "journey_live.hall_messages": Route("GET", "/hall/HALL-1/messages", NOBODY),  # test_live.py has the key
    "journey_reports.report_error": Route("POST", "/client-errors", EVERYBODY, {}),
    "journey_reports.report_duration": Route("POST", "/client-metrics", EVERYBODY, {}),
    "journey_shift_choices.show_choices": Route("GET", "/staff/shifts", STAFF),
    "journey_staff.begin": Route("POST", "/staff/shifts", STAFF, {}),
    "journey_staff.end": Route("DELETE", "/staff/shifts/current", STAFF),
    "journey_staff.find": Route("POST", "/staff/patients/find", STAFF, {}),
    "journey_staff.assist": Route("POST", "/staff/patients/{u}/assist", STAFF, {}),
    "journey_notifications.show_notifications": Route("GET", "/notifications/", PATIENTS),
    "journey_notifications.read": Route("POST", "/notifications/1/read", NOBODY),  # test_queues.py has one
    "journey_web_push.show_web_push": Route("GET", "/notifications/push", PATIENTS),
    "journey_web_push.subscribe": Route("PUT", "/notifications/push", PATIENTS, {}),
    "journey_web_push.unsubscribe": Route("DELETE", "/notifications/push", PATIENTS),
    "journey_itinerary.show_itinerary": Route("GET", "/patient-journey/itinerary?patient_id={u}", HERS),
    "journey_boards.show_board": Route("GET", "/board/EX-BLOOD", STAFF),
    "journey_boards.show_hall": Route("GET", "/hall/HALL-1", NOBODY),  # test_boards.py has the key
    "journey_oversight.show_health": Route("GET", "/admin/journey/health", ADMIN),
    "journey_oversight.show_stats": Route("GET", "/admin/journey/stats", ADMIN),
    "journey_fhir.show_capabilities": Route("GET", "/fhir/metadata", SIGNED_IN),
    "journey_fhir.search": Route("GET", "/fhir/Task?patient={u}", HERS),
    "journey_fhir.show_resource": Route("GET", "/fhir/Task/{q}", HERS),
    "journey_hospital.list_rooms": Route("GET", "/admin/rooms", ADMIN),
    "journey_hospital.create_room": Route("POST", "/admin/rooms", ADMIN, {}),
    "journey_hospital.update_room": Route("PATCH", "/admin/rooms/R-101", ADMIN, {}),
    "journey_hospital.list_exams": Route("GET", "/admin/exams", ADMIN),
    "journey_hospital.create_exam": Route("POST", "/admin/exams", ADMIN, {}),
    "journey_hospital.update_exam": Route("PATCH", "/admin/exams/EX-US", ADMIN, {}),
    "journey_hospital.list_tags": Route("GET", "/admin/tags", ADMIN),
    "journey_hospital.create_tag": Route("POST", "/admin/tags", ADMIN, {}),
    "journey_hospital.update_tag": Route("PATCH", "/admin/tags/TAG-OLD", ADMIN, {}),
    "journey_hospital.rotate": Route("POST", "/admin/tags/TAG-OLD/rotate", ADMIN),
    "journey_hospital.list_displays": Route("GET", "/admin/displays", ADMIN),
    "journey_hospital.create_display": Route("POST", "/admin/displays", ADMIN, {}),
    "journey_hospital.update_display": Route("PATCH", "/admin/displays/HALL-1", ADMIN, {}),
    "journey_accounts.list_staff": Route("GET", "/admin/staff", ADMIN),
    "journey_accounts.add_staff": Route("POST", "/admin/staff", ADMIN, {}),
    "journey_accounts.change_staff": Route("PATCH", "/admin/staff/{u}", NOBODY, {}),  # test_queues.py has one
}
# What has tests of its own: streams do not end by themselves, sockets need a server, cookies and tags theirs.
ELSEWHERE = {
    "journey_patients.perform_2",  # the same under the address with an underscore
    "journey_refreshes.refresh",
    "journey_scans.show_by_qr",
    "journey_live.patient_events",
    "journey_live.entry_events",
    "journey_live.exam_events",
    "journey_live.hall_events",
    "journey_socket_patient_journey",
    "journey_socket_queue",
    "journey_socket_exam",
    "journey_socket_hall",
    "journey_maps.list_layers",
    "journey_maps.put_layer",
    "journey_maps.show_layer",
}


def test_every_route_is_tried(app: Flask):
    found = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("journey")}
    assert found == set(ROUTES) | ELSEWHERE


def test_every_route_says_who_may_call_it(app: Flask):
    named = set(ROUTES) | ELSEWHERE
    assert [name for name in named if not hasattr(app.view_functions[name], "access")] == []


@pytest.fixture
def queue_id(phone: Phone) -> str:
    arrive(phone)
    entry: str = phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"}).json["queue"]["queue_id"]
    return entry


@pytest.mark.parametrize("name", ROUTES)
def test_nobody_else_is_let_in(
    app: Flask, name: str, phone: Phone, other_phone: Phone, desk: Desk, chief: Desk, people: list[UUID], queue_id: str
):
    route = ROUTES[name]
    path = API + route.path.format(q=queue_id, u=people[0])
    askers = {"patient": phone, "other": other_phone, "staff": desk, "admin": chief}
    client = app.test_client(use_cookies=False)
    answers = {
        who: client.open(path, method=route.method, json=route.body, headers=one.bearer) for who, one in askers.items()
    }
    answers["stranger"] = client.open(path, method=route.method, json=route.body)
    let_in = {who for who, answer in answers.items() if answer.status_code not in {401, 403, 404}}
    assert let_in == set(route.let_in.split())
    assert answers["stranger"].status_code == 401 or "stranger" in let_in
