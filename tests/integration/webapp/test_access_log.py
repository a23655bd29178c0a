"""The access log over HTTP: each look is written down, the person reads it, auditors see pseudonyms."""

import re
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from services.patients.access_chain import chain_key, check_day, known_days
from webapp.auth import Role
from webapp.current import parts
from webapp.staff_token import make_token

from .people import Person
from .test_who_may import CALLS

AUDIT, PASSWORD = "/api/v1/admin/access-log", "592704"
WHY = "분기 점검"
PLACES = {"한빛검진의원", "새봄약국"}


@pytest.fixture
def auditor(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {"Authorization": f"Bearer {make_token('auditor-1', 1, Role.AUDITOR)}"}


def read(person: Person, kind: str, **more) -> int:
    return person.ask("GET", f"/patients/{person.patient_uuid}/{kind}", **more).status_code


def looks(person: Person, query: str = "") -> list[tuple[str, str]]:
    items = person.ask("GET", f"/patients/{person.patient_uuid}/access-log{query}").json["items"]
    return [(item["actor_kind"], item["action"]) for item in items]


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_each_read_of_records_is_written_down(owner: Person, kind: str):
    assert read(owner, kind) == 200
    assert looks(owner) == [("session", kind)]


@pytest.mark.parametrize("path", ["/tilko/session/{s}/status", "/tilko/session/status/{s}"])
def test_the_records_in_the_state_of_a_session_are_written_down_too(owner: Person, path: str):
    assert len(owner.ask("GET", path.format(s=owner.session_id)).json["health_data"]) == 2
    assert looks(owner) == [("session", "prescriptions"), ("session", "checkups")]


def test_no_answer_holds_records_without_a_look(owner: Person):
    """Whichever route comes to give them: each that the guard of all routes knows."""
    told = []
    for name, call in CALLS.items():
        if call.method != "GET" or name == "session_stream.events":  # without an end; events hold counts and ids
            continue
        before = len(looks(owner, "?limit=100"))
        answer = owner.client.get(call.path.format(s=owner.session_id, p=owner.patient_uuid), headers=owner.bearer)
        if PLACES & set(re.findall(r"\w+", answer.text)):
            told.append(name)
            assert len(looks(owner, "?limit=100")) > before + 1, name  # the count of the looks is one itself
    assert {"patients.checkups", "patients.prescriptions", "sessions.status", "sessions.status_alias"} <= set(told)


def test_a_look_at_the_log_is_a_look(owner: Person):
    assert looks(owner) == []
    assert looks(owner) == [("session", "access_log")]


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_an_unchanged_answer_is_a_look_too(owner: Person, kind: str):
    etag = owner.ask("GET", f"/patients/{owner.patient_uuid}/{kind}").headers["ETag"]
    assert read(owner, kind, headers={"If-None-Match": etag}) == 304
    assert looks(owner) == [("session", kind)] * 2


def test_a_look_by_password_is_told_from_one_by_the_phone(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/password"
    assert owner.ask("POST", f"{path}/set", json={"password": PASSWORD}).status_code == 201
    token = owner.ask("POST", f"{path}/verify", json={"password": PASSWORD}).json["access_token"]
    by_password = Person(app.test_client(use_cookies=False), owner.session_id, token, owner.patient_uuid)
    assert read(by_password, "checkups") == 200
    assert looks(owner) == [("password", "checkups")]


def test_who_is_refused_leaves_no_look_but_sees_none_either(owner: Person, colleague: Person):
    path = f"/patients/{owner.patient_uuid}"
    assert colleague.ask("GET", f"{path}/checkups").status_code == 404
    assert colleague.ask("GET", f"{path}/access-log").status_code == 404
    assert looks(owner) == []


def test_the_person_is_told_in_plain_words_with_their_own_address(owner: Person):
    read(owner, "checkups", environ_base={"REMOTE_ADDR": "203.0.113.77"})
    [item] = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json["items"]
    assert (item["who"], item["what"]) == ("본인 (휴대폰 인증)", "건강검진 기록을 봤어요.")
    assert (item["address"], item["reason"]) == ("203.0.113.77", None)


def test_the_pages_of_the_log_follow_each_other(owner: Person):
    for kind in ("checkups", "prescriptions", "report"):
        read(owner, kind)
    first = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log?limit=2").json
    assert [item["action"] for item in first["items"]] == ["report", "prescriptions"]
    second = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log?limit=2&after={first['next']}").json
    assert [item["action"] for item in second["items"]] == ["checkups"]
    assert "next" not in second


@pytest.mark.parametrize("after", ["x", "20261125-", "99999999-1", "20261125-1%00", "-"])
def test_a_made_up_place_is_named(owner: Person, after: str):
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log?after={after}")
    assert answer.status_code == 400
    assert list(answer.json["error"]["details"]) == ["after"]


def test_an_auditor_sees_pseudonyms_and_is_seen(app: Flask, owner: Person, auditor: dict[str, str]):
    read(owner, "checkups")
    client = app.test_client(use_cookies=False)
    answer = client.get(AUDIT, query_string={"reason": WHY}, headers=auditor)
    [item] = answer.json["items"]
    assert item["action"] == "checkups"
    assert item["subject"] == parts(app).stores.access_log.subject_of(UUID(str(owner.patient_uuid)))
    for named in (str(owner.patient_uuid), owner.session_id, "127.0.0.1", "김하늘", "01012345678"):
        assert named not in answer.text
    of_one = client.get(AUDIT, query_string={"reason": WHY, "subject": item["subject"]}, headers=auditor)
    assert [one["action"] for one in of_one.json["items"]] == ["checkups"]
    told = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json["items"][0]
    assert (told["who"], told["action"], told["address"], told["reason"]) == ("담당 직원", "access_log", None, WHY)


@pytest.mark.parametrize("reason", [None, "", "짧음", "x" * 301])
def test_an_auditor_must_say_why(app: Flask, auditor: dict[str, str], reason: str | None):
    query = {} if reason is None else {"reason": reason}
    answer = app.test_client(use_cookies=False).get(AUDIT, query_string=query, headers=auditor)
    assert answer.status_code == 400
    assert list(answer.json["error"]["details"]) == ["reason"]


def test_operators_do_not_see_the_log(app: Flask, staff: dict[str, str]):
    assert app.test_client(use_cookies=False).get(f"{AUDIT}?reason={WHY}", headers=staff).status_code == 403


def test_all_looks_hold_the_chain(app: Flask, owner: Person):
    for kind in ("checkups", "prescriptions", "report", "access-log"):
        read(owner, kind)
    key = chain_key(parts(app).stores.settings.secrets.pseudonym_key)
    with parts(app).stores.sessions() as session:
        [checked] = [check_day(session, key, day, date.min) for day in known_days(session)]
    assert (checked.entries, checked.broken) == (4, None)


def test_what_cannot_be_written_down_is_not_shown(app: Flask, owner: Person, engine: Engine):
    change = "alter table welno.welno_access_log {} constraint full_now {}"
    with engine.begin() as connection:
        connection.execute(text(change.format("add", "check (seq < 0) not valid")))
    try:
        answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups")
    finally:
        with engine.begin() as connection:
            connection.execute(text(change.format("drop", "")))
    assert answer.status_code == 500
    assert "checkup_date" not in answer.text
