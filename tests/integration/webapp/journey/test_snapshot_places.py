"""Every reply that carries a snapshot says where the person's stream stands with the change that it tells."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.names import patient_subject
from models.delivery import LoggedEvent
from tests.integration.webapp.people import API
from webapp.current import parts

from .conftest import Desk, Phone
from .test_actions import SCAN, arrive, perform
from .test_queues import BLOOD, entry_of

WHO = {"phone_last4": "0001", "birth_date": "1940-02-01", "name": "시연001"}
ENTRANCE = {"tag_code": "demo-entrance-7f3a9c21e5b84d06", "device_id": "device-0001"}

Snapshot = dict[str, Any]


def last_number(app: Flask, user_id: UUID) -> int:
    with parts(app).stores.sessions() as session:
        numbers = select(func.max(LoggedEvent.seq)).where(LoggedEvent.subject == patient_subject(user_id))
        return session.scalar(numbers) or 0


def assert_stands_with_the_log(phone: Phone, snapshot: Snapshot) -> None:
    state = phone.ask("GET", "/patient-journey/current-state").json
    here = (snapshot["last_seq"], snapshot["epoch"], snapshot["journey_state"])
    assert here == (last_number(phone.app, phone.user_id), state["epoch"], state["journey_state"])


@pytest.mark.parametrize("steps_before", [0, 1, 2])
def test_a_login_that_is_the_arrival_stands_with_its_own_steps(phone: Phone, steps_before: int):
    """Two steps, one, or none in the login's own transaction."""
    for body in (SCAN, {"action_type": "register"})[:steps_before]:
        perform(phone, json=body)
    client = phone.app.test_client(use_cookies=False)
    token = client.post(f"{API}/nfc/scan/", json=ENTRANCE).json["scan_token"]
    body = WHO | {"scan_token": token, "device_id": ENTRANCE["device_id"]}
    snapshot = client.post(f"{API}/auth/simple-login", json=body).json["journey"]
    assert (snapshot["journey_state"], snapshot["last_seq"]) == ("REGISTERED", 2)
    assert_stands_with_the_log(phone, snapshot)


def test_a_scan_that_is_the_arrival_stands_with_it_and_one_on_the_way_too(phone: Phone):
    for expected in (True, False):
        scanned = phone.ask("POST", "/nfc/scan/", json=ENTRANCE).json
        assert scanned["transition"] == expected
        assert_stands_with_the_log(phone, scanned["journey"])


def _assist(desk: Desk, phone: Phone, _entry: Snapshot) -> Snapshot:
    desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)
    path = f"/staff/patients/{phone.user_id}/assist"
    return desk.ask("POST", path, json={"action_type": "enter_exam_room"}).json


def _by_staff(action: str) -> Callable[[Desk, Phone, Snapshot], Snapshot]:
    def act(desk: Desk, phone: Phone, entry: Snapshot) -> Snapshot:
        payload = {"queue_id": entry["queue_id"]} | ({"reason": "시연"} if action == "cancel_appointment" else {})
        return perform(desk, action_type=action, patient_id=str(phone.user_id), payload=payload).json

    return act


def _of_line(action: str, **body: Any) -> Callable[[Desk, Phone, Snapshot], Snapshot]:
    def act(desk: Desk, _phone: Phone, entry: Snapshot) -> Snapshot:
        answer: Snapshot = desk.ask("POST", f"/queue/{entry['queue_id']}/{action}", json=body).json["journey"]
        return answer

    return act


def _undo(desk: Desk, phone: Phone, entry: Snapshot) -> Snapshot:
    desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)
    return _of_line("undo-call")(desk, phone, entry)


def _second_line(desk: Desk, phone: Phone, _entry: Snapshot) -> Snapshot:
    body = {"exam_id": "EX-XRAY", "patient_id": str(phone.user_id)}
    answer: Snapshot = desk.ask("POST", "/queue/join", json=body).json["journey"]
    return answer


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(_by_staff("call_patient"), id="call_patient"),
        pytest.param(_by_staff("mark_no_show"), id="mark_no_show"),
        pytest.param(_by_staff("cancel_appointment"), id="cancel_appointment"),
        pytest.param(_assist, id="assist"),
        pytest.param(_undo, id="undo-call"),
        pytest.param(_second_line, id="join"),
        pytest.param(_of_line("delay", delayed=True), id="delay"),
        pytest.param(_of_line("delay", delayed=False), id="delay that changes nothing"),
        pytest.param(_of_line("priority", priority=1, reason="elderly"), id="priority"),
        pytest.param(_of_line("transfer", exam_id="EX-US", reason="시연"), id="transfer"),
    ],
)
def test_every_reply_stands_with_what_it_tells(
    phone: Phone, desk: Desk, act: Callable[[Desk, Phone, Snapshot], Snapshot]
):
    joined = arrive(phone).ask("POST", "/queue/join", json=BLOOD).json["journey"]
    assert_stands_with_the_log(phone, joined)
    assert_stands_with_the_log(phone, act(desk, phone, entry_of(phone)))
