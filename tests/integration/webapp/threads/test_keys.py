"""Devices, generations of a key, wraps, and what a removal does to them."""

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from tests.integration.webapp.people import Person, change_run
from tests.thread_devices import ClientDevice

from .members import Member, Talk


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def keys_of(talk: Talk, member: Member, device: ClientDevice | None = None) -> dict[str, Any]:
    told: dict[str, Any] = member.get(f"/{talk.id}/keys", deviceId=(device or member.device).device_id).json
    return told


def events(talk: Talk, member: Member) -> list[str]:
    return [one.get("event", "message") for one in talk.items(member)]


def test_the_first_device_is_active_and_a_later_one_waits_for_its_approval(talk: Talk, nurse: Member, patient: Member):
    tablet = ClientDevice(patient.member)
    answer = patient.register(tablet)
    assert (answer.status_code, answer.json["state"]) == (201, "pending")
    assert (patient.register(tablet).status_code, patient.register().json["state"]) == (200, "active")
    assert events(talk, nurse) == ["key"]
    path = f"/devices/{tablet.device_id}/approve"
    assert code(patient.post(path, nurse.device.approval_of(tablet))) == (403, "UNKNOWN_DEVICE")
    wrong = patient.device.approval_of(tablet) | {"sig": nurse.device.approval_of(tablet)["sig"]}
    assert code(patient.post(path, wrong)) == (400, "BAD_SIGNATURE")
    assert code(patient.post(path, tablet.approval_of(tablet))) == (403, "UNKNOWN_DEVICE")
    assert code(nurse.post(path, nurse.device.approval_of(tablet))) == (404, "DEVICE_NOT_FOUND")
    for _ in range(2):
        assert patient.post(path, patient.device.approval_of(tablet)).json["state"] == "active"
    assert events(talk, nurse) == ["key", "device_added"]
    told = {one["deviceId"]: one for one in nurse.get(f"/{talk.id}/devices").json["devices"]}
    assert told[tablet.device_id]["approval"] == patient.device.approval_of(tablet)
    assert told[tablet.device_id]["state"] == "active"


def test_a_device_id_belongs_to_one_device(nurse: Member, patient: Member):
    nurse.register()
    for other in (
        ClientDevice(nurse.member, nurse.device.device_id),
        ClientDevice(patient.member, nurse.device.device_id),
    ):
        member = nurse if other.member == nurse.member else patient
        assert code(member.register(other)) == (409, "DEVICE_EXISTS")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kemKey": "A" * 43}, "INVALID_KEY"),
        ({"signKey": "A" * 43}, "INVALID_KEY"),
        ({"kemKey": "x"}, "INVALID_KEY"),
        ({"sig": "A" * 86}, "BAD_SIGNATURE"),
        ({"createdAt": "2026-11-25T08:00:00.001Z"}, "BAD_SIGNATURE"),
        ({"createdAt": "now"}, "VALIDATION_FAILED"),
        ({"deviceId": "x"}, "VALIDATION_FAILED"),
    ],
    ids=str,
)
def test_an_unusable_device_is_refused(nurse: Member, change: dict[str, Any], expected: str):
    assert code(nurse.post("/devices", nurse.device.registration() | change)) == (400, expected)


def test_a_device_registered_for_somebody_else_is_refused(nurse: Member, patient: Member):
    assert code(nurse.register(ClientDevice(patient.member))) == (400, "BAD_SIGNATURE")


def test_a_member_has_no_more_devices_than_may_be(nurse: Member):
    for _ in range(10):
        assert nurse.register(ClientDevice(nurse.member)).status_code == 201
    eleventh = ClientDevice(nurse.member)
    assert code(nurse.register(eleventh)) == (409, "TOO_MANY_DEVICES")
    active = next(one for one in nurse.get("/me").json["devices"] if one["state"] == "active")
    assert nurse.post(f"/devices/{active['deviceId']}/revoke").json["state"] == "revoked"
    assert nurse.register(eleventh).json["state"] == "pending"


def test_who_revokes_all_devices_is_let_in_by_none_of_their_own(talk: Talk, nurse: Member, patient: Member):
    """A login that was stolen must not get the member's keys by it."""
    assert patient.post(f"/devices/{patient.device.device_id}/revoke").json["state"] == "revoked"
    other = ClientDevice(patient.member)
    assert patient.register(other).json["state"] == "pending"
    approve = f"/devices/{other.device_id}/approve"
    for approver in (patient.device, other):
        assert code(patient.post(approve, approver.approval_of(other))) == (403, "UNKNOWN_DEVICE")
    assert events(talk, nurse) == ["key", "device_revoked"]


