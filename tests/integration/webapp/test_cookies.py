"""Cookies and transport, behind HTTPS and on a developer's plain HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.settings import Settings
from tests.integration.conftest import AppOf
from webapp.cookies import cookie_name

from .people import API, FORM, ORIGIN, Person, collect

HTTPS = {"base_url": "https://welno.test", "headers": {"Origin": ORIGIN}}


@pytest.fixture
def secure_app(app: Flask, app_of: AppOf, web_settings: Settings) -> Flask:
    """The same stores, behind HTTPS."""
    return app_of(replace(web_settings, web=replace(web_settings.web, cookie_secure=True)))


@pytest.fixture
def browser(secure_app: Flask) -> Iterator[FlaskClient]:
    with secure_app.test_client() as client:
        yield client


def start(client: FlaskClient) -> tuple[Person, Morsel[str]]:
    answer = client.post(f"{API}/tilko/session/start", json=FORM, **HTTPS)
    assert answer.status_code == 201, answer.text
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    return Person(client, answer.json["session_id"], answer.json["session_token"], form=FORM), cookie


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
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert (cookie.key, cookie.value, cookie["path"], cookie["secure"]) == ("__Host-welno_session", "", "/", True)


def test_behind_https_the_password_opens_by_a_cookie_of_this_host_alone(secure_app: Flask, browser: FlaskClient):
    person, _ = start(browser)
    collect(secure_app, person, [], [])
    password = {"password": "804251"}
    path = f"{API}/patients/{person.patient_uuid}/password"
    assert browser.post(f"{path}/set", json=password, **HTTPS).status_code == 201
    elsewhere = secure_app.test_client()
    opened = elsewhere.post(f"{path}/verify", json=password, **HTTPS)
    (cookie,) = SimpleCookie(opened.headers["Set-Cookie"]).values()
    assert (cookie.key, cookie["path"], cookie["secure"]) == ("__Host-welno_patient", "/", True)
    assert elsewhere.get(f"{API}/patients/{person.patient_uuid}/checkups", **HTTPS).status_code == 200


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
