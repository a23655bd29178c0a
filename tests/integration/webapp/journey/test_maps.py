"""Maps of the floors: put by admins, drawn by everybody, and able to do nothing else."""

import io
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models.accounts import AccountRole
from tests.integration.webapp.journey.staff import patient_headers, staff_headers
from tests.integration.webapp.people import API

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="1"/><script>alert(1)</script></svg>'
LIMIT = 5 * 1024 * 1024


def put(app: Flask, headers: dict[str, str], path: str = "1/layers/base", **more: Any) -> TestResponse:
    body = {"data": SVG, "content_type": "image/svg+xml"} | more
    return app.test_client().put(f"{API}/admin/maps/{path}", headers=headers, **body)


def get(app: Flask, address: str, **headers: str) -> TestResponse:
    return app.test_client().get(address, headers=headers)


@pytest.fixture
def admin(app: Flask) -> dict[str, str]:
    return staff_headers(app, AccountRole.ADMIN)


def test_a_layer_is_shown_without_what_could_run(app: Flask, admin: dict[str, str]):
    assert put(app, admin).status_code == 200
    shown = get(app, f"{API}/maps/1/layers/base.svg")
    assert shown.data == b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" /></svg>'
    assert shown.content_type == "image/svg+xml"
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_a_listed_address_is_kept_for_a_year_and_ends_with_its_content(app: Flask, admin: dict[str, str]):
    put(app, admin, "1/layers/labels")
    put(app, admin)
    layers = get(app, f"{API}/maps/1/layers").json["layers"]
    assert [layer["name"] for layer in layers] == ["base", "labels"]
    shown = get(app, layers[0]["href"])
    assert (shown.headers["Cache-Control"], len(shown.data)) == (
        "public, max-age=31536000, immutable",
        layers[0]["bytes"],
    )
    put(app, admin, data=SVG.replace(b"1", b"2"))
    assert get(app, layers[0]["href"]).status_code == 404
    assert get(app, get(app, f"{API}/maps/1/layers/").json["layers"][0]["href"]).status_code == 200


def test_an_unchanged_layer_is_not_sent_again(app: Flask, admin: dict[str, str]):
    put(app, admin)
    address = f"{API}/maps/1/layers/base.svg"
    etag = get(app, address).headers["ETag"]
    assert get(app, address, **{"If-None-Match": etag}).status_code == 304
    put(app, admin, data=SVG.replace(b"1", b"2"))
    assert get(app, address, **{"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "file", ["../base.svg", "..%2fbase.svg", "%2e%2e/%2e%2e/secrets.svg", "base", "base.png", "roof.svg", "a/b.svg"]
)
def test_an_odd_name_is_a_map_that_is_not_found(app: Flask, admin: dict[str, str], file: str):
    put(app, admin)
    for answer in (get(app, f"{API}/maps/1/layers/{file}"), put(app, admin, f"1/layers/{file}x")):
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "MAP_NOT_FOUND")


def test_an_unknown_floor_is_not_found(app: Flask):
    assert get(app, f"{API}/maps/9/layers").json["error"]["code"] == "MAP_NOT_FOUND"


def test_only_admins_put_maps(app: Flask, staff: dict[str, str]):
    statuses = [
        put(app, headers).status_code
        for headers in ({}, patient_headers(app, uuid4()), staff_headers(app), staff, {"Authorization": "Bearer x"})
    ]
    assert statuses == [401, 403, 403, 401, 401]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"data": b"<html/>"}, 400, "VALIDATION_FAILED"),
        ({"data": b""}, 400, "VALIDATION_FAILED"),
        ({"data": b"<!DOCTYPE x>" + SVG}, 400, "VALIDATION_FAILED"),
        ({"content_type": "application/json"}, 415, "NOT_SVG"),
        ({"data": b" " * (LIMIT + 1)}, 413, "BODY_TOO_LARGE"),
    ],
)
def test_what_is_no_drawing_is_refused(app: Flask, admin: dict[str, str], body: dict[str, Any], status: int, code: str):
    answer = put(app, admin, **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert get(app, f"{API}/maps/1/layers").status_code == 404


def test_a_body_of_unknown_length_is_bounded_too(app: Flask, admin: dict[str, str]):
    headers = admin | {"Transfer-Encoding": "chunked"}
    endless = io.BytesIO(b" " * (LIMIT + 1000))
    options = {
        "input_stream": endless,
        "content_type": "image/svg+xml",
        "environ_overrides": {"wsgi.input_terminated": True},
    }
    answer = app.test_client().put(f"{API}/admin/maps/1/layers/base", headers=headers, **options)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "BODY_TOO_LARGE")


def test_a_large_drawing_is_taken_where_drawings_are(app: Flask, admin: dict[str, str]):
    large = SVG.replace(b"<rect", b"<title>" + b"x" * 200_000 + b"</title><rect")
    assert put(app, admin, data=large).status_code == 200
    assert app.test_client().post(f"{API}/auth/staff-login", data=large).status_code == 413
