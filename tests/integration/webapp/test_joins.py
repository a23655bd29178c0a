"""Two patients who are one person: joined by the older one's password alone, listed as one, undone exactly."""

import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import text
from werkzeug.test import TestResponse

from core.clock import clock
from models.patients import Export
from services.patients.exports import resend_exports
from services.personal_data import build_erasure_job
from services.personal_exports import build_export
from spool import Disk, Spool
from webapp.current import parts

from .conftest import checkup, treatment
from .people import FORM, Person, arrive, collect

OLD_PHONE = "01055556666"
OLDER = {name: FORM[name] for name in ("user_name", "birthdate")} | {"phone_no": OLD_PHONE, "password": "592704"}


@pytest.fixture
def older(app: Flask) -> Person:
    """The same person with the number of before, and a password."""
    person = arrive(app, phone_no=OLD_PHONE)
    collect(app, person, [checkup(), checkup("2019년", "04/05")], [treatment("2019-04-06")])
    body = {"password": "592704"}
    assert person.ask("POST", f"/patients/{person.patient_uuid}/password/set", json=body).status_code == 201
    return person


@pytest.fixture
def newer(app: Flask, older: Person) -> Person:
    person = arrive(app)
    collect(app, person, [checkup(), checkup("2024년", "03/02")], [treatment()])
    return person


def join(person: Person, **changes: Any) -> TestResponse:
    return person.ask("POST", f"/patients/{person.patient_uuid}/join", json=OLDER | changes)


def undo(person: Person) -> TestResponse:
    return person.ask("DELETE", f"/patients/{person.patient_uuid}/join")


def days(person: Person, kind: str = "checkups", name: str = "checkup_date") -> list[str]:
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/{kind}")
    return [item[name] for item in answer.json["items"]]


def actions(person: Person) -> list[str]:
    items = person.ask("GET", f"/patients/{person.patient_uuid}/access-log").json["items"]
    return [item["action"] for item in items]


def everything(app: Flask) -> list[Any]:
    with parts(app).stores.engine.connect() as connection:
        tables = ("welno_checkup_data", "welno_prescription_data", "welno_patients")
        return [connection.execute(text(f"select * from welno.{table} order by 1")).all() for table in tables]


def test_a_changed_number_alone_joins_nothing(older: Person, newer: Person):
    assert newer.patient_uuid != older.patient_uuid
    assert "2019-04-05" not in days(newer)


def test_the_older_password_joins_and_both_are_listed_as_one(older: Person, newer: Person):
    before = days(newer)
    answer = join(newer)
    assert answer.status_code == 200, answer.text
    assert answer.json["undo_until"] > answer.json["joined_at"]
    assert days(newer) == [*before, "2019-04-05"]
    assert "2019-04-06" in days(newer, "prescriptions", "treatment_date")


def test_a_day_that_both_were_told_of_is_listed_once(older: Person, newer: Person):
    join(newer)
    assert len(days(newer)) == len(set(days(newer)))


UNDATED = treatment("날짜 없음", place="누리약국")


@pytest.mark.parametrize(
    ("told_older", "told_newer", "listed"),
    [
        ([checkup("2015년", "")], [checkup("2015년", "", location="한빛 검진의원", 체중="70")], 1),
        ([checkup("2015년", "")], [checkup("2015년", "05/06")], 1),
        ([checkup("2015년", "05/06")], [checkup("2015년", "")], 1),
        ([checkup("2015년", "")], [checkup("2015년", "05/06", 체중="70")], 2),
        ([checkup("2015년", "")], [checkup("2016년", "")], 2),
        ([checkup("", "")], [checkup("", "")], 1),
        ([checkup("", "")], [checkup("", "", location="새봄의원")], 2),
    ],
)
def test_a_checkup_without_a_day_is_listed_once(
    app: Flask, older: Person, newer: Person, told_older: list[Any], told_newer: list[Any], listed: int
):
    for person, told, phone in ((older, told_older, OLD_PHONE), (newer, told_newer, FORM["phone_no"])):
        collect(app, arrive(app, phone_no=phone), told, [])
        assert len(days(person)) == 1
    join(newer)
    assert len(days(newer)) == listed


