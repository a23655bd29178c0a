"""The audit over HTTP: complete, for auditors alone, free of what was written."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.names import thread_subject
from services.threads.demo import seed_correspondents
from tests.thread_devices import ClientDevice
from webapp.api.threads.live.sources import READERS_OF_THREAD
from webapp.auth import Role
from webapp.current import parts
from webapp.staff_token import make_token

from .members import Member, Talk

ADMIN = "/api/v1/admin/threads"


@pytest.fixture
def auditor(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {"Authorization": f"Bearer {make_token('au-1', 1, Role.AUDITOR)}"}


def entries(talk: Talk, auditor: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = talk.owner.client.get(f"{ADMIN}/{talk.id}/audit", headers=auditor, query_string=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["entries"]
    return found


def test_each_act_stands_in_the_audit(talk: Talk, nurse: Member, patient: Member, auditor: dict[str, str]):
    envelope = talk.envelope(patient)
    patient.push(envelope)
    patient.push(envelope, envelope | {"sig": "A" * 86})
    nurse.get(f"/{talk.id}/recent")
    nurse.get(f"/{talk.id}/range", fromSeq=2)
    nurse.post(f"/{talk.id}/ack", {"seq": 2})
    nurse.get(f"/{talk.id}/keys", deviceId=nurse.device.device_id)
    nurse.post(f"/{talk.id}/members/role", {"memberId": patient.member, "role": "reader"})
    patient.post(f"/devices/{patient.device.device_id}/revoke")
    patient.post(f"/{talk.id}/members/remove", {"memberId": patient.member})
    told = entries(talk, auditor)
    assert [(one["action"], one["result"], one["count"], one["seqFrom"], one["seqTo"]) for one in told] == [
        ("create", "ok", None, None, None),
        ("key_rotate", "ok", None, 1, 1),
        ("push", "ok", 1, 2, 2),
        ("push_duplicate", "ok", 1, 2, 2),
        ("push_rejected", "BAD_SIGNATURE", 1, None, None),
        ("recent", "ok", 2, 1, 2),
        ("range", "ok", 1, 2, 2),
        ("ack", "ok", None, 2, 2),
        ("key_read", "ok", None, None, None),
        ("role_change", "ok", None, 3, 3),
        ("device_revoke", "ok", None, None, None),
        ("member_remove", "ok", None, 5, 5),
    ]
    assert {one["actor"] for one in told} == {nurse.member, patient.member}
    assert {one["ip"] for one in told} == {"127.0.0.0/24"}
    for secret in (envelope["payload"], envelope["payloadHash"], envelope["enc"]["iv"], patient.device.kem_key):
        assert secret not in str(told)
    assert [one["n"] for one in entries(talk, auditor, after=3, limit=2)] == [4, 5]


def test_each_refused_act_of_a_member_stands_in_the_audit(
    talk: Talk, nurse: Member, patient: Member, auditor: dict[str, str]
):
    other = ClientDevice(patient.member)
    begun = entries(talk, auditor)[-1]["n"]
    refused = [
        nurse.post(f"/{talk.id}/ack", {"seq": 9}),
        patient.get(f"/{talk.id}/keys", deviceId=nurse.device.device_id),
        patient.post(f"/{talk.id}/keys", patient.device.keyset(talk.id, "k2", bytes(32), [patient.device])),
        nurse.post(f"/{talk.id}/keys", nurse.device.keyset(talk.id, "k3", bytes(32), [nurse.device], talk.prev)),
        patient.post(f"/{talk.id}/keys/k9/wraps", {"wraps": []}),
        patient.post(f"/{talk.id}/members", {"memberId": "staff:x", "role": "reader", "history": "all", "wraps": []}),
        nurse.post(f"/{talk.id}/members/role", {"memberId": nurse.member, "role": "reader"}),
        nurse.post(f"/{talk.id}/members/remove", {"memberId": patient.member}),
        patient.ask("DELETE", f"/{talk.id}"),
        patient.post("/devices", other.registration() | {"sig": "A" * 86}),
        patient.post(f"/devices/{nurse.device.device_id}/revoke"),
    ]
    assert {one.status_code for one in refused} == {400, 403, 404, 409}
    told = entries(talk, auditor, after=begun)
    assert [(one["actor"], one["action"]) for one in told] == [
        (nurse.member, "ack"),
        (patient.member, "key_read"),
        (patient.member, "key_rotate"),
        (nurse.member, "key_rotate"),
        (patient.member, "wrap_add"),
        (patient.member, "member_add"),
        (nurse.member, "role_change"),
        (nurse.member, "member_remove"),
        (patient.member, "delete"),
        (patient.member, "device_add"),
        (patient.member, "device_revoke"),
    ]
    assert [one["result"] for one in told] == [one.json["error"]["code"] for one in refused]
    assert nurse.client.get(f"{ADMIN}/{talk.id}/audit/verify", headers=auditor).json["ok"]


def test_what_a_stranger_tries_is_no_act_in_the_thread(talk: Talk, doctor: Member, auditor: dict[str, str]):
    begun = entries(talk, auditor)
    assert doctor.register().status_code == 201
    assert doctor.post(f"/{talk.id}/ack", {"seq": 1}).status_code == 404
    assert doctor.ask("DELETE", f"/{talk.id}").status_code == 404
    assert doctor.push({"threadId": talk.id}, talk.envelope(doctor)).status_code == 200
    assert entries(talk, auditor) == begun


def test_the_chain_is_verified_and_its_break_is_found(
    talk: Talk, nurse: Member, auditor: dict[str, str], engine: Engine
):
    talk.say(nurse, 2)
    path = f"{ADMIN}/{talk.id}/audit/verify"
    whole = nurse.client.get(path, headers=auditor).json
    assert (whole["ok"], whole["count"], "brokenAt" in whole) == (True, 3, False)
    assert whole["head"] == entries(talk, auditor)[-1]["hash"]
    with engine.begin() as connection:
        connection.execute(text("alter table welno.welno_thread_audit disable trigger append_only"))
        connection.execute(text("delete from welno.welno_thread_audit where n = 3"))
        connection.execute(text("alter table welno.welno_thread_audit enable always trigger append_only"))
    broken = nurse.client.get(path, headers=auditor).json
    assert (broken["ok"], broken["brokenAt"]) == (False, 3)


def test_nobody_but_auditors_reads_it(talk: Talk, nurse: Member, patient: Member, staff: dict[str, str]):
    for path in (f"{ADMIN}/{talk.id}/audit", f"{ADMIN}/{talk.id}/audit/verify"):
        answers = [nurse.client.get(path, headers=one) for one in ({}, patient.headers, nurse.headers, staff)]
        assert [one.status_code for one in answers] == [401, 401, 403, 403]


def test_an_auditor_who_signs_in_needs_a_second_factor_and_is_nobody_in_threads(app: Flask, talk: Talk, nurse: Member):
    """Outside of the demo, which asks for none."""
    here, password = parts(app).stores, "seven invented words here"
    with here.unit_of_work() as work:
        seed_correspondents(work.session, lambda: here.password_hashes.hash(password))
    login = "/api/v1/auth/staff-login"
    auditor, doctor = (
        {"Authorization": f"Bearer {nurse.client.post(login, json=body).json['access_token']}"}
        for body in ({"login": "auditor1", "password": password}, {"login": "doctor1", "password": password})
    )
    refused = nurse.client.get(f"{ADMIN}/{talk.id}/audit", headers=auditor)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert nurse.client.get("/api/threads/me", headers=auditor).status_code == 401
    assert nurse.client.get("/api/threads/me", headers=doctor).json["memberId"].startswith("staff:")


def test_of_a_thread_that_is_not_there_is_nothing_to_read(nurse: Member, auditor: dict[str, str]):
    for thread_id in ("A" * 22, "x", "%20"):
        assert nurse.client.get(f"{ADMIN}/{thread_id}/audit", headers=auditor).json["entries"] == []
        assert nurse.client.get(f"{ADMIN}/{thread_id}/audit/verify", headers=auditor).status_code == 404


def test_a_follower_by_events_who_is_refused_stands_in_the_audit_as_such(
    app: Flask, talk: Talk, nurse: Member, engine: Engine
):
    registry, subject = parts(app).relay.registry, thread_subject(talk.id)
    others = [
        registry.acquire(subject, READERS_OF_THREAD, f"192.0.2.{number}", f"staff:{number}")
        for number in range(READERS_OF_THREAD)
    ]
    refused = nurse.ask("GET", f"/{talk.id}/events")
    for slot in others:
        slot.release()
    assert (refused.status_code, refused.json["error"]["code"]) == (429, "TOO_MANY_SOCKETS")
    query = "select result from welno.welno_thread_audit where thread_id = :id and action = 'subscribe' order by n"
    with engine.connect() as connection:
        assert list(connection.scalars(text(query), {"id": talk.id})) == ["TOO_MANY_SOCKETS"]
