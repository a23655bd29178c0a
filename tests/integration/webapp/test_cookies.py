"""Cookies and transport, behind HTTPS and on a developer's plain HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.settings import Settings
from tests.integration.conftest import AppOf
from webapp.cookies import cookie_name

from .people import API, FORM, ORIGIN, Person, collect

PASSWORD = {"password": "804251"}
OTHER = {"user_name": "박바다", "phone_no": "01087654321", "birthdate": "19790102", "gender": "F"}
HTTPS = {"base_url": "https://welno.test", "headers": {"Origin": ORIGIN}}


@pytest.fixture
def secure_app(app: Flask, app_of: AppOf, web_settings: Settings) -> Flask:
    """The same stores, behind HTTPS."""
    return app_of(replace(web_settings, web=replace(web_settings.web, cookie_secure=True)))


@pytest.fixture
def browser(secure_app: Flask) -> Iterator[FlaskClient]:
    with secure_app.test_client() as client:
        yield client


def start(client: FlaskClient, **changes: str) -> tuple[Person, Morsel[str]]:
    form = FORM | changes
    answer = client.post(f"{API}/tilko/session/start", json=form, **HTTPS)
    assert answer.status_code == 201, answer.text
    cookie = cookies_of(answer)["__Host-welno_session"]
    return Person(client, answer.json["session_id"], answer.json["session_token"], form=form), cookie


def set_password(person: Person) -> None:
    assert person.ask("POST", f"/patients/{person.patient_uuid}/password/set", json=PASSWORD).status_code == 201


def cookies_of(answer: TestResponse) -> SimpleCookie:
    """What the answer sets and drops."""
    found = SimpleCookie()
    for header in answer.headers.getlist("Set-Cookie"):
        found.load(header)
    return found


@pytest.mark.parametrize(
    ("is_secure", "path", "name"),
    [(True, "/", "__Host-a"), (True, "/api/v1/auth", "__Secure-a"), (False, "/", "a"), (False, "/api/v1/auth", "a")],
)
def test_a_cookie_has_the_strictest_prefix_that_its_path_allows(is_secure: bool, path: str, name: str):
    assert cookie_name("a", is_secure=is_secure, path=path) == name


def test_behind_https_the_sessions_cookie_is_of_this_host_alone(browser: FlaskClient):
    person, cookie = start(browser)
    assert cookie.key == "__Host-welno_session"
    assert (cookie["path"], cookie["domain"], cookie["secure"], cookie["httponly"]) == ("/", "", True, True)
    status = browser.get(f"{API}/tilko/session/{person.session_id}/status", **HTTPS)
    assert status.status_code == 200


def test_a_cookie_that_another_host_may_have_planted_opens_nothing(secure_app: Flask, browser: FlaskClient):
    person, _ = start(browser)
    planted = secure_app.test_client()
    planted.set_cookie("welno_session", person.token, domain="welno.test", secure=True)
    status = planted.get(f"{API}/tilko/session/{person.session_id}/status", **HTTPS)
    assert status.status_code == 404


def test_what_drops_the_cookie_names_it_as_it_was_set(browser: FlaskClient):
    person, _ = start(browser)
    answer = browser.delete(f"{API}/tilko/session/{person.session_id}", **HTTPS)
    cookie = cookies_of(answer)["__Host-welno_session"]
    assert (cookie.value, cookie["path"], cookie["secure"]) == ("", "/", True)


def test_behind_https_the_password_opens_by_a_cookie_of_this_host_alone(secure_app: Flask, browser: FlaskClient):
    person, _ = start(browser)
    collect(secure_app, person, [], [])
    path = f"{API}/patients/{person.patient_uuid}/password"
    set_password(person)
    elsewhere = secure_app.test_client()
    opened = elsewhere.post(f"{path}/verify", json=PASSWORD, **HTTPS)
    cookie = cookies_of(opened)["__Host-welno_patient"]
    assert (cookie["path"], cookie["secure"]) == ("/", True)
    assert elsewhere.get(f"{API}/patients/{person.patient_uuid}/checkups", **HTTPS).status_code == 200


def test_who_signs_out_loses_both_cookies_as_they_were_set(secure_app: Flask, browser: FlaskClient):
    answer = browser.post(f"{API}/patients/sign-out", **HTTPS)
    dropped = cookies_of(answer)
    for name in ("__Host-welno_session", "__Host-welno_patient"):
        assert (dropped[name].value, dropped[name]["path"], dropped[name]["secure"]) == ("", "/", True)


def test_who_starts_is_not_let_in_by_the_password_of_the_one_before(secure_app: Flask, browser: FlaskClient):
    owner, _ = start(browser)
    collect(secure_app, owner, [], [])
    path = f"{API}/patients/{owner.patient_uuid}"
    set_password(owner)
    shared = secure_app.test_client()
    assert shared.post(f"{path}/password/verify", json=PASSWORD, **HTTPS).status_code == 200
    assert shared.get(f"{path}/checkups", **HTTPS).status_code == 200
    start(shared)
    assert shared.get(f"{path}/checkups", **HTTPS).status_code == 404


def test_who_types_a_password_is_not_let_in_by_the_approval_of_the_one_before(secure_app: Flask, browser: FlaskClient):
    owner, _ = start(browser)
    collect(secure_app, owner, [], [])
    path = f"{API}/patients/{owner.patient_uuid}"
    set_password(owner)
    shared = secure_app.test_client()
    other, _ = start(shared, **OTHER)
    collect(secure_app, other, [], [])
    others = f"{API}/patients/{other.patient_uuid}/checkups"
    assert shared.get(others, follow_redirects=True, **HTTPS).status_code == 200
    assert shared.post(f"{path}/password/verify", json=PASSWORD, **HTTPS).status_code == 200
    assert shared.get(f"{path}/checkups", **HTTPS).status_code == 200
    assert shared.get(others, **HTTPS).status_code == 404


def test_the_answers_of_the_one_before_do_not_stay_at_a_shared_browser(secure_app: Flask, browser: FlaskClient):
    """Records are kept there for their owner. Nothing tells of who was here and has no cookie any more."""
    owner, _ = start(browser)
    collect(secure_app, owner, [], [])
    set_password(owner)
    verify = f"{API}/patients/{owner.patient_uuid}/password/verify"
    shared = secure_app.test_client()

    def cleared_by(path: str, body: dict[str, Any]) -> str | None:
        return shared.post(path, json=body, **HTTPS).headers.get("Clear-Site-Data")

    starting = f"{API}/tilko/session/start"
    assert [cleared_by(verify, PASSWORD) for _ in range(2)] == ['"cache"', None]
    assert cleared_by(starting, FORM | OTHER) == '"cache"'
    other, _ = start(shared, **OTHER)
    collect(secure_app, other, [], [])
    set_password(other)
    others_verify = f"{API}/patients/{other.patient_uuid}/password/verify"
    assert [cleared_by(path, PASSWORD) for path in (verify, others_verify, others_verify)] == [
        '"cache"',
        '"cache"',
        None,
    ]
    shared.delete_cookie("__Host-welno_patient")
    assert cleared_by(verify, PASSWORD) == '"cache"'


def test_who_erases_leaves_nothing_at_the_browser(secure_app: Flask, browser: FlaskClient):
    owner, _ = start(browser)
    collect(secure_app, owner, [], [])
    browser.get(f"{API}/patients/{owner.patient_uuid}/checkups", follow_redirects=True, **HTTPS)
    answer = browser.delete(f"{API}/patients/{owner.patient_uuid}", **HTTPS)
    assert (answer.status_code, answer.headers.get("Clear-Site-Data")) == (202, '"cache"')
    assert [browser.get_cookie(f"__Host-welno_{name}") for name in ("session", "browser")] == [None, None]


def test_a_password_ends_no_wait_for_a_phone(secure_app: Flask, browser: FlaskClient):
    owner, _ = start(browser)
    collect(secure_app, owner, [], [])
    path = f"{API}/patients/{owner.patient_uuid}"
    set_password(owner)
    shared = secure_app.test_client()
    waiting, _ = start(shared)
    assert shared.post(f"{path}/password/verify", json=PASSWORD, **HTTPS).status_code == 200
    assert shared.get(f"{API}/tilko/session/{waiting.session_id}/status", **HTTPS).status_code == 200


def test_the_documents_name_the_cookies_as_they_are(app: Flask, secure_app: Flask):
    for made, prefix in ((app, ""), (secure_app, "__Host-")):
        schemes = made.test_client().get("/api/openapi.json").json["components"]["securitySchemes"]
        names = (schemes["session_cookie"]["name"], schemes["patient_cookie"]["name"])
        assert names == (f"{prefix}welno_session", f"{prefix}welno_patient")
        stream = made.test_client().get("/api/asyncapi.json").json["components"]["securitySchemes"]
        assert stream["session_cookie"]["name"] == f"{prefix}welno_session"


@pytest.mark.parametrize("path", ["/", "/static/sdk/welno.js", "/healthz", f"{API}/nothing", f"{API}/consents/texts"])
def test_behind_https_a_browser_is_told_to_stay_there(app: Flask, secure_app: Flask, path: str):
    with secure_app.test_client().get(path, **HTTPS) as told, app.test_client().get(path) as plain:
        assert told.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert "Strict-Transport-Security" not in plain.headers
