"""Threads over HTTP: who is known as whom, making and closing, members and roles, reading."""

import uuid
from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, text

from core.settings import Settings
from models.accounts import Scope
from tests.integration.conftest import AppOf
from tests.integration.webapp.journey.staff import patient_headers
from tests.integration.webapp.people import ORIGIN, Person
from tests.thread_devices import open_envelope
from webapp.current import parts

from .members import API, Member, Talk, begin_talk, spend_acts


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def test_staff_and_patients_are_known_by_their_ids(nurse: Member, patient: Member, owner: Person):
    assert nurse.member.startswith("staff:")
    assert patient.member == f"patient:{owner.patient_uuid}"
    assert nurse.get("/me").json["devices"] == []


def test_a_patients_access_token_is_known_as_the_same_patient(patient: Member, owner: Person):
    path = f"/patients/{owner.patient_uuid}/password"
    assert owner.ask("POST", f"{path}/set", json={"password": "592704"}).status_code == 201
    token = owner.ask("POST", f"{path}/verify", json={"password": "592704"}).json["access_token"]
    by_password = Member(owner.client, {"Authorization": f"Bearer {token}"})
    assert by_password.member == patient.member


def test_nobody_else_is_known(app: Flask, visitor: Person, starter: Person, staff: dict[str, str]):
    for headers in ({}, {"Authorization": "Bearer x"}, starter.bearer, staff, patient_headers(app, uuid.uuid4())):
        answer = visitor.client.get(f"{API}/me", headers=headers)
        assert answer.status_code == 401, headers


def test_a_cookie_speaks_only_for_pages_of_listed_origins(app: Flask, owner: Person):
    browser = app.test_client()
    browser.set_cookie("welno_session", owner.token)
    body = {"requestId": str(uuid.uuid4()), "members": []}
    assert browser.get(f"{API}/me").status_code == 200
    assert code(browser.post(API, json=body, headers={"Origin": "http://evil.test"})) == (403, "ORIGIN_NOT_ALLOWED")
    assert browser.post(API, json=body, headers={"Origin": ORIGIN}).status_code == 201


def test_the_same_request_makes_one_thread(nurse: Member, patient: Member):
    body = {"requestId": str(uuid.uuid4()), "members": [{"memberId": patient.member, "role": "reader"}]}
    first, again = nurse.post("", body), nurse.post("", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert (first.json["lastSeq"], first.json["keyState"]) == (0, "missing")
    roles = {one["memberId"]: one["role"] for one in first.json["members"]}
    assert roles == {nurse.member: "owner", patient.member: "reader"}
    assert patient.post("", body | {"members": []}).json["threadId"] != first.json["threadId"]
    assert nurse.get(f"/{first.json['threadId']}/recent").json["items"] == []


def test_only_new_threads_are_counted(app_of: AppOf, web_settings: Settings, nurse: Member):
    limited = replace(web_settings, threads=replace(web_settings.threads, create_limit="2 per hour"))
    here = Member(app_of(limited).test_client(use_cookies=False), nurse.headers)
    first, *others = ({"requestId": str(uuid.uuid4()), "members": []} for _ in range(3))
    assert [here.post("", first).status_code for _ in range(4)] == [201, 200, 200, 200]
    assert [here.post("", one).status_code for one in others] == [201, 429]
    assert here.post("", first).status_code == 200
    assert len(here.get("").json["threads"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"requestId": "x"},
        {"members": None},
        {"members": [{"memberId": "service:other", "role": "writer"}]},
        {"members": [{"memberId": "staff:", "role": "writer"}]},
        {"members": [{"memberId": "staff:a", "role": "admin"}]},
        {"threadId": "x"},
    ],
    ids=str,
)
def test_what_is_malformed_makes_no_thread(nurse: Member, change: dict[str, Any]):
    assert code(nurse.post("", {"requestId": str(uuid.uuid4()), "members": []} | change)) == (400, "VALIDATION_FAILED")


def test_who_is_told_twice_has_one_role(nurse: Member, patient: Member):
    def create(*roles: str) -> Any:
        members = [{"memberId": patient.member, "role": role} for role in roles]
        return nurse.post("", {"requestId": str(uuid.uuid4()), "members": members})

    assert code(create("reader", "owner")) == (400, "VALIDATION_FAILED")
    assert create("reader", "reader").status_code == 201


