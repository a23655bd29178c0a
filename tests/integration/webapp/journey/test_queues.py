"""Lines over HTTP: joining, calling, what staff do with entries, what people are told of it."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask

from models.accounts import Account, AccountRole
from services.accounts.accounts import disable_account
from tests.integration.webapp.people import API
from webapp.current import parts

from .conftest import Desk, Phone, code, phone_of
from .staff import staff_headers
from .test_actions import arrive, perform

BLOOD, XRAY = {"exam_id": "EX-BLOOD"}, {"exam_id": "EX-XRAY"}


@pytest.fixture
def waiting(phone: Phone) -> Phone:
    arrive(phone)
    assert phone.ask("POST", "/queue/join", json=BLOOD).status_code == 201
    return phone


def entry_of(phone: Phone) -> dict[str, Any]:
    found: dict[str, Any] = phone.ask("GET", "/queue/").json["queues"][0]
    return found


def test_joining_gives_a_number_and_the_snapshot(phone: Phone):
    arrive(phone)
    answer = phone.ask("POST", "/queue/join", json=BLOOD | {"idempotency_key": "join-1"})
    assert answer.status_code == 201
    assert (answer.json["queue"]["queue_number"], answer.json["queue"]["state"]) == (1, "waiting")
    assert answer.json["journey"]["journey_state"] == "WAITING"
    again = phone.ask("POST", "/queue/join", json=BLOOD | {"idempotency_key": "join-1"})
    assert (again.status_code, again.json) == (201, answer.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    twice = phone.ask("POST", "/queue/join", json=BLOOD)
    assert code(twice) == (409, "ALREADY_QUEUED")
    assert twice.json["error"]["details"]["queue"]["queue_id"] == answer.json["queue"]["queue_id"]


def test_staff_put_somebody_into_a_second_line(waiting: Phone, desk: Desk, people: list[UUID]):
    assert code(desk.ask("POST", "/queue/join", json=XRAY)) == (400, "VALIDATION_FAILED")
    answer = desk.ask("POST", "/queue/join", json=XRAY | {"patient_id": str(people[0])})
    assert answer.status_code == 201
    assert len(answer.json["journey"]["queue_details"]) == 2


def test_a_call_takes_the_next_and_names_them_to_staff_alone(waiting: Phone, desk: Desk, people: list[UUID]):
    assert code(waiting.ask("POST", "/queue/medical/call-patient/", json=BLOOD)) == (403, "FORBIDDEN")
    called = desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)
    assert called.json["patient"] == {"user_id": str(people[0]), "name": "시연001"}
    assert called.json["queue"]["state"] == "called"
    assert code(desk.ask("POST", "/queue/medical/call-patient", json=BLOOD)) == (409, "QUEUE_EMPTY")
    one = {"queue_id": called.json["queue"]["queue_id"]}
    conflict = desk.ask("POST", "/queue/medical/call-patient", json=one)
    assert (code(conflict), conflict.json["error"]["details"]["state"]) == ((409, "STATE_CONFLICT"), "called")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "VALIDATION_FAILED")),
        ({"queue_id": str(uuid4()), "exam_id": "EX-BLOOD"}, (400, "VALIDATION_FAILED")),
        ({"queue_id": str(uuid4())}, (404, "QUEUE_NOT_FOUND")),
        ({"exam_id": "EX-NONE"}, (404, "EXAM_NOT_FOUND")),
    ],
)
def test_a_call_names_one_thing_that_is_there(desk: Desk, body: dict[str, str], expected: tuple[int, str]):
    assert code(desk.ask("POST", "/queue/medical/call-patient/", json=body)) == expected


def test_a_call_is_repeated_seen_taken_back_and_made_again(waiting: Phone, desk: Desk):
    entry = desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD).json["queue"]
    path = f"/queue/{entry['queue_id']}"
    assert code(desk.ask("POST", f"{path}/recall")) == (409, "RECALL_TOO_SOON")
    told = waiting.ask("GET", "/notifications").json["notifications"]
    assert [one["kind"] for one in told] == ["patient_called"]
    assert "채혈" not in told[0]["body"]
    read = waiting.ask("POST", f"/notifications/{told[0]['id']}/read")
    assert read.json["notification"]["read_at"] is not None
    assert entry_of(waiting)["call_seen_at"] is not None
    back = desk.ask("POST", f"{path}/undo-call")
    assert (back.json["queue"]["state"], back.json["journey"]["journey_state"]) == ("waiting", "WAITING")
    assert code(desk.ask("POST", f"{path}/undo-call")) == (409, "STATE_CONFLICT")


def test_the_owner_and_staff_delay_and_nobody_else(waiting: Phone, other_phone: Phone, desk: Desk):
    path = f"/queue/{entry_of(waiting)['queue_id']}"
    assert waiting.ask("POST", f"{path}/delay", json={"delayed": True}).json["queue"]["state"] == "delayed"
    assert desk.ask("POST", f"{path}/delay", json={"delayed": False}).json["queue"]["state"] == "waiting"
    assert code(other_phone.ask("POST", f"{path}/delay", json={"delayed": True})) == (404, "QUEUE_NOT_FOUND")
    for _ in range(2):
        waiting.ask("POST", f"{path}/delay", json={"delayed": True})
        waiting.ask("POST", f"{path}/delay", json={"delayed": False})
    assert code(waiting.ask("POST", f"{path}/delay", json={"delayed": True})) == (409, "STATE_CONFLICT")


def test_a_priority_needs_a_reason(waiting: Phone, desk: Desk):
    path = f"/queue/{entry_of(waiting)['queue_id']}/priority"
    given = desk.ask("POST", path, json={"priority": 2, "reason": "elderly"}).json["queue"]
    assert (given["priority"], given["priority_reason"]) == (2, "elderly")
    for wrong in ({"priority": 4, "reason": "elderly"}, {"priority": 1, "reason": "rich"}, {"priority": 1}):
        assert code(desk.ask("POST", path, json=wrong)) == (400, "VALIDATION_FAILED")
    assert code(desk.ask("POST", path, json={"priority": 1, "reason": "other"})) == (400, "VALIDATION_FAILED")
    assert code(waiting.ask("POST", path, json={"priority": 3, "reason": "urgent"})) == (403, "FORBIDDEN")


def test_a_transfer_gives_a_number_of_the_other_line(waiting: Phone, desk: Desk):
    entry = entry_of(waiting)
    moved = desk.ask("POST", f"/queue/{entry['queue_id']}/transfer", json={"exam_id": "EX-US", "reason": "기계 점검"})
    assert moved.json["queue"]["exam_id"] == "EX-US"
    assert waiting.ask("GET", f"/queue/{entry['queue_id']}").json["queue"]["state"] == "cancelled"
    assert waiting.ask("GET", "/notifications").json["notifications"][0]["kind"] == "moved"


def test_entries_are_listed_page_by_page(app: Flask, people: list[UUID], desk: Desk, phone: Phone):
    for user_id in people[:5]:
        arrive(one := phone_of(app, user_id))
        one.ask("POST", "/queue/join", json=BLOOD)
    first = desk.ask("GET", "/queue/?exam_id=EX-BLOOD&state=waiting&limit=3").json
    rest = desk.ask("GET", f"/queue/?exam_id=EX-BLOOD&limit=3&cursor={first['next_cursor']}").json
    numbers = [one["queue_number"] for one in first["queues"] + rest["queues"]]
    assert (numbers, rest["next_cursor"]) == ([5, 4, 3, 2, 1], None)
    assert [one["queue_number"] for one in phone.ask("GET", "/queue").json["queues"]] == [1]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=YXxi", "state=sleeping"])
def test_a_list_is_asked_for_within_its_bounds(desk: Desk, query: str):
    answer = desk.ask("GET", f"/queue/?{query}")
    assert (code(answer), list(answer.json["error"]["details"])) == (
        (400, "VALIDATION_FAILED"),
        [query.partition("=")[0]],
    )


def test_an_entry_is_for_its_owner_and_staff(waiting: Phone, other_phone: Phone, desk: Desk):
    path = f"/queue/{entry_of(waiting)['queue_id']}"
    assert waiting.ask("GET", path).status_code == desk.ask("GET", path).status_code == 200
    for where in (path, f"/queue/{uuid4()}", "/queue/no-uuid"):
        assert code(other_phone.ask("GET", where)) == (404, "QUEUE_NOT_FOUND")


def test_a_list_costs_as_many_statements_for_one_as_for_many(
    app: Flask, people: list[UUID], desk: Desk, count_statements: Callable[[], Any]
):
    counts = []
    for number in (1, 5):
        for user_id in people[:number]:
            one = phone_of(app, user_id)
            if one.ask("GET", "/patient-journey/current-state/").json["journey_state"] == "UNREGISTERED":
                arrive(one)
                one.ask("POST", "/queue/join", json=BLOOD)
        with count_statements() as statements:
            assert len(desk.ask("GET", "/queue/").json["queues"]) == number
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_shift_takes_a_room_and_the_call_leads_there(waiting: Phone, desk: Desk, desk_of: Callable[[str], Desk]):
    shift = {"exam_id": "EX-BLOOD", "room_id": "R-901"}
    assert desk.ask("POST", "/staff/shifts", json=shift).json["shift"]["room_id"] == "R-901"
    assert code(desk_of("desk2").ask("POST", "/staff/shifts", json=shift)) == (409, "ROOM_TAKEN")
    called = desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD).json
    assert called["queue"]["room"]["room_id"] == "R-901"
    assert desk.ask("DELETE", "/staff/shifts/current").status_code == 204
    assert code(desk.ask("DELETE", "/staff/shifts/current")) == (409, "NO_SHIFT")
    assert code(desk.ask("POST", "/staff/shifts", json=shift | {"room_id": "R-0"})) == (400, "VALIDATION_FAILED")


def test_the_shift_of_who_may_not_sign_in_any_more_ends(chief: Desk, desk: Desk, desk_of: Callable[[str], Desk]):
    shift = {"exam_id": "EX-BLOOD", "room_id": "R-901"}
    desk.ask("POST", "/staff/shifts", json=shift)
    changed = chief.ask("PATCH", f"/admin/staff/{desk.staff_id}", json={"is_active": False})
    assert changed.status_code == 200
    assert chief.ask("GET", "/board/EX-BLOOD").json["shifts"] == []
    assert desk_of("desk2").ask("POST", "/staff/shifts", json=shift).status_code == 201


def test_whoever_operators_have_disabled_holds_no_room(app: Flask, desk: Desk, desk_of: Callable[[str], Desk]):
    shift = {"exam_id": "EX-BLOOD", "room_id": "R-901"}
    desk.ask("POST", "/staff/shifts", json=shift)
    with parts(app).stores.unit_of_work() as work:
        disable_account(work, work.session.get_one(Account, desk.staff_id))
    other = desk_of("desk2")
    assert other.ask("POST", "/staff/shifts", json=shift).status_code == 201
    assert [one["staff"]["staff_id"] for one in other.ask("GET", "/board/EX-BLOOD").json["shifts"]] == [
        str(other.staff_id)
    ]


def test_staff_find_people_and_assist_who_has_no_phone(desk: Desk, phone: Phone, people: list[UUID]):
    who = {"phone_last4": "0301", "birth_date": "1950-05-05"}
    found = desk.ask("POST", "/staff/patients/find", json=who).json["patients"]
    assert {one["name"] for one in found} == {"시연301", "시연302"}
    assist = f"/staff/patients/{people[5]}/assist"
    assert desk.ask("POST", assist, json={"action_type": "scan_nfc"}).json["journey_state"] == "ARRIVED"
    snapshot = desk.ask("POST", assist, json={"action_type": "register"}).json
    assert (snapshot["journey_state"], snapshot["available_actions"]) == ("REGISTERED", ["confirm_arrival"])
    assert code(desk.ask("POST", assist, json={"action_type": "call_patient"})) == (403, "FORBIDDEN_ACTION")
    unknown = desk.ask("POST", f"/staff/patients/{uuid4()}/assist", json={"action_type": "register"})
    assert code(unknown) == (404, "PATIENT_NOT_FOUND")
    assert code(phone.ask("POST", assist, json={"action_type": "register"})) == (403, "FORBIDDEN")


def test_a_payment_that_is_clicked_twice_moves_one_state(waiting: Phone, desk: Desk, people: list[UUID]):
    entry = desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD).json["queue"]
    perform(waiting, action_type="enter_exam_room")
    done = {"action_type": "complete_exam", "patient_id": str(people[0]), "payload": {"queue_id": entry["queue_id"]}}
    assert perform(desk, json=done).json["journey_state"] == "COMPLETED"
    pay = {"action_type": "make_payment", "expected_state": "COMPLETED", "idempotency_key": "pay-1"}
    assert [perform(waiting, json=dict(pay)).json["journey_state"] for _ in range(2)] == ["PAYMENT"] * 2
    assert code(perform(waiting, action_type="make_payment")) == (409, "STATE_CONFLICT")
    confirm = perform(waiting, action_type="make_payment", expected_state="PAYMENT")
    assert confirm.json["journey_state"] == "FINISHED"


def test_an_admin_keeps_the_staff(chief: Desk, desk: Desk):
    new = {"login": "desk3", "name": "새 직원", "password": "long enough 12", "role": "staff"}
    made = chief.ask("POST", "/admin/staff", json=new)
    assert (made.status_code, made.json["staff"]["is_active"]) == (201, True)
    again = chief.ask("POST", "/admin/staff", json=new)
    assert (code(again), list(again.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["login"])
    assert {one["login"] for one in chief.ask("GET", "/admin/staff").json["staff"]} >= {"desk1", "desk3"}
    short = chief.ask("PATCH", f"/admin/staff/{desk.staff_id}", json={"password": "short"})
    assert list(short.json["error"]["details"]) == ["password"]
    changed = chief.ask("PATCH", f"/admin/staff/{desk.staff_id}", json={"password": "another long one"})
    assert changed.status_code == 200
    assert code(desk.ask("GET", "/queue/")) == (401, "TOKEN_REVOKED")
    assert code(chief.ask("PATCH", f"/admin/staff/{uuid4()}", json={"name": "x"})) == (404, "NOT_FOUND")


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "staff"}, {"is_active": False, "role": "admin"}])
def test_the_last_admin_stays_one(app: Flask, chief: Desk, change: dict[str, Any]):
    path = f"/admin/staff/{chief.staff_id}"
    assert code(chief.ask("PATCH", path, json=change)) == (409, "LAST_ADMIN")
    assert chief.ask("PATCH", path, json={"name": "새 이름", "is_active": True}).status_code == 200
    staff_headers(app, AccountRole.ADMIN)
    assert chief.ask("PATCH", path, json=change).status_code == 200


def test_two_admins_cannot_put_each_other_out_at_once(app: Flask, chief: Desk):
    other = staff_headers(app, AccountRole.ADMIN)
    listed = chief.ask("GET", "/admin/staff").json["staff"]
    [other_id] = [
        one["staff_id"] for one in listed if one["role"] == "admin" and one["staff_id"] != str(chief.staff_id)
    ]

    def put_out(headers: dict[str, str], staff_id: str) -> int:
        path = f"{API}/admin/staff/{staff_id}"
        return app.test_client().patch(path, json={"is_active": False}, headers=headers).status_code

    with ThreadPoolExecutor(2) as both:
        answers = both.map(put_out, (chief.bearer, other), (other_id, str(chief.staff_id)))
    assert sorted(answers) in ([200, 401], [200, 409])


def test_what_a_person_was_told_is_theirs_alone(waiting: Phone, other_phone: Phone, desk: Desk):
    desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)
    told = waiting.ask("GET", "/notifications/").json["notifications"][0]
    assert code(other_phone.ask("POST", f"/notifications/{told['id']}/read")) == (404, "NOT_FOUND")
    for unknown in ("0", "x", "9" * 30):
        assert code(waiting.ask("POST", f"/notifications/{unknown}/read")) == (404, "NOT_FOUND")
    assert code(desk.ask("GET", "/notifications")) == (403, "FORBIDDEN")


def test_who_has_only_a_cancelled_appointment_joins_as_who_came_without_one(
    phone: Phone, desk: Desk, people: list[UUID]
):
    arrive(phone)
    blood = phone.ask("GET", "/patient-journey/current-state/").json["appointments"][0]
    cancel = {"appointment_id": blood["appointment_id"], "reason": "기계 점검"}
    answer = perform(desk, action_type="cancel_appointment", patient_id=str(people[0]), payload=cancel)
    assert answer.json["journey_state"] == "REGISTERED"
    joined = perform(phone, action_type="confirm_arrival", payload=BLOOD)
    assert joined.json["journey_state"] == "WAITING"
    assert joined.json["appointments"][0]["status"] == "cancelled"


def test_an_entry_of_somebody_else_or_one_that_has_ended_is_unknown(
    waiting: Phone, other_phone: Phone, desk: Desk, people: list[UUID]
):
    arrive(other_phone)
    other = other_phone.ask("POST", "/queue/join", json=XRAY).json["queue"]["queue_id"]
    call = {"action_type": "call_patient", "patient_id": str(people[0])}
    assert code(perform(desk, json=call | {"payload": {"queue_id": other}})) == (404, "QUEUE_NOT_FOUND")
    own = entry_of(waiting)["queue_id"]
    cancel = {"action_type": "cancel_appointment", "patient_id": str(people[0])}
    perform(desk, json=cancel | {"payload": {"queue_id": own, "reason": "기계 점검"}})
    again = desk.ask("POST", "/queue/join", json=XRAY | {"patient_id": str(people[0])})
    assert again.status_code == 201
    assert code(perform(desk, json=call | {"payload": {"queue_id": own}})) == (404, "QUEUE_NOT_FOUND")


def test_what_staff_are_shown_of_people_is_logged_with_their_account(
    desk: Desk, phone: Phone, people: list[UUID], logged: io.StringIO
):
    who = {"phone_last4": "0301", "birth_date": "1950-05-05"}
    found = desk.ask("POST", "/staff/patients/find", json=who).json["patients"]
    desk.ask("GET", "/queue/")
    desk.ask("GET", f"/board/{BLOOD['exam_id']}")
    desk.ask("GET", "/fhir/Appointment?_count=4")
    desk.ask("GET", f"/fhir/Appointment?patient={found[0]['user_id']}")
    phone.ask("GET", "/fhir/Appointment")
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    told = [line for line in lines if line["event"] == "people_shown"]
    assert {line["by"] for line in told} == {str(desk.staff_id)}
    assert [(line["what"], len(line["people"])) for line in told] == [
        ("find", 2),
        ("queues", 0),
        ("board", 0),
        ("fhir/Appointment", 0),
        ("fhir/Appointment", 1),
    ]
    assert told[4]["people"][0] == told[0]["people"][0]
    assert not [one for one in ("시연301", "1950-05-05", *map(str, people)) if one in logged.getvalue()]


def test_what_desks_do_is_counted_as_actions(app: Flask, waiting: Phone, desk: Desk, people: list[UUID]):
    def counted() -> dict[str, float]:
        lines = app.test_client().get("/metrics").text.splitlines()
        told = [line.rpartition(" ") for line in lines if line.startswith("welno_journey_actions_total{")]
        return {labels: float(number) for labels, _, number in told}

    before = counted()
    key = {"idempotency_key": "call-1"}
    queue_id = entry_of(waiting)["queue_id"]
    for body in (BLOOD | key, BLOOD | key, XRAY | key, BLOOD):
        desk.ask("POST", "/queue/medical/call-patient/", json=body)
    desk.ask("POST", f"/queue/{queue_id}/recall")
    desk.ask("POST", f"/queue/{queue_id}/undo-call")
    desk.ask("POST", f"/queue/{queue_id}/delay", json={"delayed": True})
    desk.ask("POST", f"/queue/{queue_id}/priority", json={"priority": 1, "reason": "elderly"})
    desk.ask("POST", f"/queue/{queue_id}/transfer", json=XRAY | {"reason": "장비"})
    desk.ask("POST", "/queue/join", json=XRAY)
    desk.ask("POST", f"/staff/patients/{people[1]}/assist", json={"action_type": "scan_nfc"})
    desk.ask("POST", "/queue/none/recall")
    now = counted()
    more = {labels: now[labels] - before.get(labels, 0) for labels in now if now[labels] != before.get(labels, 0)}
    assert more == {
        f'welno_journey_actions_total{{action="{action}",outcome="{outcome}",role="staff"}}': 1
        for action, outcome in (
            ("call_patient", "done"),
            ("call_patient", "replayed"),
            ("call_patient", "IDEMPOTENCY_MISMATCH"),
            ("call_patient", "QUEUE_EMPTY"),
            ("recall", "RECALL_TOO_SOON"),
            ("undo_call", "done"),
            ("delay", "done"),
            ("priority", "done"),
            ("transfer", "done"),
            ("confirm_arrival", "VALIDATION_FAILED"),
            ("scan_nfc", "done"),
            ("recall", "QUEUE_NOT_FOUND"),
        )
    }