def test_a_treatment_without_a_day_is_listed_once(app: Flask, older: Person, newer: Person):
    other = UNDATED | {"ByungEuiwonYakGukMyung": "다온약국"}
    respelled = UNDATED | {"ByungEuiwonYakGukMyung": "누리 약국", "Address": "마포구  가온로"}
    collect(app, arrive(app, phone_no=OLD_PHONE), [], [UNDATED, other])
    collect(app, arrive(app), [], [respelled])
    join(newer)
    listed = newer.ask("GET", f"/patients/{newer.patient_uuid}/prescriptions").json["items"]
    names = [item["hospital_name"] for item in listed if item["treatment_date"] is None]
    assert sorted(names) == ["누리 약국", "다온약국"]


def test_the_state_of_a_completed_session_shows_them_too(older: Person, newer: Person):
    join(newer)
    told = newer.session("GET", "/status").json["health_data"]
    assert "2019-04-05" in [item["checkup_date"] for item in told]


def test_whether_they_are_joined_is_told_to_the_newer(newer: Person):
    where = f"/patients/{newer.patient_uuid}/join"
    assert newer.ask("GET", where).json == {"success": True, "joined": False}
    joined = join(newer).json
    state = newer.ask("GET", where).json
    assert state == {
        "success": True,
        "joined": True,
        "joined_at": joined["joined_at"],
        "undo_until": joined["undo_until"],
    }
    undo(newer)
    assert newer.ask("GET", where).json["joined"] is False


def test_joining_and_undoing_rewrites_no_row(app: Flask, older: Person, newer: Person):
    before, listed = everything(app), days(newer)
    etag = newer.ask("GET", f"/patients/{newer.patient_uuid}/checkups").headers["ETag"]
    join(newer)
    assert newer.ask("GET", f"/patients/{newer.patient_uuid}/checkups").headers["ETag"] != etag
    assert undo(newer).status_code == 204
    assert (everything(app), days(newer)) == (before, listed)


@pytest.mark.parametrize(
    "change", [{"password": "804365"}, {"user_name": "이바다"}, {"birthdate": "19840518"}, {"phone_no": "01099990000"}]
)
def test_nothing_but_all_of_it_joins(older: Person, newer: Person, change: dict[str, str]):
    answer = join(newer, **change)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "LOGIN_FAILED")
    assert "2019-04-05" not in days(newer)


def test_the_older_is_not_joined_by_the_newer_ones_password(app: Flask, older: Person, newer: Person):
    body = {"password": "718293"}
    assert newer.ask("POST", f"/patients/{newer.patient_uuid}/password/set", json=body).status_code == 201
    answer = join(older, phone_no=FORM["phone_no"], password="718293")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "NOT_JOINABLE")


def test_no_chart_comes_of_three(app: Flask, older: Person, newer: Person):
    join(newer)
    third = arrive(app, phone_no="01077778888")
    collect(app, third, [checkup()], [])
    assert join(third).json["error"]["code"] == "NOT_JOINABLE"
    assert join(newer).status_code == 200


def test_two_people_are_not_joined_though_one_knows_the_others_password(app: Flask, older: Person):
    other = arrive(app, user_name="박바다", phone_no="01087654321", birthdate="19790102")
    collect(app, other, [checkup()], [])
    answer = join(other)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "NOT_JOINABLE")
    assert "2019-04-05" not in days(other)


def test_the_older_one_sees_that_they_are_shown_and_ends_it_at_any_time(app: Flask, older: Person, newer: Person):
    where = f"/patients/{older.patient_uuid}/join"
    before = days(newer)
    join(newer)
    assert older.ask("GET", where).json == {"success": True, "joined": False, "shown_elsewhere": True}
    with parts(app).stores.engine.begin() as connection:
        connection.execute(text("update welno.welno_patient_joins set joined_at = now() - interval '31 days'"))
    assert undo(older).status_code == 204
    assert (days(newer), older.ask("GET", where).json) == (before, {"success": True, "joined": False})
    assert "undo_join" in actions(older)
    assert "undo_join" in actions(newer)