def test_a_thread_has_no_more_members_than_may_be(nurse: Member):
    body = {
        "requestId": str(uuid.uuid4()),
        "members": [{"memberId": f"staff:{n}", "role": "reader"} for n in range(20)],
    }
    assert code(nurse.post("", body)) == (409, "TOO_MANY_MEMBERS")
    assert nurse.post("", body | {"members": body["members"][1:]}).status_code == 201


def test_one_call_tells_where_news_are(talk: Talk, nurse: Member, patient: Member):
    talk.say(nurse, 3)
    assert patient.post(f"/{talk.id}/ack", {"seq": 2}).json["ackedSeq"] == 2
    assert patient.post(f"/{talk.id}/ack", {"seq": 1}).json["ackedSeq"] == 2
    assert patient.post(f"/{talk.id}/ack", {"seq": 9}).status_code == 400
    [mine] = patient.get("").json["threads"]
    assert {name: mine[name] for name in ("threadId", "lastSeq", "ackedSeq", "role", "keyState")} == {
        "threadId": talk.id,
        "lastSeq": 4,
        "ackedSeq": 2,
        "role": "writer",
        "keyState": "ok",
    }


def test_what_one_sends_the_other_reads_and_opens(talk: Talk, nurse: Member, patient: Member):
    seqs = talk.say(patient, 2, plaintext="혈압 128/82".encode())
    items = patient.get(f"/{talk.id}/recent", limit=2).json["items"]
    assert [one["seq"] for one in items] == seqs
    keys = nurse.get(f"/{talk.id}/keys", deviceId=nurse.device.device_id).json["keys"]
    secret = nurse.device.open_wrap(keys[0]["wrapped"], talk.id, "k1")
    assert [open_envelope(one["envelope"], secret).decode() for one in items] == ["혈압 128/82"] * 2
    assert {one["from"] for one in items} == {patient.member}


def test_pages_of_the_newest_lead_back_to_the_first(talk: Talk, nurse: Member):
    talk.say(nurse, 6)
    page = nurse.get(f"/{talk.id}/recent", limit=3).json
    assert ([one["seq"] for one in page["items"]], page["firstSeq"], page["hasMore"]) == ([5, 6, 7], 5, True)
    page = nurse.get(f"/{talk.id}/recent", limit=10, beforeSeq=5).json
    assert ([one["seq"] for one in page["items"]], page["hasMore"], page["lastSeq"]) == ([1, 2, 3, 4], False, 7)
    for limit in (0, 501, "x"):
        assert nurse.get(f"/{talk.id}/recent", limit=limit).status_code == 400


def test_a_range_is_the_same_bytes_again(talk: Talk, nurse: Member):
    talk.say(nurse, 4)
    recent, again = nurse.get(f"/{talk.id}/recent"), nurse.get(f"/{talk.id}/range", fromSeq=1, toSeq=99)
    assert orjson.loads(recent.data)["items"] == orjson.loads(again.data)["items"]
    assert recent.data[recent.data.index(b'"items":') :][:500] == again.data[again.data.index(b'"items":') :][:500]
    assert [one["seq"] for one in nurse.get(f"/{talk.id}/range", fromSeq=2, toSeq=3).json["items"]] == [2, 3]
    behind = nurse.get(f"/{talk.id}/range", after=f"{again.json['epoch']}:3").json
    assert [one["seq"] for one in behind["items"]] == [4, 5]
    other_life = nurse.get(f"/{talk.id}/range", after="0123456789abcdef:3").json
    assert [one["seq"] for one in other_life["items"]] == [1, 2, 3, 4, 5]


def test_a_page_is_bounded_by_bytes(talk: Talk, nurse: Member):
    for _ in range(6):
        talk.say(nurse, 5, plaintext=b"x" * 40_000)
    page = nurse.get(f"/{talk.id}/range", fromSeq=1)
    assert len(page.data) < 1024 * 1024 + 2048
    assert 15 < len(page.json["items"]) <= 20