@pytest.mark.parametrize("is_waiting", [False, True])
def test_a_patient_who_was_just_identified_needs_no_other_device(
    app: Flask, talk: Talk, nurse: Member, patient: Member, owner: Person, is_waiting: bool
):
    new = ClientDevice(patient.member)
    if is_waiting:
        assert patient.register(new).json["state"] == "pending"
    body = new.registration() | {"reset": True}
    change_run(app, owner.session_id, auth_completed_at=clock.now() - timedelta(minutes=5, seconds=1))
    assert code(patient.post("/devices", body)) == (403, "FRESH_PROOF_REQUIRED")
    change_run(app, owner.session_id, auth_completed_at=clock.now())
    for _ in range(2):
        answer = patient.post("/devices", body)
        assert (answer.json["state"], "pushToken" in answer.json) == ("active", True)
    told = [one.get("data") for one in talk.items(nurse) if one.get("event") == "device_added"]
    assert told == [{"memberId": patient.member, "deviceId": new.device_id}]
    lacking = keys_of(talk, nurse)["lacking"]
    assert lacking == [{"deviceId": new.device_id, "memberId": patient.member, "kids": ["k1"]}]


def test_a_reset_is_for_patients_who_were_identified_on_their_phone(nurse: Member, patient: Member, owner: Person):
    nurse.register()
    body = ClientDevice(nurse.member).registration() | {"reset": True}
    assert code(nurse.post("/devices", body)) == (403, "FRESH_PROOF_REQUIRED")
    path = f"/patients/{owner.patient_uuid}/password"
    assert owner.ask("POST", f"{path}/set", json={"password": "592704"}).status_code == 201
    token = owner.ask("POST", f"{path}/verify", json={"password": "592704"}).json["access_token"]
    by_password = Member(owner.client, {"Authorization": f"Bearer {token}"})
    body = ClientDevice(patient.member).registration() | {"reset": True}
    assert code(by_password.post("/devices", body)) == (403, "FRESH_PROOF_REQUIRED")


def test_a_revoked_device_is_not_brought_back_by_a_reset(talk: Talk, patient: Member):
    patient.post(f"/devices/{patient.device.device_id}/revoke")
    again = patient.post("/devices", patient.device.registration() | {"reset": True})
    assert (again.status_code, again.json["state"], "pushToken" in again.json) == (200, "revoked", False)


def test_a_keyset_is_for_exactly_the_active_devices(talk: Talk, nurse: Member, patient: Member, doctor: Member):
    doctor.register()
    forgets = talk.keyset("k2", [nurse.device])
    answer = nurse.post(f"/{talk.id}/keys", forgets)
    assert code(answer) == (409, "WRAPS_INCOMPLETE")
    assert answer.json["error"]["details"] == {"missing": [patient.device.device_id], "unknown": []}
    leaks = talk.keyset("k2", [nurse.device, patient.device, doctor.device])
    details = nurse.post(f"/{talk.id}/keys", leaks).json["error"]["details"]
    assert details == {"missing": [], "unknown": [doctor.device.device_id]}
    swapped = ClientDevice(patient.member, patient.device.device_id)
    assert code(nurse.post(f"/{talk.id}/keys", talk.keyset("k2", [nurse.device, swapped]))) == (409, "WRAPS_INCOMPLETE")
    assert events(talk, nurse) == ["key"]


def test_the_next_generation_follows_the_one_before(talk: Talk, nurse: Member, patient: Member):
    devices = [nurse.device, patient.device]
    wrong_number, right = talk.keyset("k3", devices), talk.keyset("k2", devices)
    answer = nurse.post(f"/{talk.id}/keys", wrong_number)
    assert code(answer) == (409, "KEY_CONFLICT")
    assert answer.json["error"]["details"] == {"next": "k2"}
    assert code(nurse.post(f"/{talk.id}/keys", right | {"prev": "-"})) == (409, "KEY_CONFLICT")
    assert code(nurse.post(f"/{talk.id}/keys", right | {"check": "A" * 22})) == (400, "BAD_SIGNATURE")
    assert code(nurse.post(f"/{talk.id}/keys", right | {"kid": "x"})) == (400, "VALIDATION_FAILED")
    assert [nurse.post(f"/{talk.id}/keys", right).status_code for _ in range(2)] == [201, 200]
    assert code(nurse.post(f"/{talk.id}/keys", talk.keyset("k2", devices))) == (409, "KEY_CONFLICT")
    assert [(one["kid"], one["state"]) for one in keys_of(talk, nurse)["keys"]] == [
        ("k1", "retiring"),
        ("k2", "active"),
    ]
    assert events(talk, nurse) == ["key", "key"]


