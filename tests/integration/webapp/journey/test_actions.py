"""Actions over HTTP: what is refused and how, row by row; what comes twice is done once; who sees whose journey."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from models.journey import StateTransition
from tests.integration.webapp.people import API
from webapp.current import parts

from .conftest import Desk, Phone, code, phone_of

PERFORM = "/patient-journey/perform-action/"
SCAN = {"action_type": "scan_nfc", "payload": {"tag_id": "TAG-ENTRANCE"}}
REGISTER = {"action_type": "register"}


def perform(who: Phone | Desk, **more: Any) -> TestResponse:
    return who.ask("POST", PERFORM, json=more.pop("json", more), headers=more.pop("headers", {}))


def arrive(phone: Phone) -> Phone:
    """Until they have registered."""
    assert perform(phone, json=SCAN).status_code == 200
    assert perform(phone, json=REGISTER).status_code == 200
    return phone


def count_steps(app: Flask) -> int:
    with parts(app).stores.sessions() as session:
        return session.scalar(select(func.count()).select_from(StateTransition)) or 0


def test_an_action_answers_the_snapshot_that_it_leads_to(phone: Phone):
    answer = perform(phone, json=SCAN).json
    assert (answer["success"], answer["journey_state"], answer["phase"]) == (True, "ARRIVED", "ARRIVAL")
    assert answer["available_actions"] == ["register"]
    assert [one["exam_id"] for one in answer["appointments"]] == ["EX-BLOOD", "EX-XRAY"]
    assert answer["last_seq"] == 1
    state = phone.ask("GET", "/patient-journey/current-state").json
    assert {name: state[name] for name in ("journey_state", "last_seq", "epoch", "visit_id")} == {
        name: answer[name] for name in ("journey_state", "last_seq", "epoch", "visit_id")
    }


@pytest.mark.parametrize("path", ["perform-action/", "perform-action", "perform_action/", "perform_action"])
def test_the_address_may_be_written_in_four_ways(phone: Phone, path: str):
    assert phone.ask("POST", f"/patient-journey/{path}", json=SCAN).status_code == 200


def test_the_snapshot_names_nobody(phone: Phone):
    text = perform(phone, json=SCAN).text
    assert "시연001" not in text
    assert "0107000" not in text


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b"no json", "application/json", (400, "VALIDATION_FAILED")),
        (b"[]", "application/json", (400, "VALIDATION_FAILED")),
        (b'"text"', "application/json", (400, "VALIDATION_FAILED")),
        (b'{"action_type": "' + b"x" * 65536 + b'"}', "application/json", (413, "BODY_TOO_LARGE")),
        (b'{"action_type": "register"}', "text/plain", (415, "NOT_JSON")),
    ],
)
def test_a_body_that_is_no_action_is_refused(
    phone: Phone, content: bytes, content_type: str, expected: tuple[int, str]
):
    answer = phone.ask("POST", PERFORM, data=content, content_type=content_type)
    assert code(answer) == expected
    if expected[0] == 400:
        assert list(answer.json["error"]["details"]) == ["body"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action_type"),
        ({"action_type": None}, "action_type"),
        ({"action_type": 1}, "action_type"),
        ({"action_type": ""}, "action_type"),
        ({"action_type": "x" * 65}, "action_type"),
        (SCAN | {"payload": []}, "payload"),
        (SCAN | {"payload": "x"}, "payload"),
        (SCAN | {"payload": {"nonsense": 1}}, "payload.nonsense"),
        (SCAN | {"payload": {"tag_id": "TAG-ENTRANCE", "exam_id": "EX-BLOOD"}}, "payload.exam_id"),
        (SCAN | {"payload": {"tag_id": 5}}, "payload.tag_id"),
        (SCAN | {"payload": {}}, "payload.tag_code"),
        (SCAN | {"payload": {"tag_uid": "zz"}}, "payload.tag_uid"),
        (SCAN | {"payload": {"tag_uid": "04:10:00:00:00"}}, "payload.tag_uid"),
        (SCAN | {"expected_state": "ONGOING"}, "expected_state"),
        (SCAN | {"expected_state": "nowhere"}, "expected_state"),
        (SCAN | {"idempotency_key": ""}, "idempotency_key"),
        (SCAN | {"idempotency_key": "x" * 65}, "idempotency_key"),
        (SCAN | {"idempotency_key": "a b"}, "idempotency_key"),
        (SCAN | {"new_state": "FINISHED"}, "new_state"),
        (SCAN | {"payload": {"tag_id": "a\x00"}}, "payload"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_happens(app: Flask, phone: Phone, body: dict[str, Any], field: str):
    answer = perform(phone, json=body)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])
    assert count_steps(app) == 0


@pytest.mark.parametrize("header", ["", "x" * 65, "a b", "키".encode().decode("latin-1")])
def test_a_key_in_the_header_is_judged_like_one_in_the_body(phone: Phone, header: str):
    answer = phone.ask("POST", PERFORM, json=SCAN, headers={"Idempotency-Key": header})
    assert list(answer.json["error"]["details"]) == ["idempotency_key"]


def test_two_keys_that_differ_are_refused(phone: Phone):
    both = phone.ask("POST", PERFORM, json=SCAN | {"idempotency_key": "a"}, headers={"Idempotency-Key": "b"})
    assert list(both.json["error"]["details"]) == ["idempotency_key"]


@pytest.mark.parametrize("action", ["CALL_PATIENT", "call_patient ", "fly"])
def test_an_action_is_neither_folded_nor_trimmed(phone: Phone, action: str):
    assert code(perform(phone, action_type=action)) == (400, "UNKNOWN_ACTION")


def test_what_cannot_be_done_now_says_what_can(phone: Phone):
    answer = perform(phone, json=REGISTER)
    assert code(answer) == (400, "INVALID_ACTION")
    assert answer.json["error"]["details"] == {"journey_state": "UNREGISTERED", "available_actions": ["scan_nfc"]}


def test_another_roles_action_is_refused_in_every_state(phone: Phone, desk: Desk, people: list[UUID]):
    assert code(perform(phone, action_type="call_patient")) == (403, "FORBIDDEN_ACTION")
    staff = perform(desk, action_type="register", patient_id=str(people[0]))
    assert code(staff) == (403, "FORBIDDEN_ACTION")


def test_whose_journey_it_is_is_judged_by_role(phone: Phone, desk: Desk, people: list[UUID]):
    assert code(perform(phone, **SCAN, patient_id=str(people[1]))) == (403, "FORBIDDEN")
    assert code(perform(phone, **SCAN, patient_id="x")) == (403, "FORBIDDEN")
    assert perform(phone, **SCAN, patient_id=str(people[0])).status_code == 200
    call = {"action_type": "call_patient"}
    for wrong in ({}, {"patient_id": "x"}):
        answer = perform(desk, **call, **wrong)
        assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["patient_id"])
    assert code(perform(desk, **call, patient_id=str(uuid4()))) == (404, "PATIENT_NOT_FOUND")


def test_refusals_come_in_their_order(app: Flask, phone: Phone, people: list[UUID]):
    stranger = app.test_client().post(API + PERFORM, json={})
    assert code(stranger) == (401, "UNAUTHORIZED")
    assert code(perform(phone, action_type="fly", payload=[])) == (400, "VALIDATION_FAILED")
    assert code(perform(phone, action_type="fly", patient_id=str(people[1]))) == (400, "UNKNOWN_ACTION")
    assert code(perform(phone, action_type="call_patient", patient_id=str(people[1]))) == (403, "FORBIDDEN")
    conflict = perform(phone, action_type="make_payment", expected_state="PAYMENT", payload={})
    assert code(conflict) == (409, "STATE_CONFLICT")
    assert conflict.json["error"]["details"] == {"journey_state": "UNREGISTERED"}


@pytest.mark.parametrize("queue_id", ["no uuid", "00000000-0000-4000-8000-000000000000"])
def test_an_entry_that_is_not_theirs_is_unknown(phone: Phone, desk: Desk, people: list[UUID], queue_id: str):
    arrive(phone)
    phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"})
    answer = perform(desk, action_type="call_patient", patient_id=str(people[0]), payload={"queue_id": queue_id})
    assert code(answer) == (404, "QUEUE_NOT_FOUND")


def test_an_exam_that_nobody_knows_is_not_joined(phone: Phone):
    arrive(phone)
    answer = perform(phone, action_type="confirm_arrival", payload={"exam_id": "EX-NONE"})
    assert code(answer) == (404, "EXAM_NOT_FOUND")


def test_the_same_key_is_answered_as_the_first_time(app: Flask, phone: Phone):
    first = perform(phone, json=SCAN | {"idempotency_key": "k-1"})
    again = phone.ask("POST", PERFORM, json=SCAN, headers={"Idempotency-Key": "k-1"})
    assert again.json == first.json
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert count_steps(app) == 1
    assert code(perform(phone, json=REGISTER | {"idempotency_key": "k-1"})) == (409, "IDEMPOTENCY_MISMATCH")


def test_a_refusal_is_not_kept(phone: Phone):
    assert perform(phone, json=REGISTER | {"idempotency_key": "k-1"}).status_code == 400
    perform(phone, json=SCAN)
    assert perform(phone, json=REGISTER | {"idempotency_key": "k-1"}).status_code == 200


def test_a_key_at_once_is_done_once(app: Flask, phone: Phone):
    answers: list[TestResponse] = []
    body = SCAN | {"idempotency_key": "k-1"}
    threads = [threading.Thread(target=lambda: answers.append(perform(phone, json=body))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1
    assert count_steps(app) == 1


def test_a_look_is_for_oneself_and_for_staff(phone: Phone, other_phone: Phone, desk: Desk, people: list[UUID]):
    arrive(phone)
    of_first = f"?patient_id={people[0]}"
    for path in ("/patient-journey/current-state/", "/patient-journey/history"):
        assert code(other_phone.ask("GET", path + of_first)) == (403, "FORBIDDEN")
        assert desk.ask("GET", path + of_first).status_code == 200
        assert code(desk.ask("GET", path)) == (400, "VALIDATION_FAILED")
        assert code(desk.ask("GET", f"{path}?patient_id={uuid4()}")) == (404, "PATIENT_NOT_FOUND")
    assert desk.ask("GET", "/patient-journey/current-state/" + of_first).json["available_actions"] == [
        "cancel_appointment"
    ]


def test_the_history_tells_the_steps_of_a_visit(phone: Phone):
    arrive(phone)
    history = phone.ask("GET", "/patient-journey/history").json
    assert [step["to_state"] for step in history["transitions"]] == ["ARRIVED", "REGISTERED"]
    assert [step["trigger_type"] for step in history["transitions"]] == ["nfc_tag", "patient_action"]
    again = phone.ask("GET", f"/patient-journey/history?visit_id={history['visit_id']}").json
    assert again == history
    assert code(phone.ask("GET", f"/patient-journey/history?visit_id={uuid4()}")) == (404, "PATIENT_NOT_FOUND")


@pytest.mark.parametrize("path", [PERFORM, "/queue/join", "/auth/simple-login", "/nfc/scan/", "/staff/patients/find"])
def test_a_method_that_is_not_served_is_told_which_are(phone: Phone, path: str):
    answer = phone.ask("DELETE", path)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_login_that_is_gone_acts_no_more(app: Flask, phone: Phone, people: list[UUID]):
    other = phone_of(app, people[0])
    assert phone.ask("POST", "/auth/logout").status_code == 204
    assert code(perform(phone, json=SCAN)) == (401, "TOKEN_REVOKED")
    assert perform(other, json=SCAN).status_code == 200


def test_a_disabled_member_of_staff_acts_no_more(desk: Desk, chief: Desk, people: list[UUID]):
    changed = chief.ask("PATCH", f"/admin/staff/{desk.staff_id}", json={"is_active": False})
    assert changed.json["staff"]["is_active"] is False
    assert code(perform(desk, action_type="call_patient", patient_id=str(people[0]))) == (401, "TOKEN_REVOKED")


def test_an_operators_token_opens_nothing_of_the_hospital(
    app: Flask, new_staff: Callable[[], dict[str, str]], people: list[UUID]
):
    for path in ("/queue/", "/patient-journey/current-state/", "/admin/tags", "/notifications"):
        assert app.test_client().get(API + path, headers=new_staff()).status_code == 401


def test_a_records_token_opens_nothing_of_the_journey(app: Flask, owner: Any, phone: Phone):
    for path in ("/queue/", "/patient-journey/current-state/", "/notifications"):
        assert owner.ask("GET", path).status_code == 401
