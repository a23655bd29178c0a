"""The printed code as a device, devices of whoever is about to join, and the push pass after days without a network."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from tests.integration.webapp.people import ORIGIN
from tests.thread_devices import ClientDevice

from .members import API, Member, Talk

PUSH = f"{API}/push-batch"


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def register_code(member: Member) -> tuple[ClientDevice, Any]:
    printed = ClientDevice(member.member)
    return printed, member.post("/devices", printed.registration() | {"type": "recovery"})


def approve(member: Member, approver: ClientDevice, other: ClientDevice) -> Any:
    return member.post(f"/devices/{other.device_id}/approve", approver.approval_of(other))


def test_a_recovery_code_is_a_device_that_waits_for_its_approval_and_gets_no_push_pass(talk: Talk, patient: Member):
    printed, answer = register_code(patient)
    assert (answer.status_code, answer.json["state"], "Set-Cookie" in answer.headers) == (201, "pending", False)
    assert approve(patient, patient.device, printed).json["state"] == "active"
    again = patient.post("/devices", printed.registration() | {"type": "recovery"})
    assert (again.status_code, again.json["state"]) == (200, "active")
    assert ("pushToken" in again.json, "Set-Cookie" in again.headers) == (False, False)
    types = {one["deviceId"]: one["type"] for one in patient.get("/me").json["devices"]}
    assert types == {patient.device.device_id: "browser", printed.device_id: "recovery"}


def test_a_device_does_not_become_another_type(patient: Member):
    patient.register()
    told = patient.device.registration() | {"type": "recovery"}
    assert code(patient.post("/devices", told)) == (409, "DEVICE_EXISTS")
    assert code(patient.post("/devices", told | {"type": "x"})) == (400, "VALIDATION_FAILED")


def test_a_new_phone_and_the_code_open_what_was_sealed_to_the_code(talk: Talk, nurse: Member, patient: Member):
    printed, _ = register_code(patient)
    approve(patient, patient.device, printed)
    path = f"/{talk.id}/keys/k1/wraps"
    wrap = {"deviceId": printed.device_id, "wrapped": printed.wrap(talk.secrets["k1"], talk.id, "k1")}
    assert nurse.post(path, {"wraps": [wrap]}).status_code == 200
    talk.say(nurse)
    patient.post(f"/devices/{patient.device.device_id}/revoke")
    phone = ClientDevice(patient.member)
    assert patient.register(phone).json["state"] == "pending"
    assert approve(patient, printed, phone).json["state"] == "active"
    [key] = patient.get(f"/{talk.id}/keys", deviceId=printed.device_id).json["keys"]
    secret = printed.open_wrap(key["wrapped"], talk.id, "k1")
    assert secret == talk.secrets["k1"]
    wrap = {"deviceId": phone.device_id, "wrapped": phone.wrap(secret, talk.id, "k1")}
    assert patient.post(path, {"wraps": [wrap]}).status_code == 200
    [key] = patient.get(f"/{talk.id}/keys", deviceId=phone.device_id).json["keys"]
    assert phone.open_wrap(key["wrapped"], talk.id, "k1") == talk.secrets["k1"]


def test_a_keyset_that_forgets_the_recovery_code_is_refused(talk: Talk, nurse: Member, patient: Member):
    printed, _ = register_code(patient)
    approve(patient, patient.device, printed)
    answer = nurse.post(f"/{talk.id}/keys", talk.keyset("k2", [nurse.device, patient.device]))
    assert code(answer) == (409, "WRAPS_INCOMPLETE")
    assert answer.json["error"]["details"] == {"missing": [printed.device_id], "unknown": []}


def test_an_owner_alone_sees_the_devices_of_whoever_is_about_to_join(
    talk: Talk, nurse: Member, patient: Member, doctor: Member
):
    doctor.register()
    path = f"/{talk.id}/devices"
    found = {one["deviceId"] for one in nurse.get(path, joining=doctor.member).json["devices"]}
    assert found == {nurse.device.device_id, patient.device.device_id, doctor.device.device_id}
    assert doctor.device.device_id not in {one["deviceId"] for one in nurse.get(path).json["devices"]}
    assert code(patient.get(path, joining=doctor.member)) == (403, "FORBIDDEN")
    assert code(doctor.get(path, joining=doctor.member)) == (404, "THREAD_NOT_FOUND")
    assert code(nurse.get(path, joining="x")) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("away", [timedelta(hours=5), timedelta(days=3), timedelta(days=13)], ids=str)
def test_after_hours_and_days_without_a_network_the_pass_sends_and_reads_nothing(
    app: Flask, talk: Talk, nurse: Member, patient: Member, away: timedelta
):
    """By its cookie, as a service worker does: the login of those who wrote is over by then."""
    set_cookie = nurse.register().headers["Set-Cookie"]
    worker = app.test_client()
    value = set_cookie.partition("=")[2].partition(";")[0]
    worker.set_cookie("welno_push", value, path=PUSH)
    waiting = [talk.envelope(nurse) for _ in range(3)]
    assert nurse.client.post("/api/v1/auth/logout", headers=nurse.headers).status_code == 204
    assert nurse.get("/me").status_code == 401
    with clock.frozen(clock.now() + away):
        answer = worker.post(PUSH, json={"envelopes": waiting}, headers={"Origin": ORIGIN})
        assert [one["status"] for one in answer.json["results"]] == ["accepted"] * 3
        again = worker.post(PUSH, json={"envelopes": waiting}, headers={"Origin": ORIGIN})
        assert [one["status"] for one in again.json["results"]] == ["duplicate"] * 3
        bearer = {"Authorization": f"Bearer {value}"}
        device = f"deviceId={nurse.device.device_id}"
        reads = ["/me", "", *(f"/{talk.id}/{one}" for one in ("recent", "range", "status", "devices", "events"))]
        for path in (*reads, f"/{talk.id}/keys?{device}"):
            for headers in (bearer, {"Origin": ORIGIN}):
                assert worker.get(f"{API}{path}", headers=headers).status_code == 401, path
    assert [one["from"] for one in talk.items(patient) if one["type"] == "message"] == [nurse.member] * 3


def test_what_waited_past_a_rotation_is_left_to_the_page(talk: Talk, nurse: Member, patient: Member, app: Flask):
    """Under a key that is retired by now: only who holds the newer one can encrypt it anew."""
    token = nurse.register().json["pushToken"]
    waiting = talk.envelope(nurse)
    talk.rotate("k2", nurse, patient)
    headers = {"Authorization": f"Bearer {token}"}
    worker = app.test_client(use_cookies=False)
    with clock.frozen(clock.now() + timedelta(days=2)):
        [result] = worker.post(PUSH, json={"envelopes": [waiting]}, headers=headers).json["results"]
    assert (result["status"], result["code"]) == ("rejected", "KEY_RETIRED")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("key_made_at = now() - interval '31 days'", "due"),
        ("key_made_at = now() - interval '29 days'", "ok"),
        ("key_seq = last_seq - (2 ^ 24)::bigint - 1", "due"),
        ("key_seq = last_seq - (2 ^ 24)::bigint", "ok"),
    ],
)
def test_a_key_is_due_after_a_month_and_after_many_messages(
    talk: Talk, nurse: Member, engine: Engine, change: str, state: str
):
    with engine.begin() as connection:
        connection.execute(text(f"update welno.welno_threads set {change} where id = :id"), {"id": talk.id})
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == state
    assert [one["keyState"] for one in nurse.get("").json["threads"]] == [state]
