"""The itinerary over HTTP."""

from tests.integration.webapp.journey.conftest import Desk, Phone, code


def test_a_patient_sees_what_is_still_to_do(phone: Phone, desk: Desk):
    found = phone.ask("GET", "/patient-journey/itinerary/").json
    assert {stop["exam_id"] for stop in found["stops"]} == {"EX-BLOOD", "EX-XRAY"}
    assert found["stops"][0]["because"] in {"fasting", "appointment_time", "shortest_wait"}
    assert found["stops"][0]["room"]["room_id"].startswith("R-")
    assert desk.ask("GET", f"/patient-journey/itinerary?patient_id={phone.user_id}").json["success"]


def test_staff_say_whose(desk: Desk):
    assert code(desk.ask("GET", "/patient-journey/itinerary")) == (400, "VALIDATION_FAILED")
