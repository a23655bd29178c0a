"""What is too long, too often or malformed is refused before it costs anything, and says what is wrong."""

import time
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask

from core.settings import Settings
from tests.integration.conftest import AppOf
from webapp.current import parts
from webapp.request_bounds import HEADER_MAX_CHARACTERS

from .people import API, FORM, ORIGIN, Person

START = f"{API}/tilko/session/start"
_JSON = {"content_type": "application/json"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[" * 1000 + b"]" * 1000, "body"),
        (b'{"user_name":' * 1000 + b"1" + b"}" * 1000, "body"),
        (b'{"user_name": ' + b"9" * 4300 + b"}", "body"),
        (b'{"user_name": NaN}', "body"),
        (b'{"user_name": 1e999}', "body"),
        (b'{"user_name": "a", "user_name": "b"}', "body"),
        (b'{"user_name": "\\ud83c"}', "user_name"),
        (b'{"user_name": "\\u0000"}', "user_name"),
        (b'{"terms_agreed": ["\\u0000"]}', "terms_agreed"),
    ],
    ids=lambda value: str(value)[:24],
)
@pytest.mark.parametrize("path", [START, f"{API}/auth/staff-login"])
def test_json_that_is_unsafe_is_named(app: Flask, path: str, body: bytes, field: str):
    answer = app.test_client().post(path, data=body, **_JSON)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert list(answer.json["error"]["details"]) == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"user_name": "가" + "-님" * 6_000},
        {"user_name": "가" + "-님" * 15_000},
        {"user_name": "e" + "\u0301\u0316" * 15_000},
        {"user_name": " " * 60_000},
        {"user_name": "-" * 60_000},
        {"phone_no": "0" * 60_000},
        {"phone_no": "\ufdfa" * 20_000},
        {"birthdate": "2024" + " " * 60_000},
        {"terms_agreed_at": "2025-01-02T03:04:05." + "1" * 60_000},
        {"redirect_path": "/" + "a" * 60_000},
        {"oid": "-" * 60_000},
        {"gender": "M" * 60_000},
        {"patient_uuid": "{" * 60_000},
        {f"field_{number}": number for number in range(3_000)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_long_value_costs_next_to_nothing(app: Flask, changes: dict[str, Any]):
    client, body = app.test_client(), app.json.dumps(FORM | changes, ensure_ascii=False).encode()
    client.post(START, json={})  # what is made at the first call
    began = time.process_time()
    answer = client.post(START, data=body, **_JSON)
    assert time.process_time() - began < 0.25
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("header", HEADER_MAX_CHARACTERS)
def test_a_header_that_is_too_long_is_named(app: Flask, header: str):
    value = "x" * (HEADER_MAX_CHARACTERS[header] + 1)
    answer = app.test_client(use_cookies=False).get("/healthz", headers={header: value})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [header])


def test_a_long_or_odd_part_of_a_path_leads_nowhere(app: Flask, starter: Person):
    for part in ("x" * 201, "%00"):
        for path in (f"/tilko/session/{part}/status", f"/admin/files/{part}"):
            assert starter.ask("GET", path).status_code == 404


def test_a_query_without_end_is_refused(app: Flask, starter: Person):
    for query in ("after_seq=" + "1" * 3_000, "epoch=" + "a" * 3_000, "wait=" + "1" * 3_000, "epoch=%00"):
        for path in ("messages", "events"):
            if (path, query.partition("=")[0]) != ("events", "wait"):
                assert starter.session("GET", f"/{path}?{query}").status_code == 400


@pytest.fixture
def strict(app: Flask, app_of: AppOf, web_settings: Settings) -> Flask:
    """Two bodies a minute from one address; on the stores of `app`."""
    return app_of(replace(web_settings, web=replace(web_settings.web, body_limit="2 per minute", trusted_proxies=1)))


def call_from(app: Flask, address: str, body: bytes = b"no json") -> int:
    headers = {"X-Forwarded-For": address}
    return app.test_client().post(START, data=body, headers=headers, **_JSON).status_code


def test_a_caller_is_counted_before_the_body_is_parsed(strict: Flask):
    assert [call_from(strict, "203.0.113.7") for _ in range(4)] == [400, 400, 429, 429]
    assert call_from(strict, "203.0.113.8") == 400


def test_an_ipv6_network_is_counted_as_one_caller(strict: Flask):
    addresses = [f"2001:db8:1:2::{number}" for number in range(4)]
    assert [call_from(strict, address) for address in addresses] == [400, 400, 429, 429]
    assert call_from(strict, "2001:db8:1:3::1") == 400


def test_a_call_without_a_body_is_not_counted(strict: Flask, redis_client: redis.Redis):
    for _ in range(5):
        assert strict.test_client().get("/healthz").status_code == 200
    assert parts(strict).limiter is not None
    assert not list(redis_client.scan_iter("*body*"))


def test_redis_counts_callers_whom_it_does_not_know(strict: Flask, owner: Person, redis_client: redis.Redis):
    for path, body in (
        ("/auth/staff-login", {"login": "night", "password": "an invented one"}),
        (f"/patients/{owner.patient_uuid}/password/verify", {"password": "975310"}),
    ):
        headers = {"X-Forwarded-For": "203.0.113.7", "Origin": ORIGIN}
        assert strict.test_client().post(API + path, json=body, headers=headers).status_code in {401, 404, 409}
    keys = [key.decode() for key in redis_client.scan_iter("*") if b"session" not in key]
    assert any("body" in key for key in keys)
    assert any("welno:reserved:password:" in key for key in keys)
    known = ("203.0.113", str(owner.patient_uuid), "night")
    assert [key for key in keys if any(name in key for name in known)] == []
