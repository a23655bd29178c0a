"""Who calls is asked before what they sent is looked at: a stranger is told so, whatever their body is."""

import re
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from webapp.bodies import BODY_MAX_BYTES
from webapp.origins import SAFE_METHODS

from .people import Person

# The body itself is, or may be, what shows who calls.
BY_BODY = {"public", "password", "login", "refresh token"}
MAY_PROVE_BY_BODY = {"erasures.erase"}
JSON = "application/json"
BODIES = {
    "no JSON by its type": ("text/plain", b"x"),
    "no JSON": (JSON, b"{"),
    "two of one name": (JSON, b'{"a": 1, "a": 2}'),
    "a list": (JSON, b"[]"),
    "unknown fields": (JSON, b'{"there is none": 1}'),
}


def guarded_rules(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - SAFE_METHODS
        if getattr(app.view_functions[rule.endpoint], "access", "public") not in BY_BODY
        and rule.endpoint not in MAY_PROVE_BY_BODY
    ]


def path_of(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", str(uuid4()), rule.rule)


@pytest.mark.parametrize(("content_type", "body"), BODIES.values(), ids=BODIES)
def test_a_strangers_body_is_not_judged(app: Flask, content_type: str, body: bytes):
    client, rules = app.test_client(use_cookies=False), guarded_rules(app)
    assert len(rules) > 40
    answers = {
        f"{method} {rule.rule}": client.open(
            path_of(rule), method=method, data=body, content_type=content_type
        ).status_code
        for rule, method in rules
    }
    assert {name: status for name, status in answers.items() if status not in (401, 404)} == {}


def test_nothing_is_read_of_a_strangers_body(app: Flask):
    class Unread:
        def read(self, *_: object) -> bytes:
            raise AssertionError("it was read")

        readline = read

    streamed = {"wsgi.input": Unread(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = app.test_client().post("/api/v1/admin/files/clean", content_type=JSON, environ_overrides=streamed)
    assert answer.status_code == 401


def test_what_is_announced_as_too_large_is_refused_whoever_sends_it(app: Flask):
    too_large = b"1" * (BODY_MAX_BYTES + 1)
    answer = app.test_client().post("/api/v1/admin/files/clean", data=too_large, content_type=JSON)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "BODY_TOO_LARGE")


def test_an_address_that_leads_nowhere_says_so_whatever_is_sent(app: Flask):
    answer = app.test_client().post("/api/v1/nowhere", data=b"1" * (BODY_MAX_BYTES + 1), content_type=JSON)
    assert answer.status_code == 404


@pytest.mark.parametrize(("content_type", "expected"), [("text/plain", 415), (JSON, 400)])
def test_who_was_let_in_is_told_what_is_wrong_with_it(owner: Person, content_type: str, expected: int):
    path = f"/api/v1/patients/{owner.patient_uuid}/password/set"
    answer = owner.client.post(path, data=b"{", content_type=content_type, headers=owner.bearer)
    assert answer.status_code == expected


def test_a_session_named_in_the_body_alone_is_found(owner: Person):
    path = "/api/v1/tilko/session/simple-auth"
    named, other = {"session_id": owner.session_id}, {"session_id": str(uuid4())}
    answers = [owner.client.post(path, json=body, headers=owner.bearer).status_code for body in (named, other)]
    assert answers == [200, 404]