def test_a_keyset_is_made_by_ones_own_device(talk: Talk, nurse: Member, patient: Member):
    told = patient.device.keyset(talk.id, "k2", bytes(32), [nurse.device, patient.device], talk.prev)
    assert code(nurse.post(f"/{talk.id}/keys", told)) == (403, "UNKNOWN_DEVICE")


def test_everybody_gets_their_own_wrap_alone(talk: Talk, nurse: Member, patient: Member):
    [key] = keys_of(talk, patient)["keys"]
    assert patient.device.open_wrap(key["wrapped"], talk.id, "k1") == talk.secrets["k1"]
    assert {one["deviceId"] for one in key["recipients"]} == {nurse.device.device_id, patient.device.device_id}
    answer = patient.get(f"/{talk.id}/keys", deviceId=nurse.device.device_id)
    assert code(answer) == (403, "UNKNOWN_DEVICE")
    assert patient.get(f"/{talk.id}/keys", deviceId=str(uuid.uuid4())).status_code == 403
    assert patient.get(f"/{talk.id}/keys").status_code == 400
    fine = patient.get(f"/{talk.id}/keys", deviceId=patient.device.device_id)
    assert fine.headers["Cache-Control"] == "no-store"


def test_a_new_device_is_told_as_lacking_until_somebody_seals_for_it(talk: Talk, nurse: Member, patient: Member):
    tablet = ClientDevice(patient.member)
    patient.register(tablet)
    assert keys_of(talk, nurse)["lacking"] == []
    wrap = {"deviceId": tablet.device_id, "wrapped": tablet.wrap(talk.secrets["k1"], talk.id, "k1")}
    path = f"/{talk.id}/keys/k1/wraps"
    assert code(nurse.post(path, {"wraps": [wrap]})) == (409, "WRAPS_INCOMPLETE")
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    lacking = [{"deviceId": tablet.device_id, "memberId": patient.member, "kids": ["k1"]}]
    assert keys_of(talk, nurse)["lacking"] == lacking
    assert nurse.post(path, {"wraps": [wrap]}).status_code == 200
    other = wrap | {"wrapped": tablet.wrap(bytes(32), talk.id, "k1")}
    assert nurse.post(path, {"wraps": [other]}).status_code == 200  # what is there stays
    told = keys_of(talk, patient, tablet)
    assert tablet.open_wrap(told["keys"][0]["wrapped"], talk.id, "k1") == talk.secrets["k1"]
    assert told["lacking"] == []
    assert code(nurse.post(f"/{talk.id}/keys/k9/wraps", {"wraps": [wrap]})) == (400, "VALIDATION_FAILED")


def _approve(member: Member) -> ClientDevice:
    """Another one of theirs."""
    device = ClientDevice(member.member)
    member.register(device)
    assert member.post(f"/devices/{device.device_id}/approve", member.device.approval_of(device)).status_code == 200
    return device


def _wrap(talk: Talk, device: ClientDevice, secret: bytes) -> dict[str, Any]:
    return {"wraps": [{"deviceId": device.device_id, "wrapped": device.wrap(secret, talk.id, "k1")}]}


def test_a_registration_waits_for_another_ones_no_longer_than_for_a_thread(nurse: Member, engine: Engine):
    held = text("select pg_advisory_xact_lock(hashtextextended(:member, 40))")  # a release before this one has it, too
    with engine.begin() as other:
        other.execute(held, {"member": nurse.member})
        began = time.monotonic()
        answer = nurse.register()
        took = time.monotonic() - began
    assert (code(answer), "Retry-After" in answer.headers) == ((503, "STORE_UNAVAILABLE"), True)
    assert 1.5 < took < 10
    assert nurse.register().status_code == 201


