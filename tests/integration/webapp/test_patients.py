"""Stored records over HTTP: pages, ETags, who may read."""

import gzip
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from marshmallow import fields
from sqlalchemy import event, text

from core.clock import clock
from core.names import Step
from services.patients import records as stored_records
from tests.integration.services.conftest import checkup, treatment
from webapp.api.patients import records
from webapp.api.patients.schemas.records import ReportOutput
from webapp.current import parts
from webapp.replica_reads import AS_OF_HEADER

from .people import Person, arrive, change_run, collect, stranger


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_: object) -> None:
        statements.append(statement)

    engine = parts(app).stores.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_checkups_come_newest_first_and_page_by_page(owner: Person):
    first = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups?limit=1").json
    second = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups?limit=1&after={first['next']}").json
    days = [page["items"][0]["checkup_date"] for page in (first, second)]
    assert days == ["2024-03-02", "2023-09-28"]
    assert first["next_after"] == first["next"]  # its older name
    assert ("next" in second, second["next_after"]) == (False, None)


def test_without_a_replica_there_is_one_pool_and_nothing_is_told(app: Flask, owner: Person):
    assert parts(app).stores.replica is None
    assert AS_OF_HEADER not in owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").headers


def test_each_answer_that_a_replica_may_give_is_documented_with_its_age(app: Flask):
    paths = app.test_client().get("/api/openapi.json").json["paths"]
    answers = {path: one["get"]["responses"].get("200", {}) for path, one in paths.items() if "get" in one}
    told = {
        path.removeprefix("/api/v1") for path, answer in answers.items() if AS_OF_HEADER in answer.get("headers", {})
    }
    records = {f"/patients/{{patient_uuid}}/{kind}" for kind in ("checkups", "prescriptions", "report")}
    assert told == records | {"/admin/access-log"}


@pytest.mark.parametrize("kind", ["checkups", "prescriptions"])
def test_the_last_page_names_no_next_one(owner: Person, kind: str):
    assert "next" not in owner.ask("GET", f"/patients/{owner.patient_uuid}/{kind}").json


def test_it_is_told_whose_checkups_they_are_and_when_they_were_collected(owner: Person):
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").json
    assert answer["person"] == {"name": "김하늘", "birthdate": "1984-05-17", "gender": "M"}
    assert datetime.fromisoformat(answer["collected_at"]) <= clock.now()


