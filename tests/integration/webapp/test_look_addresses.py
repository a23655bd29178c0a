"""From where somebody looked stands in the access log as the whole address, whatever the limits count them by."""

from uuid import UUID

import pytest
from flask import Flask

from models.patients import AccessedWhat
from services.personal_exports import build_export
from tests.integration.webapp.shl.conftest import Links
from webapp.auth import Role
from webapp.current import parts
from webapp.staff_token import make_token

from .conftest import checkup
from .people import FORM, Person, arrive, collect

HOST = "2001:db8:1:2::77"
PASSWORD = "592704"
OLD_PHONE = "01055556666"


@pytest.fixture
def at_home(owner: Person) -> Person:
    """By IPv6, as most phones."""
    owner.client.environ_base["REMOTE_ADDR"] = HOST
    return owner


def addresses(app: Flask, person: Person) -> set[tuple[str, str | None]]:
    """Who looked at what of theirs, and the address as the patient's key opens it."""
    here = parts(app).stores
    assert person.patient_uuid is not None
    with here.sessions() as session:
        looks, _ = here.access_log.list_looks_at(session, person.patient_uuid, limit=100)
    return {(look.what, look.address) for look in looks}


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_a_look_at_records_is_from_a_whole_address(app: Flask, at_home: Person, kind: str):
    assert at_home.ask("GET", f"/patients/{at_home.patient_uuid}/{kind}").status_code == 200
    assert addresses(app, at_home) == {(kind, HOST)}


def test_the_person_reads_their_whole_address(at_home: Person):
    path = f"/patients/{at_home.patient_uuid}"
    at_home.ask("GET", f"{path}/checkups")
    [item] = at_home.ask("GET", f"{path}/access-log").json["items"]
    assert item["address"] == HOST


def test_a_look_by_staff_is_from_a_whole_address(app: Flask, owner: Person):
    with app.app_context():
        auditor = {"Authorization": f"Bearer {make_token('auditor-1', 1, Role.AUDITOR)}"}
    assert owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").status_code == 200
    subject = parts(app).stores.access_log.subject_of(UUID(str(owner.patient_uuid)))
    app.test_client(use_cookies=False).get(
        "/api/v1/admin/access-log",
        query_string={"reason": "분기 점검", "subject": subject},
        headers=auditor,
        environ_base={"REMOTE_ADDR": HOST},
    )
    assert (AccessedWhat.ACCESS_LOG, HOST) in addresses(app, owner)


def test_an_archive_is_fetched_from_a_whole_address(app: Flask, at_home: Person):
    path = f"/patients/{at_home.patient_uuid}"
    export_id = at_home.ask("POST", f"{path}/export").json["export_id"]
    build_export(parts(app).stores, parts(app).spool, UUID(export_id))
    url = at_home.ask("GET", f"{path}/exports/{export_id}").json["url"]
    assert app.test_client().get(url, environ_base={"REMOTE_ADDR": HOST}).status_code == 200
    assert addresses(app, at_home) == {(AccessedWhat.EXPORT, HOST)}


def test_an_erasure_is_asked_for_from_a_whole_address(app: Flask, at_home: Person):
    assert at_home.ask("DELETE", f"/patients/{at_home.patient_uuid}", json={}).status_code == 202
    assert (AccessedWhat.ERASURE, HOST) in addresses(app, at_home)


def test_patients_are_joined_and_parted_from_a_whole_address(app: Flask):
    older, newer = arrive(app, phone_no=OLD_PHONE), arrive(app)
    for person in (older, newer):
        collect(app, person, [checkup()], [])
    newer.client.environ_base["REMOTE_ADDR"] = HOST
    older.ask("POST", f"/patients/{older.patient_uuid}/password/set", json={"password": PASSWORD})
    claimed = {name: FORM[name] for name in ("user_name", "birthdate")} | {"phone_no": OLD_PHONE, "password": PASSWORD}
    path = f"/patients/{newer.patient_uuid}/join"
    assert newer.ask("POST", path, json=claimed).status_code == 200
    assert newer.ask("DELETE", path).status_code == 204
    known = {(AccessedWhat.JOIN, HOST), (AccessedWhat.UNDO_JOIN, HOST)}
    assert known <= addresses(app, newer)
    assert known <= addresses(app, older)


def test_a_link_is_opened_from_a_whole_address(app: Flask, at_home: Person):
    path = Links(at_home).make()
    doctor = app.test_client(use_cookies=False)
    opened = doctor.post(path, json={"recipient": "한빛의원"}, environ_base={"REMOTE_ADDR": HOST})
    assert opened.status_code == 200
    assert (AccessedWhat.SHARED, HOST) in addresses(app, at_home)
