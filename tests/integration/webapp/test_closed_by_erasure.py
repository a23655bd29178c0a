"""With the answer to who asked for their erasure every way to their records is closed, before its job has begun."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core.clock import clock
from models.patients import PatientSession
from services.patient_sessions import find_held, list_open
from services.patients.session_rows import Visitor, find_open, note_identified, note_password
from services.personal_exports import build_export
from tests.integration.webapp.shl.conftest import Doctor, Links
from webapp.current import parts
from webapp.extensions import PATIENT_TOKEN_LIFE

from .people import API, FORM, Person, arrive

PASSWORD = "592704"
CLAIMED = {name: FORM[name] for name in ("user_name", "birthdate", "phone_no")} | {"password": PASSWORD}
READ = ["checkups", "prescriptions", "report", "browser-key", "sessions", "access-log", "consents", "join"]


@pytest.fixture
def patient(owner: Person) -> Person:
    body = {"password": PASSWORD}
    assert owner.ask("POST", f"/patients/{owner.patient_uuid}/password/set", json=body).status_code == 201
    return owner


def by_password(app: Flask, patient: Person) -> Person:
    """At another browser."""
    client = app.test_client(use_cookies=False)
    answer = client.post(f"{API}/patients/{patient.patient_uuid}/password/verify", json={"password": PASSWORD})
    return Person(client, patient.session_id, answer.json["access_token"], patient.patient_uuid)


def erase(patient: Person) -> None:
    answer = patient.ask("DELETE", f"/patients/{patient.patient_uuid}", json={})
    assert answer.status_code == 202, answer.text


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("verify", {"password": PASSWORD}),
        ("change", {"current_password": PASSWORD, "new_password": "816203"}),
        ("set", {"password": "816203"}),
        ("reset", {"password": "816203"}),
    ],
)
def test_no_password_opens_them(patient: Person, path: str, body: dict[str, str]):
    erase(patient)
    answer = patient.ask("POST", f"/patients/{patient.patient_uuid}/password/{path}", json=body)
    assert said(answer) == (404, "PATIENT_NOT_FOUND")
    assert "Set-Cookie" not in answer.headers


def test_nobody_signs_in_without_a_link(patient: Person):
    erase(patient)
    assert said(patient.ask("POST", "/patients/sign-in", json=CLAIMED)) == (401, "LOGIN_FAILED")


@pytest.mark.parametrize("kind", READ)
def test_who_had_them_open_reads_no_more(app: Flask, patient: Person, kind: str):
    elsewhere = by_password(app, patient)
    path = f"/patients/{patient.patient_uuid}/{kind}"
    assert [one.ask("GET", path).status_code for one in (patient, elsewhere)] == [200, 200]
    erase(patient)
    assert [one.ask("GET", path).status_code for one in (patient, elsewhere)] == [404, 404]
    assert patient.session("GET", "/status").status_code == 404


def test_a_password_that_was_being_compared_opens_nothing(app: Flask, patient: Person):
    """Its row comes behind the erasure, by a token that nothing has taken back."""
    erase(patient)
    here, patient_uuid, now = parts(app).stores, UUID(str(patient.patient_uuid)), clock.now()
    with here.unit_of_work() as work:
        row_id = note_password(
            work.session, patient_uuid, Visitor(), here.sealer, proved_at=now, life=PATIENT_TOKEN_LIFE
        )
        assert find_open(work.session, patient_uuid, row_id=row_id) is None
        assert list_open(work.session, patient_uuid, now) == []
        assert find_held(work.session, [row_id]) == {}


def test_an_approval_that_comes_late_opens_nothing(app: Flask, patient: Person):
    erase(patient)
    again, here, patient_uuid = arrive(app), parts(app).stores, UUID(str(patient.patient_uuid))
    with here.unit_of_work() as work:
        note_identified(work.session, UUID(again.session_id), patient_uuid, clock.now())
        assert find_open(work.session, patient_uuid, session_id=UUID(again.session_id)) is None


def test_the_link_of_an_archive_opens_nothing(app: Flask, patient: Person):
    path = f"/patients/{patient.patient_uuid}"
    export_id = patient.ask("POST", f"{path}/export").json["export_id"]
    build_export(parts(app).stores, parts(app).spool, UUID(export_id))
    url = patient.ask("GET", f"{path}/exports/{export_id}").json["url"]
    erase(patient)
    assert said(app.test_client().get(url)) == (404, "NOT_FOUND")


def test_what_was_shared_by_link_opens_no_more(app: Flask, patient: Person):
    links, doctor = Links(patient), Doctor(app.test_client(use_cookies=False))
    path = links.make()
    given = doctor.manifest(path, embeddedLengthMax=0).json["files"][0]["location"]
    erase(patient)
    assert doctor.manifest(path).status_code == 404
    assert doctor.get(given).status_code == 404
    assert links.ask("GET").status_code == 401


def test_threads_are_closed_to_every_session_of_theirs(app: Flask, patient: Person):
    elsewhere = by_password(app, patient)
    here = parts(app).stores
    with here.sessions() as session:
        rows = [row.id for row in session.query(PatientSession).filter_by(patient_uuid=patient.patient_uuid)]
        assert len(find_held(session, rows)) == 2
    erase(patient)
    for one in (patient, elsewhere):
        assert one.client.get("/api/threads/me", headers=one.bearer).status_code == 401
    with here.sessions() as session:
        assert find_held(session, rows) == {}  # by which the relay closes sockets and streams


def test_their_password_still_tells_how_far_the_erasure_is(app: Flask, patient: Person):
    """It opens nothing, and whoever asks again is given the same receipt."""
    first = patient.ask("DELETE", f"/patients/{patient.patient_uuid}", json={}).json["erasure_id"]
    again = app.test_client().delete(f"{API}/patients/{patient.patient_uuid}", json={"password": PASSWORD})
    assert (again.status_code, again.json["erasure_id"]) == (202, first)