def test_strangers_learn_nothing(talk: Talk, doctor: Member):
    doctor.register()
    unknown = "A" * 22
    paths = [
        ("GET", "/recent", None),
        ("GET", "/range", None),
        ("GET", "/range?after=1&wait=5", None),
        ("GET", "/events", None),
        ("GET", "/status", None),
        ("GET", "/devices", None),
        ("GET", f"/keys?deviceId={doctor.device.device_id}", None),
        ("POST", "/ack", {"seq": 1}),
        ("POST", "/keys", doctor.device.keyset(talk.id, "k2", bytes(32), [doctor.device])),
        ("POST", "/keys/k1/wraps", {"wraps": []}),
        ("POST", "/members", {"memberId": doctor.member, "role": "owner", "history": "all"}),
        ("POST", "/members/role", {"memberId": doctor.member, "role": "owner"}),
        ("POST", "/members/remove", {"memberId": doctor.member}),
        ("DELETE", "", None),
    ]
    for method, path, body in paths:
        answers = [doctor.ask(method, f"/{one}{path}", json=body) for one in (talk.id, unknown, "x", "%20")]
        assert {code(one) for one in answers} == {(404, "THREAD_NOT_FOUND")}, path
        told = [one.json["error"] for one in answers]
        assert all(one == told[0] for one in told)


def test_whoever_reads_without_an_end_is_bounded_before_a_row_is_held(
    app: Flask, talk: Talk, nurse: Member, patient: Member
):
    spend_acts(app, nurse)
    device = nurse.device.device_id
    paths = [
        ("GET", f"/{talk.id}/recent", None),
        ("GET", f"/{talk.id}/range", None),
        ("GET", f"/{talk.id}/events", None),
        ("POST", f"/{talk.id}/ack", {"seq": 1}),
        ("GET", f"/{talk.id}/keys?deviceId={device}", None),
        ("POST", f"/{talk.id}/keys", talk.keyset("k2", [nurse.device])),
        ("POST", f"/{talk.id}/members/role", {"memberId": patient.member, "role": "reader"}),
        ("POST", f"/{talk.id}/members/remove", {"memberId": patient.member}),
        ("POST", f"/{talk.id}/members", {"memberId": "staff:x", "role": "reader", "history": "all"}),
        ("DELETE", f"/{talk.id}", None),
        ("POST", f"/{talk.id}/keys/k1/wraps", {"wraps": []}),
        ("POST", "/devices", nurse.device.registration()),
        ("POST", f"/devices/{device}/approve", nurse.device.approval_of(nurse.device)),
        ("POST", f"/devices/{device}/revoke", None),
    ]
    for method, path, body in paths:
        answer = nurse.ask(method, path, json=body)
        assert code(answer) == (429, "RATE_LIMITED"), path
        assert "Retry-After" in answer.headers
    assert patient.get(f"/{talk.id}/recent").status_code == 200


def test_whoever_reads_is_answered_without_redis(talk: Talk, patient: Member, redis_client: redis.Redis):
    redis_client.config_set("maxmemory", "1")
    try:
        assert [one["seq"] for one in patient.get(f"/{talk.id}/recent").json["items"]] == [1]
    finally:
        redis_client.config_set("maxmemory", "0")


def test_a_member_without_the_role_is_forbidden(talk: Talk, nurse: Member, patient: Member):
    role = {"memberId": patient.member, "role": "owner"}
    for path, body in (
        ("/members", role | {"history": "all"}),
        ("/members/role", role),
        ("/members/remove", {"memberId": nurse.member}),
        ("/keys", patient.device.keyset(talk.id, "k2", bytes(32), [patient.device])),
    ):
        assert code(patient.post(f"/{talk.id}{path}", body)) == (403, "FORBIDDEN"), path
    assert code(patient.ask("DELETE", f"/{talk.id}")) == (403, "FORBIDDEN")


