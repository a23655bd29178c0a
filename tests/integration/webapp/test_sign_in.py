"""Signing in by name, birth date, phone and password: opens the records, and tells a guesser nothing."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from core.clock import clock
from services.patients.passwords import Passwords
from webapp.current import parts

from .people import API, FORM, Person, stranger

PATH = "/patients/sign-in"
ASKED: dict[str, Any] = {name: FORM[name] for name in ("user_name", "birthdate", "phone_no")} | {"password": "592704"}


@pytest.fixture
def protected(owner: Person) -> Person:
    body = {"password": "592704"}
    assert owner.ask("POST", f"/patients/{owner.patient_uuid}/password/set", json=body).status_code == 201
    return owner


def ask(app: Flask, **changes: Any) -> TestResponse:
    return stranger(app).ask("POST", PATH, json=ASKED | changes)


def test_who_comes_back_needs_no_link(app: Flask, protected: Person):
    client = app.test_client()
    answer = client.post(API + PATH, json=ASKED)
    assert (answer.status_code, UUID(answer.json["patient_uuid"])) == (200, protected.patient_uuid)
    assert answer.json["hospital_id"] == "PEERNINE"
    assert client.get(f"{API}/patients/{protected.patient_uuid}/checkups").status_code == 200


def test_fields_may_be_typed_in_many_ways(app: Flask, protected: Person):
    typed = {"user_name": "김하늘 님", "phone_no": "+82 10 1234 5678", "birthdate": "1984-05-17"}
    assert ask(app, **typed).status_code == 200


def test_it_stands_in_the_list_of_sessions(app: Flask, protected: Person):
    ask(app)
    items = protected.ask("GET", f"/patients/{protected.patient_uuid}/sessions").json["items"]
    assert [one["opened_by"] for one in items] == ["password", "authenticator"]


@pytest.mark.parametrize(
    "change",
    [
        {"user_name": "이바다"},
        {"birthdate": "19840518"},
        {"phone_no": "01099998888"},
        {"password": "804365"},
    ],
)
def test_whatever_does_not_fit_is_answered_alike(app: Flask, protected: Person, change: dict[str, str]):
    answer, unknown = ask(app, **change), ask(app, user_name="없는사람")
    assert (answer.status_code, answer.json["error"]) == (401, unknown.json["error"])
    assert answer.json["error"]["code"] == "LOGIN_FAILED"
    assert "details" not in answer.json["error"]


def test_a_patient_without_a_password_and_a_locked_one_are_answered_alike(app: Flask, owner: Person):
    unset = ask(app)
    owner.ask("POST", f"/patients/{owner.patient_uuid}/password/set", json={"password": "592704"})
    wrong = [ask(app, password="804365") for _ in range(5)]
    locked = ask(app)
    errors = [answer.json["error"] for answer in (unset, *wrong, locked)]
    assert errors == [errors[0]] * 7


def test_five_wrong_tries_lock_it_and_a_new_approval_still_opens(app: Flask, protected: Person):
    for _ in range(5):
        ask(app, password="804365")
    assert ask(app).status_code == 401
    body = {"password": "804366"}
    assert protected.ask("POST", f"/patients/{protected.patient_uuid}/password/reset", json=body).status_code == 200
    assert ask(app, password="804366").status_code == 200


def test_the_lock_opens_by_itself(app: Flask, protected: Person):
    for _ in range(5):
        ask(app, password="804365")
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        assert ask(app).status_code == 200


@pytest.mark.parametrize("case", ["unknown", "unset", "wrong", "locked", "right"])
def test_each_case_costs_one_slow_comparison(app: Flask, owner: Person, case: str):
    """What a guesser could measure."""
    if case != "unset":
        owner.ask("POST", f"/patients/{owner.patient_uuid}/password/set", json={"password": "592704"})
    here, slow = parts(app).stores, []

    def run(function: Any, *args: str) -> Any:
        slow.append(function.__name__)
        return function(*args)

    passwords = Passwords(here.sessions, here.clock, here.password_hashes, run)
    uuid = None if case == "unknown" else owner.patient_uuid
    for _ in range(5 if case == "locked" else 0):
        passwords.fits(uuid, "804365")
    slow.clear()
    assert passwords.fits(uuid, "804365" if case == "wrong" else "592704") is (case == "right")
    assert len(slow) == 1


def test_guessing_is_limited_by_address(app: Flask, protected: Person):
    answers = [ask(app, user_name="없는사람").status_code for _ in range(9)]
    assert answers == [401] * 8 + [429]


def test_a_hospital_behind_one_address_signs_in_as_often_as_it_is_right(app: Flask, protected: Person):
    """The limit of the tests is eight: nine people who know their passwords, and then eight who guess."""
    verify = f"/patients/{protected.patient_uuid}/password/verify"
    right = [ask(app).status_code for _ in range(5)]
    right += [stranger(app).ask("POST", verify, json={"password": "592704"}).status_code for _ in range(5)]
    guessed = [ask(app, user_name=f"없는사람{letter}").status_code for letter in "가나다라마바사아자"]
    assert (right, guessed) == ([200] * 10, [401] * 8 + [429])


def test_guesses_at_one_person_are_limited_from_whatever_address(app: Flask, protected: Person):
    def guess(number: int, **changes: str) -> int:
        client = app.test_client(use_cookies=False)
        body, origin = ASKED | changes, {"REMOTE_ADDR": f"10.1.0.{number}"}
        return client.post(API + PATH, json=body, environ_base=origin).status_code

    for who in ("김하늘", "없는사람"):
        answers = [guess(number, user_name=who, password="804365") for number in range(9)]
        assert answers == [401] * 8 + [429]


def test_who_is_beyond_their_own_limit_uses_up_nothing_of_another_persons(app: Flask, protected: Person):
    assert [ask(app, user_name="없는사람").status_code for _ in range(9)] == [401] * 8 + [429]
    assert [ask(app, password="804365").status_code for _ in range(8)] == [429] * 8
    client = app.test_client(use_cookies=False)
    answer = client.post(API + PATH, json=ASKED, environ_base={"REMOTE_ADDR": "10.1.0.99"})
    assert answer.status_code == 200


def test_a_page_of_another_site_may_not_guess(app: Flask, protected: Person):
    answer = stranger(app).ask("POST", PATH, json=ASKED, headers={"Origin": "https://evil.test"})
    assert answer.json["error"]["code"] == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize("field", sorted(ASKED))
def test_a_field_that_is_missing_is_named(app: Flask, field: str):
    body = {name: value for name, value in ASKED.items() if name != field}
    answer = stranger(app).ask("POST", PATH, json=body)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [field])


def test_a_sign_in_that_failed_is_logged_under_a_pseudonym(app: Flask, protected: Person, logged: io.StringIO):
    ask(app, password="000000")
    ask(app, password="000000", user_name=f"{FORM['user_name']} 님")
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    told = [(line["kind"], line["login"]) for line in lines if line["event"] == "sign_in_failed"]
    assert len(told) == 2
    assert len(set(told)) == 1
    assert FORM["user_name"] not in logged.getvalue()
    assert "12345678" not in logged.getvalue()
