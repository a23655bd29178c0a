"""What pages report of themselves."""

import io
from typing import Any

import pytest
from flask import Flask

from tests.integration.webapp.people import API

from .conftest import code

ERROR = {"kind": "error", "name": "TypeError", "page": "journey", "script": "journey.js", "line": 12}
CALL = {"call": "perform_action", "outcome": "ok", "duration_ms": 120}


def test_an_error_becomes_one_line_of_the_log(app: Flask, logged: Any):
    answer = app.test_client().post(f"{API}/client-errors", json=ERROR)
    assert (answer.status_code, answer.data) == (204, b"")
    assert '"event":"client_error"' in logged.getvalue()
    assert app.test_client().post(f"{API}/client-metrics", json=CALL).status_code == 204


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("client-errors", ERROR | {"message": "김하늘 씨가"}, "message"),
        ("client-errors", ERROR | {"name": "free text"}, "name"),
        ("client-errors", ERROR | {"page": "https://evil.test"}, "page"),
        ("client-errors", ERROR | {"script": "../x.js"}, "script"),
        ("client-metrics", CALL | {"duration_ms": -1}, "duration_ms"),
        ("client-metrics", CALL | {"call": "김하늘"}, "call"),
    ],
)
def test_nothing_free_is_taken(app: Flask, logged: Any, path: str, body: dict[str, Any], field: str):
    answer = app.test_client().post(f"{API}/{path}", json=body)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])
    assert "김하늘" not in logged.getvalue()


@pytest.mark.parametrize("path", ["client-errors", "client-metrics"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_long_report_is_refused_whatever_is_in_it(app: Flask, path: str, *, announced: bool):
    data = b'{"text": "' + b"x" * 9000 + b'"}'
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = app.test_client().post(
        f"{API}/{path}",
        input_stream=io.BytesIO(data),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": str(len(data))} if announced else chunked,
    )
    assert code(answer) == (413, "BODY_TOO_LARGE")


def test_reports_are_not_too_many(app: Flask):
    answers = [app.test_client().post(f"{API}/client-metrics", json=CALL).status_code for _ in range(61)]
    assert answers == [204] * 60 + [429]