def test_who_is_in_is_not_added_as_somebody_else(talk: Talk, nurse: Member, patient: Member, doctor: Member):
    path, status = f"/{talk.id}/members", f"/{talk.id}/status"
    now = {"memberId": doctor.member, "role": "reader", "history": "all"}
    assert [nurse.post(path, now).status_code for _ in range(2)] == [201, 200]
    before = nurse.get(status).json["members"]
    by_role = "이미 대화방에 있어요. 역할은 members/role로 바꿔 주세요."
    by_history = "이미 대화방에 있어요. 볼 수 있는 범위를 바꾸려면 members/remove로 내보낸 뒤 다시 추가해 주세요."
    for field, value, sentence in (("role", "writer", by_role), ("history", "from_now", by_history)):
        refused = nurse.post(path, now | {field: value})
        assert (code(refused), refused.json["error"]["details"]) == ((400, "VALIDATION_FAILED"), {field: [sentence]})
    assert code(nurse.post(path, {"memberId": nurse.member, "role": "reader", "history": "all"}))[0] == 400
    assert nurse.get(status).json["members"] == before
    assert [one["event"] for one in talk.items(patient)][-1] == "member_added"


def test_the_last_owner_stays(talk: Talk, nurse: Member, patient: Member):
    for path, body in (("role", {"memberId": nurse.member, "role": "reader"}), ("remove", {"memberId": nurse.member})):
        assert code(nurse.post(f"/{talk.id}/members/{path}", body)) == (409, "LAST_OWNER")
    promoted = {"memberId": patient.member, "role": "owner"}
    assert nurse.post(f"/{talk.id}/members/role", promoted).status_code == 200
    assert nurse.post(f"/{talk.id}/members/role", promoted).status_code == 200
    assert nurse.post(f"/{talk.id}/members/role", {"memberId": nurse.member, "role": "reader"}).status_code == 200
    told = [(one["event"], one["data"]) for one in talk.items(patient)]
    assert told[1:] == [
        ("role_changed", {"memberId": patient.member, "role": "owner"}),
        ("role_changed", {"memberId": nurse.member, "role": "reader"}),
    ]


def test_closing_erases_what_was_written(talk: Talk, nurse: Member, patient: Member, app: Flask, engine: Engine):
    talk.say(patient, 3)
    assert nurse.ask("DELETE", f"/{talk.id}").status_code == 204
    for member in (nurse, patient):
        assert code(member.get(f"/{talk.id}/recent")) == (404, "THREAD_NOT_FOUND")
        assert member.get("").json["threads"] == []
    with engine.connect() as connection:
        kept = connection.execute(text("select count(*) from welno.welno_thread_items where payload is not null"))
        wraps = connection.execute(text("select count(*) from welno.welno_thread_wraps"))
        assert (kept.scalar_one(), wraps.scalar_one()) == (0, 0)
    assert parts(app).stores.streams.read_after(f"thread:{talk.id}", 0).events == []


def test_a_thread_is_closed_while_redis_takes_nothing(
    talk: Talk, nurse: Member, patient: Member, redis_client: redis.Redis
):
    talk.say(patient, 3)
    redis_client.config_set("min-replicas-to-write", "1")
    try:
        assert nurse.ask("DELETE", f"/{talk.id}").status_code == 204
    finally:
        redis_client.config_set("min-replicas-to-write", "0")
    assert code(patient.get(f"/{talk.id}/recent")) == (404, "THREAD_NOT_FOUND")


def test_a_login_that_was_taken_back_opens_nothing(talk: Talk, nurse: Member, engine: Engine):
    with engine.begin() as connection:
        connection.execute(
            text("update welno.logins set revoked_at = now(), revoked_why = 'disabled' where scope = :scope"),
            {"scope": Scope.JOURNEY},
        )
    assert code(nurse.get(f"/{talk.id}/recent")) == (401, "TOKEN_REVOKED")


def test_what_a_patient_and_a_doctor_write_apart_stays_apart(talk: Talk, nurse: Member, doctor: Member):
    other = begin_talk(doctor)
    swapped = talk.envelope(nurse) | {"threadId": other.id}
    [result] = nurse.push(swapped).json["results"]
    assert (result["status"], result["code"]) == ("rejected", "THREAD_NOT_FOUND")
    [result] = doctor.push(talk.envelope(doctor)).json["results"]
    assert (result["status"], result["code"]) == ("rejected", "THREAD_NOT_FOUND")