def test_what_others_sealed_to_a_device_keeps_out_nothing_of_its_own_member(talk: Talk, nurse: Member, patient: Member):
    tablet, path = _approve(nurse), f"/{talk.id}/keys/k1/wraps"
    assert patient.post(path, _wrap(talk, tablet, bytes(32))).status_code == 200
    right = _wrap(talk, tablet, talk.secrets["k1"])
    assert nurse.post(path, right).status_code == 200
    assert patient.post(path, _wrap(talk, tablet, bytes(32))).status_code == 200
    [key] = keys_of(talk, nurse, tablet)["keys"]
    assert key["wrapped"] == right["wraps"][0]["wrapped"]


def test_of_two_wraps_for_one_place_the_later_counts(talk: Talk, nurse: Member, doctor: Member):
    doctor.register()
    place = {"kid": "k1", "deviceId": nurse.device.device_id}
    secrets = (bytes(32), talk.secrets["k1"])
    wraps = [place | {"wrapped": nurse.device.wrap(secret, talk.id, "k1")} for secret in secrets]
    joined = {"memberId": doctor.member, "role": "writer", "history": "all", "wraps": wraps}
    assert nurse.post(f"/{talk.id}/members", joined).status_code == 201
    [key] = keys_of(talk, nurse)["keys"]
    assert key["wrapped"] == wraps[1]["wrapped"]


def test_what_does_not_open_is_taken_back_by_its_devices_member_alone(talk: Talk, nurse: Member, patient: Member):
    tablet = _approve(nurse)
    path = f"/{talk.id}/keys/k1/wraps"
    patient.post(path, _wrap(talk, tablet, bytes(32)))
    assert code(patient.ask("DELETE", f"{path}/{tablet.device_id}")) == (403, "UNKNOWN_DEVICE")
    assert code(nurse.ask("DELETE", f"/{talk.id}/keys/k9/wraps/{tablet.device_id}")) == (400, "VALIDATION_FAILED")
    assert keys_of(talk, nurse, tablet)["lacking"] == []
    for _ in range(2):
        assert nurse.ask("DELETE", f"{path}/{tablet.device_id}").status_code == 204
    told = keys_of(talk, nurse, tablet)
    assert [one["wrapped"] for one in told["keys"]] == [None]
    assert told["lacking"] == [{"deviceId": tablet.device_id, "memberId": nurse.member, "kids": ["k1"]}]
    patient.post(path, _wrap(talk, tablet, talk.secrets["k1"]))
    assert keys_of(talk, nurse, tablet)["keys"][0]["wrapped"] is not None


def test_nobody_seals_a_secret_that_was_not_sealed_to_them(talk: Talk, nurse: Member, patient: Member, doctor: Member):
    doctor.register()
    keyset = talk.keyset("k2", [nurse.device, patient.device, doctor.device])
    joined = {"memberId": doctor.member, "role": "reader", "history": "from_now", "keyset": keyset}
    assert nurse.post(f"/{talk.id}/members", joined).status_code == 201
    tablet = _approve(nurse)
    wraps = _wrap(talk, tablet, bytes(32))
    assert code(doctor.post(f"/{talk.id}/keys/k1/wraps", wraps)) == (403, "FORBIDDEN")
    assert patient.post(f"/{talk.id}/keys/k1/wraps", wraps).status_code == 200


def test_a_revoked_device_makes_a_new_key_due(talk: Talk, nurse: Member, patient: Member):
    assert code(nurse.post(f"/devices/{patient.device.device_id}/revoke")) == (404, "DEVICE_NOT_FOUND")
    for _ in range(2):
        assert patient.post(f"/devices/{patient.device.device_id}/revoke").json["state"] == "revoked"
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "due"
    assert events(talk, nurse) == ["key", "device_revoked"]
    assert [one["wrapped"] for one in keys_of(talk, patient)["keys"]] == [None]
    assert talk.rotate("k2", nurse).status_code == 201
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "ok"


