"""What a desk chooses from before its shift."""

from tests.integration.webapp.journey.conftest import Desk, Phone, code


def test_staff_choose_from_all_exams_and_rooms(desk: Desk):
    choices = desk.ask("GET", "/staff/shifts").json
    assert {"exam_id": "EX-BLOOD", "title": "채혈", "room_id": "R-101"} in choices["exams"]
    assert {"room_id": "R-101", "title": "채혈실", "floor": 1} in choices["rooms"]
    assert choices["shift"] is None


def test_a_shift_that_is_open_is_told(desk: Desk):
    desk.ask("POST", "/staff/shifts", json={"exam_id": "EX-BLOOD", "room_id": "R-101"})
    shift = desk.ask("GET", "/staff/shifts").json["shift"]
    assert (shift["exam_id"], shift["room_id"]) == ("EX-BLOOD", "R-101")


def test_patients_have_no_shifts(phone: Phone):
    assert code(phone.ask("GET", "/staff/shifts")) == (403, "FORBIDDEN")