@pytest.mark.parametrize("how", ["a password changed", "a password reset", "all others ended"])
def test_who_reads_by_a_join_is_thrown_out_with_the_others(older: Person, newer: Person, how: str):
    before, path = days(newer), f"/patients/{older.patient_uuid}"
    join(newer)
    changed = {"current_password": "592704", "new_password": "804365"}
    done = {
        "a password changed": lambda: older.ask("POST", f"{path}/password/change", json=changed),
        "a password reset": lambda: older.ask("POST", f"{path}/password/reset", json={"password": "804365"}),
        "all others ended": lambda: older.ask("DELETE", f"{path}/sessions"),
    }[how]()
    assert done.status_code < 300
    assert days(newer) == before
    assert [actions(one).count("undo_join") for one in (older, newer)] == [1, 1]


def test_who_throws_others_out_without_a_join_has_ended_none(older: Person):
    assert older.ask("DELETE", f"/patients/{older.patient_uuid}/sessions").status_code == 204
    assert "undo_join" not in actions(older)


def test_the_newer_ones_own_sign_outs_and_passwords_leave_the_join(older: Person, newer: Person):
    join(newer)
    assert newer.ask("DELETE", f"/patients/{newer.patient_uuid}/sessions").status_code == 204
    assert "2019-04-05" in days(newer)


def test_the_older_one_sees_nothing_of_the_newer(older: Person, newer: Person):
    join(newer)
    assert "2024-03-02" not in days(older)


def test_a_join_is_undone_once(older: Person, newer: Person):
    join(newer)
    assert undo(newer).status_code == 204
    assert undo(newer).status_code == 404


def test_after_thirty_days_it_stays(app: Flask, older: Person, newer: Person):
    join(newer)
    with parts(app).stores.engine.begin() as connection:
        connection.execute(text("update welno.welno_patient_joins set joined_at = now() - interval '31 days'"))
    answer = undo(newer)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "JOIN_SETTLED")


def test_both_logs_know_of_it_and_of_each_look(older: Person, newer: Person):
    join(newer)
    days(newer)
    assert actions(newer) == ["checkups", "join"]
    assert actions(older)[:2] == ["access_log", "checkups"]
    assert "join" in actions(older)


def test_an_export_holds_both(app: Flask, older: Person, newer: Person):
    join(newer)
    export_id = newer.ask("POST", f"/patients/{newer.patient_uuid}/export").json["export_id"]
    here = parts(app)
    assert build_export(here.stores, here.spool, UUID(export_id))
    with here.stores.sessions() as session:
        assert session.get_one(Export, UUID(export_id)).state == "ready"
    assert newer.patient_uuid is not None
    archive = zipfile.ZipFile(io.BytesIO(here.spool.archives.read(newer.patient_uuid, UUID(export_id))))
    assert b"2019-04-05" in archive.read("joined/checkups.json")
    assert b"2019-04-05" not in archive.read("checkups.json")


@pytest.mark.parametrize("how", ["undone by the older", "undone by the newer", "a new password"])
def test_an_export_of_before_the_end_of_a_join_holds_the_older_no_more(
    app: Flask, older: Person, newer: Person, how: str
):
    join(newer)
    where = f"/patients/{newer.patient_uuid}"
    export_id = UUID(newer.ask("POST", f"{where}/export").json["export_id"])
    here = parts(app)
    assert build_export(here.stores, here.spool, export_id)
    url = newer.ask("GET", f"{where}/exports/{export_id}").json["url"]
    if how == "a new password":
        body = {"password": "804365"}
        assert older.ask("POST", f"/patients/{older.patient_uuid}/password/reset", json=body).status_code == 200
    else:
        assert undo(older if how == "undone by the older" else newer).status_code == 204
    assert newer.client.get(url).status_code == 404
    assert newer.ask("GET", f"{where}/exports/{export_id}").json == {"success": True, "state": "building"}
    with here.stores.unit_of_work() as work:
        assert resend_exports(work, clock.now() + timedelta(seconds=1)) == 1
    assert build_export(here.stores, here.spool, export_id)
    assert newer.patient_uuid is not None
    archive = zipfile.ZipFile(io.BytesIO(here.spool.archives.read(newer.patient_uuid, export_id)))
    assert not [name for name in archive.namelist() if name.startswith("joined/")]


class DiskOfThePartedTwo(Disk):
    """The older one ends the join in the moment when the archive has its name."""

    def __init__(self, older: Person) -> None:
        self._older = older

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        assert undo(self._older).status_code == 204