def test_a_newer_answer_with_the_same_records_is_another_etag(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/checkups"
    etag = owner.ask("GET", path).headers["ETag"]
    with parts(app).stores.engine.begin() as connection:
        connection.execute(text("update welno.welno_record_answers set answered_at = answered_at + interval '1 day'"))
    assert owner.ask("GET", path, headers={"If-None-Match": etag}).status_code == 200


def test_measurements_are_numbers_and_what_is_missing_is_null(owner: Person):
    item = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").json["items"][0]
    assert item["height_cm"] == 171.3
    assert item["hemoglobin_g_dl"] is None


def test_prescriptions_carry_no_pictures_of_drugs(app: Flask):
    person = arrive(app)
    detail = {"ChoBangYakPumMyung": "가나정500mg", "DrugImage": "x" * 1000}
    rows = [treatment(RetrieveTreatmentInjectionInformationPersonDetailList=[detail])]
    collect(app, person, [], rows)
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/prescriptions")
    assert len(answer.json["items"]) == 1
    assert "가나정500mg" in str(answer.json)
    assert "DrugImage" not in answer.text


def test_pictures_come_when_they_are_asked_for(app: Flask):
    person = arrive(app)
    detail = {"ChoBangYakPumMyung": "가나정500mg", "RetrieveMdsupDtlInfo": {"DrugCode": "6", "DrugImage": "UElM"}}
    collect(app, person, [], [treatment(RetrieveTreatmentInjectionInformationPersonDetailList=[detail])])
    path = f"/patients/{person.patient_uuid}/prescriptions"
    plain, illustrated = person.ask("GET", path), person.ask("GET", f"{path}?images=1")
    assert "DrugImage" not in plain.text
    assert illustrated.json["items"][0]["details"] == [detail]
    assert plain.headers["ETag"] != illustrated.headers["ETag"]


def test_every_item_comes_as_it_was_served(app: Flask):
    person = arrive(app)
    collect(app, person, [checkup(**{"당화혈색소(HbA1c)": "５．６(정상)", "시력(좌/우)": "1.0/0.8"})], [])
    item = person.ask("GET", f"/patients/{person.patient_uuid}/checkups").json["items"][0]
    assert item["items"] == [
        {
            "name": "당화혈색소(HbA1c)",
            "value": "５．６(정상)",
            "number": 5.6,
            "unit": "",
            "references": [],
            "columns": [],
        },
        {
            "name": "시력(좌/우)",
            "value": "1.0/0.8",
            "number": None,
            "unit": "",
            "references": [],
            "columns": ["vision_left", "vision_right"],
        },
    ]
    assert (item["vision_left"], item["vision_right"], item["bone_density"]) == ("1.0", "0.8", None)


class ReportWithMore(ReportOutput):
    """As the next version may tell it."""

    explained = fields.String()


def test_a_version_that_tells_more_is_another_etag(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch):
    path = f"/patients/{owner.patient_uuid}/report"
    etag = owner.ask("GET", path).headers["ETag"]
    assert owner.ask("GET", path, headers={"If-None-Match": etag}).status_code == 304
    monkeypatch.setattr(records, "ReportOutput", ReportWithMore)
    assert owner.ask("GET", path, headers={"If-None-Match": etag}).status_code == 200


def test_a_version_that_knows_more_names_of_items_is_another_etag(
    app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch
):
    path = f"/patients/{owner.patient_uuid}/checkups"
    etag = owner.ask("GET", path).headers["ETag"]
    source = inspect.getsource
    monkeypatch.setattr(inspect, "getsource", lambda module: f"{source(module)}# another")
    stored_records.columns_version.cache_clear()
    answer = owner.ask("GET", path, headers={"If-None-Match": etag})
    monkeypatch.undo()
    stored_records.columns_version.cache_clear()
    assert (answer.status_code, owner.ask("GET", path, headers={"If-None-Match": etag}).status_code) == (200, 304)


@pytest.mark.parametrize("kind", ["checkups", "report"])
def test_another_spelling_of_the_person_is_another_etag(app: Flask, owner: Person, kind: str):
    path = f"/patients/{owner.patient_uuid}/{kind}"
    etag = owner.ask("GET", path).headers["ETag"]
    with parts(app).stores.engine.begin() as connection:
        connection.execute(text("update welno.welno_patients set gender = 'F'"))
    answer = owner.ask("GET", path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json["person"]["gender"]) == (200, "F")


def test_withdrawn_records_leave_the_list_and_change_the_etag(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/checkups"
    before = owner.ask("GET", path)
    with clock.frozen(clock.now() + timedelta(seconds=5)):
        collect(app, arrive(app), [checkup()], [])
    after = owner.ask("GET", path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert (len(before.json["items"]), len(after.json["items"])) == (2, 1)
    # The only treatment is of a day that the second session did not ask for.
    assert len(owner.ask("GET", f"/patients/{owner.patient_uuid}/prescriptions").json["items"]) == 1


def test_a_patient_without_a_report_has_none(owner: Person):
    told = owner.ask("GET", f"/patients/{owner.patient_uuid}/report").json
    assert told["report"] is None
    assert set(told["person"]) == {"name", "birthdate", "gender"}


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_unchanged_records_are_not_sent_again(owner: Person, kind: str):
    path = f"/patients/{owner.patient_uuid}/{kind}"
    etag = owner.ask("GET", path).headers["ETag"]
    again = owner.ask("GET", path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


def test_changed_records_have_another_etag(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/checkups"
    etag = owner.ask("GET", path).headers["ETag"]
    with clock.frozen(clock.now() + timedelta(seconds=5)):
        collect(app, arrive(app), [checkup(), checkup("2025년", "01/15")], [])
    assert owner.ask("GET", path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("kind", ["checkups", "prescriptions"])
def test_the_number_of_statements_does_not_grow_with_the_records(app: Flask, kind: str):
    few, many = arrive(app), arrive(app, user_name="박바다", phone_no="01087654321")
    collect(app, few, [checkup()], [treatment()])
    collect(
        app,
        many,
        [checkup(f"{year}년") for year in range(2000, 2020)],
        [treatment(f"20{n}-01-01") for n in range(10, 24)],
    )
    counts = []
    for person in (few, many):
        path = f"/patients/{person.patient_uuid}/{kind}"
        person.ask("GET", path)  # the first look makes the key of the patient's log
        with counted_statements(app) as statements:
            assert person.ask("GET", path).status_code == 200
        counts.append(len(statements))
    # Who asks, whether nobody has ended it, whether anything changed, the records, the look; of checkups also who it is
    # and when they were collected.
    assert counts[0] == counts[1] <= (9 if kind == "checkups" else 7)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=%00", "after=zzzz"])
def test_a_wrong_page_is_named(owner: Person, query: str):
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups?{query}")
    assert answer.status_code == 400
    assert list(answer.json["error"]["details"]) == [query.partition("=")[0]]


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_records_are_kept_by_the_persons_own_browser_alone_which_asks_each_time(owner: Person, kind: str):
    path = f"/patients/{owner.patient_uuid}/{kind}"
    answer = owner.ask("GET", path)
    unchanged = owner.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    for one, status in ((answer, 200), (unchanged, 304)):
        assert (one.status_code, one.headers["Cache-Control"]) == (status, "private, no-cache")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_told_of_the_person_besides_is_never_stored_on_the_way(owner: Person):
    for what in ("access-log", "consents", "sessions", "browser-key"):
        assert owner.ask("GET", f"/patients/{owner.patient_uuid}/{what}").headers["Cache-Control"] == "no-store"


def test_a_stranger_is_told_nothing_of_what_a_browser_kept(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/checkups"
    etag = owner.ask("GET", path).headers["ETag"]
    assert stranger(app).ask("GET", path, headers={"If-None-Match": etag}).status_code == 404


def test_records_are_compressed_for_who_takes_that(owner: Person):
    path = f"/patients/{owner.patient_uuid}/checkups"
    plain, small = owner.ask("GET", path), owner.ask("GET", path, headers={"Accept-Encoding": "br, gzip"})
    assert (plain.headers.get("Content-Encoding"), small.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 3
    assert plain.headers["ETag"] != small.headers["ETag"]
    for answer in (plain, small):
        assert "Accept-Encoding" in ", ".join(answer.headers.getlist("Vary"))
    refused = owner.ask("GET", path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_a_reserved_uuid_opens_nothing(app: Flask, owner: Person):
    claimant = arrive(app, patient_uuid=str(owner.patient_uuid))
    change_run(
        app,
        claimant.session_id,
        patient_uuid=owner.patient_uuid,
        auth_completed_at=clock.now(),
        step=Step.IDENTIFY_PATIENT,
    )
    assert claimant.ask("GET", f"/patients/{owner.patient_uuid}/checkups").status_code == 404


def test_an_unknown_patient_looks_like_somebody_elses(colleague: Person, owner: Person):
    unknown = colleague.ask("GET", f"/patients/{uuid4()}/checkups").json
    foreign = colleague.ask("GET", f"/patients/{owner.patient_uuid}/checkups").json
    assert unknown["error"] == foreign["error"]