def test_a_removed_member_is_out_and_no_older_key_is_taken(talk: Talk, nurse: Member, patient: Member, doctor: Member):
    doctor.register()
    wraps = [
        {"kid": "k1", "deviceId": doctor.device.device_id, "wrapped": doctor.device.wrap(b"x" * 32, talk.id, "k1")}
    ]
    joined = {"memberId": doctor.member, "role": "writer", "history": "all", "wraps": wraps}
    assert [nurse.post(f"/{talk.id}/members", joined).status_code for _ in range(2)] == [201, 200]
    path, body = f"/{talk.id}/members/remove", {"memberId": patient.member}
    assert code(nurse.post(path, body)) == (409, "KEYSET_NEEDED")
    keyset = talk.keyset("k2", [nurse.device, doctor.device])
    assert code(nurse.post(path, body | {"keyset": talk.keyset("k2", [nurse.device])})) == (409, "WRAPS_INCOMPLETE")
    assert patient.get(f"/{talk.id}/recent").status_code == 200
    assert [nurse.post(path, body | {"keyset": keyset}).status_code for _ in range(2)] == [200, 200]
    assert events(talk, nurse) == ["key", "member_added", "member_removed", "key"]
    assert patient.get(f"/{talk.id}/recent").status_code == 404
    [result] = doctor.push(talk.envelope(doctor)).json["results"]
    assert result["code"] == "KEY_RETIRED"
    talk.secrets["k2"] = nurse.device.open_wrap(keys_of(talk, nurse)["keys"][1]["wrapped"], talk.id, "k2")
    assert talk.say(doctor, kid="k2")
    assert code(nurse.post(path, {"memberId": "staff:nobody"})) == (404, "MEMBER_NOT_FOUND")


def test_whoever_leaves_by_themself_leaves_the_key_due(talk: Talk, nurse: Member, patient: Member):
    body = {"memberId": patient.member}
    own = patient.device.keyset(talk.id, "k2", bytes(32), [nurse.device], talk.prev)
    assert code(patient.post(f"/{talk.id}/members/remove", body | {"keyset": own})) == (403, "FORBIDDEN")
    assert patient.post(f"/{talk.id}/members/remove", body).status_code == 200
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "due"
    assert patient.get(f"/{talk.id}/status").status_code == 404
    told = nurse.get(f"/{talk.id}/devices").json
    assert [one["memberId"] for one in told["devices"]] == [nurse.member]
    assert [one["memberId"] for one in told["formerDevices"]] == [patient.member]
    back = nurse.get(f"/{talk.id}/devices", joining=patient.member).json
    assert {one["memberId"] for one in back["devices"]} == {nurse.member, patient.member}
    assert back["formerDevices"] == []


@pytest.mark.parametrize("is_maker", [True, False])
def test_the_key_is_due_where_its_maker_is_owner_no_more(talk: Talk, nurse: Member, patient: Member, is_maker: bool):
    """Clients believe a keyset of an owner alone, or one that an owner's follows on."""
    path = f"/{talk.id}/members/role"
    assert nurse.post(path, {"memberId": patient.member, "role": "owner"}).status_code == 200
    stepping_down = nurse if is_maker else patient
    assert patient.post(path, {"memberId": stepping_down.member, "role": "writer"}).status_code == 200
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == ("due" if is_maker else "ok")
    talk.owner = patient if is_maker else nurse
    assert talk.rotate("k2", nurse, patient).status_code == 201
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "ok"


def test_whoever_comes_without_the_history_sees_none_of_it(talk: Talk, nurse: Member, patient: Member, doctor: Member):
    doctor.register()
    talk.say(nurse, 3)
    joined = {"memberId": doctor.member, "role": "writer", "history": "from_now"}
    assert code(nurse.post(f"/{talk.id}/members", joined)) == (409, "KEYSET_NEEDED")
    keyset = talk.keyset("k2", [nurse.device, patient.device, doctor.device])
    assert nurse.post(f"/{talk.id}/members", joined | {"keyset": keyset}).status_code == 201
    talk.say(nurse, 1, kid="k2")
    assert events(talk, doctor) == ["member_added", "key", "message"]
    assert [one["seq"] for one in talk.items(doctor)] == [5, 6, 7]
    assert doctor.get(f"/{talk.id}/recent", beforeSeq=5).json["items"] == []
    told = keys_of(talk, doctor)
    assert [one["wrapped"] is not None for one in told["keys"]] == [False, True]
    assert told["lacking"] == []
    members = {one["memberId"]: one["visibleFrom"] for one in doctor.get(f"/{talk.id}/status").json["members"]}
    assert members == {nurse.member: 1, patient.member: 1, doctor.member: 5}
    assert doctor.get("").json["threads"][0]["ackedSeq"] == 4