def test_an_archive_whose_join_ends_while_it_is_built_does_not_stay(app: Flask, older: Person, newer: Person):
    join(newer)
    where, here = f"/patients/{newer.patient_uuid}", parts(app)
    export_id = UUID(newer.ask("POST", f"{where}/export").json["export_id"])
    spool = Spool(here.spool.storage.root, here.stores.sealer, clock, DiskOfThePartedTwo(older))
    assert not build_export(here.stores, spool, export_id)
    assert newer.ask("GET", f"{where}/exports/{export_id}").json == {"success": True, "state": "building"}
    assert newer.patient_uuid is not None
    assert here.spool.archives.count(newer.patient_uuid) == 0


def test_the_trends_of_an_export_show_what_the_list_shows(app: Flask, older: Person, newer: Person):
    """A day of both once, and nothing that the insurer withdrew."""
    join(newer)
    assert newer.patient_uuid is not None
    here = parts(app)
    withdrawn = text("update welno.welno_checkup_data set withdrawn_at = now() where checkup_date = '2024-03-02'")
    with here.stores.engine.begin() as connection:
        assert connection.execute(withdrawn).rowcount == 1
    export_id = UUID(newer.ask("POST", f"/patients/{newer.patient_uuid}/export").json["export_id"])
    assert build_export(here.stores, here.spool, export_id)
    archive = zipfile.ZipFile(io.BytesIO(here.spool.archives.read(newer.patient_uuid, export_id)))
    pages = PdfReader(io.BytesIO(archive.read("trends.pdf"))).pages
    weights = "\n".join(page.extract_text() for page in pages).partition("체중 (kg)")[2].partition("혈압")[0]
    assert re.findall(r"\d{4}\.\d\d\.\d\d", weights) == sorted(day.replace("-", ".") for day in days(newer))


def erase(app: Flask, person: Person) -> list[str]:
    """The ids of the erasures that this began, each done to its end."""
    body = person.ask("DELETE", f"/patients/{person.patient_uuid}", json={}).json
    ids = [body[name] for name in ("erasure_id", "joined_erasure_id") if name in body]
    job = build_erasure_job(parts(app).stores, parts(app).spool)
    for one in ids:
        job.run(UUID(one))
    return ids


def patients(app: Flask) -> set[UUID]:
    with parts(app).stores.engine.connect() as connection:
        return set(connection.execute(text("select uuid from welno.welno_patients")).scalars())


def test_who_is_erased_is_erased_with_the_joined_records(app: Flask, older: Person, newer: Person):
    join(newer)
    assert len(erase(app, newer)) == 2
    assert patients(app) == set()
    with parts(app).stores.engine.connect() as connection:
        assert connection.execute(text("select count(*) from welno.welno_checkup_data")).scalar_one() == 0


def test_erasing_the_older_alone_leaves_the_newer_as_it_was(app: Flask, older: Person, newer: Person):
    before = days(newer)
    join(newer)
    assert len(erase(app, older)) == 1
    assert patients(app) == {newer.patient_uuid}
    assert days(newer) == before
    assert actions(newer).count("undo_join") == 1


@pytest.mark.parametrize("is_named_by_newer", [False, True])
def test_an_operator_ends_the_sessions_of_both(
    app: Flask, staff: dict[str, str], older: Person, newer: Person, is_named_by_newer: bool
):
    """A lost phone shows both, by whichever of the two it is named."""
    assert join(newer).status_code == 200
    body = {"id": str((newer if is_named_by_newer else older).patient_uuid), "reason": "전화로 휴대폰 분실 신고"}
    answer = app.test_client(use_cookies=False).post("/api/v1/admin/sessions/end", json=body, headers=staff)
    assert answer.json == {"success": True, "ended": 2}
    for person in (older, newer):
        assert person.ask("GET", f"/patients/{person.patient_uuid}/checkups").status_code == 404
    here = parts(app).stores
    with here.sessions() as session:
        for person in (older, newer):
            assert person.patient_uuid is not None
            looks, _ = here.access_log.list_looks_at(session, person.patient_uuid, limit=2)
            assert sorted((one.what, one.reason) for one in looks) == [
                ("sessions", "전화로 휴대폰 분실 신고"),
                ("undo_join", None),
            ]
