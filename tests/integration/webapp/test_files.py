"""The operators' files over HTTP."""

import io
from uuid import uuid4

import orjson
import pytest
from flask import Flask

from core.clock import clock
from services.collection.files import packages_of
from spool import AnswerKind, KeptAnswer, Spool
from tests.integration.services.conftest import MakePackages, checkup, make_identity, make_packages
from webapp.auth import Role
from webapp.cookies import PATIENT_COOKIE
from webapp.current import parts
from webapp.staff_token import make_token

from .people import API

__all__ = ["make_identity", "make_packages", "packages_of"]
Headers = dict[str, str]
FILES = f"{API}/admin/files"


@pytest.fixture
def spool(app: Flask) -> Spool:
    return parts(app).spool


@pytest.fixture
def parked(spool: Spool, make_packages: MakePackages) -> str:
    name = spool.put_pending(make_packages(health=[checkup()], now=clock.now())[0])
    spool.park(name, "checksum")
    return name


def test_staff_see_counts_and_failed_files(app: Flask, staff: Headers, parked: str):
    answer = app.test_client().get(FILES, headers=staff).json
    assert answer["counts"]["parked"] == 1
    assert [(file["name"], file["parked"], file["last_error"]) for file in answer["files"]] == [
        (parked, True, "checksum")
    ]


def test_staff_see_waiting_files(app: Flask, staff: Headers, spool: Spool, make_packages: MakePackages):
    name = spool.put_pending(make_packages(now=clock.now())[0])
    answer = app.test_client().get(f"{FILES}?folder=pending", headers=staff).json
    assert [file["name"] for file in answer["files"]] == [name]


def test_one_file_tells_its_story(app: Flask, staff: Headers, parked: str):
    story = app.test_client().get(f"{FILES}/{parked}", headers=staff).json["file"]
    assert story["history"][0]["reason"] == "checksum"
    assert "김하늘" not in str(story)


def test_a_retry_puts_the_file_back(app: Flask, staff: Headers, spool: Spool, parked: str):
    answer = app.test_client().post(f"{FILES}/{parked}/retry", headers=staff)
    assert (answer.status_code, spool.list_pending()) == (202, [parked])


def test_a_parked_file_may_be_discarded(app: Flask, staff: Headers, spool: Spool, parked: str):
    assert app.test_client().post(f"{FILES}/{parked}/discard", headers=staff).status_code == 200
    assert spool.counts()["failed"] == 0


def test_a_waiting_file_may_not_be_discarded(app: Flask, staff: Headers, spool: Spool, make_packages: MakePackages):
    name = spool.put_pending(make_packages(now=clock.now())[0])
    answer = app.test_client().post(f"{FILES}/{name}/discard", headers=staff)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "FILE_NOT_PARKED")


def test_who_retried_discarded_and_cleaned_is_named_in_the_log(
    app: Flask, staff: Headers, spool: Spool, parked: str, logged: io.StringIO
):
    client = app.test_client()
    client.post(f"{FILES}/{parked}/retry", headers=staff)
    spool.park(parked, "checksum")
    client.post(f"{FILES}/{parked}/discard", headers=staff)
    client.post(f"{FILES}/clean", json={"older_than_days": 7}, headers=staff)
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    told = [(line["event"], line.get("file"), line["by"]) for line in lines if "by" in line]
    who = told[0][2]
    assert who
    assert told == [
        ("file_requeued", parked, who),
        ("spool_file_discarded", parked, who),
        ("completed_files_removed", None, who),
    ]


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "x", "99999999-2222-4333-8444-555555555555", "%00"])
def test_a_name_that_is_none_is_not_found(app: Flask, staff: Headers, name: str):
    assert app.test_client().get(f"{FILES}/{name}", headers=staff).status_code == 404


@pytest.mark.parametrize(("days", "status"), [(7, 200), (6, 400), ("7", 400), (None, 400), (36_500, 200)])
def test_files_younger_than_seven_days_are_never_removed(app: Flask, staff: Headers, days: object, status: int):
    answer = app.test_client().post(f"{FILES}/clean", json={"older_than_days": days}, headers=staff)
    assert answer.status_code == status


def test_a_patients_token_is_no_staff_token(app: Flask):
    with app.app_context():
        token = make_token("patient", 1, Role.PATIENT)
    answer = app.test_client().get(FILES, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FORBIDDEN")


def test_a_staff_token_in_a_cookie_is_nobodys(app: Flask, staff: Headers):
    client = app.test_client()
    client.set_cookie(PATIENT_COOKIE, staff["Authorization"].removeprefix("Bearer "))
    assert client.get(FILES).status_code == 401


def test_a_token_signed_by_somebody_else_opens_nothing(app: Flask, staff: Headers):
    head, body, _ = staff["Authorization"].split(".")
    answer = app.test_client().get(FILES, headers={"Authorization": f"{head}.{body}.AAAA"})
    assert answer.status_code == 401


@pytest.fixture
def parked_answer(spool: Spool) -> str:
    """What a provider answered, and nobody could read."""
    session_id = str(uuid4())
    spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b"<html>"))
    return spool.park_incoming(session_id, AnswerKind.HEALTH, "not_json").name


def test_staff_see_and_discard_parked_answers(app: Flask, staff: Headers, parked: str, parked_answer: str):
    listed = app.test_client().get(FILES, headers=staff).json
    assert {file["name"] for file in listed["files"]} == {parked, parked_answer}
    assert listed["counts"]["failed"] == len(listed["files"])
    assert app.test_client().post(f"{FILES}/{parked_answer}/discard", headers=staff).status_code == 200
    assert [file["name"] for file in app.test_client().get(FILES, headers=staff).json["files"]] == [parked]


def test_a_parked_answer_is_no_package_to_import_again(app: Flask, staff: Headers, parked_answer: str):
    assert app.test_client().post(f"{FILES}/{parked_answer}/retry", headers=staff).status_code == 404
    assert app.test_client().get(f"{FILES}/{parked_answer}", headers=staff).json["file"]["parked"] is True
