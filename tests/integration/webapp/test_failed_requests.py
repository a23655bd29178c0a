"""A reference number leads staff to what failed, and not to whom it failed."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
import redis
from flask import Flask

from core.clock import clock
from core.names import FAILED_BY_FAULT, FAILED_BY_REFUSAL
from tests.waiting import wait_until
from webapp.failed_requests import KEPT, FailedRequest, FailedRequests

from .people import API, Person
from .test_runs import start

Headers = dict[str, str]
REQUESTS = f"{API}/admin/requests"


def find(app: Flask, staff: Headers, reference: str) -> dict[str, object]:
    """What an operator finds, as soon as it is there."""

    def ask() -> dict[str, object] | None:
        answer = app.test_client().get(f"{REQUESTS}/{reference}", headers=staff)
        return answer.json["request"] if answer.status_code == 200 else None

    found = wait_until(ask)
    assert found is not None
    return found


def test_staff_find_the_error_that_a_person_was_shown(app: Flask, staff: Headers, visitor: Person):
    session_id = str(uuid4())
    told = visitor.client.get(f"{API}/tilko/session/{session_id}/status").json
    [failure] = find(app, staff, told["request_id"])["failures"]
    assert failure.pop("at")
    assert failure == {
        "method": "GET",
        "route": f"{API}/tilko/session/<string:session_id>/status",
        "status": 404,
        "error_code": told["error"]["code"],
        "session_id": session_id,
    }


def test_the_page_of_an_unknown_address_has_a_number_that_is_found(app: Flask, staff: Headers):
    page = app.test_client().get("/nowhere", headers={"Accept": "text/html"})
    assert page.headers["X-Request-ID"] in page.text
    [failure] = find(app, staff, page.headers["X-Request-ID"])["failures"]
    assert (failure["route"], failure["error_code"]) == ("unknown", "NOT_FOUND")


def test_our_own_fault_is_found_too(app: Flask, staff: Headers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.view_functions, "consents.texts", lambda: 1 / 0)
    told = app.test_client().get(f"{API}/consents/texts")
    [failure] = find(app, staff, told.json["request_id"])["failures"]
    assert (told.status_code, failure["status"], failure["error_code"]) == (500, 500, "INTERNAL_ERROR")


def test_the_runs_that_a_request_moved_are_named(app: Flask, staff: Headers):
    started = start(app)
    assert started.session_id in find(app, staff, "request-1")["runs"]


def test_a_refusal_at_an_address_with_a_uuid_is_found(app: Flask, staff: Headers):
    session_id = str(uuid4())
    told = app.test_client().get(f"{API}/admin/runs/{session_id}").json
    [failure] = find(app, staff, told["request_id"])["failures"]
    assert (failure["status"], failure["session_id"]) == (401, session_id)


def failed(request_id: str, session_id: Any = "") -> FailedRequest:
    return FailedRequest(request_id, "now", "GET", "/", "400", "BAD_REQUEST", session_id)


def test_one_that_cannot_be_written_takes_no_other_with_it(redis_client: redis.Redis):
    kept = FailedRequests(redis_client, clock)
    redis_client.client_pause(60_000, all=False)
    for one in (failed("first"), failed("unwritable", uuid4()), failed("last")):
        kept.note(one)
    redis_client.client_unpause()
    wait_until(lambda: kept.find("last"))
    assert [len(kept.find(name)) for name in ("first", "unwritable")] == [1, 0]


def test_a_number_that_nobody_was_told_is_not_found(app: Flask, staff: Headers):
    answer = app.test_client().get(f"{REQUESTS}/0123456789abcdef", headers=staff)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "REQUEST_NOT_FOUND")


def test_a_flood_of_refusals_is_bounded_and_leaves_our_faults(
    app: Flask, staff: Headers, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(app.view_functions, "consents.texts", lambda: 1 / 0)
    ours = app.test_client().get(f"{API}/consents/texts").json["request_id"]
    find(app, staff, ours)
    flooding = dict.fromkeys(FailedRequest.__slots__, "400")
    with redis_client.pipeline() as pipeline:
        for _ in range(KEPT * 2):
            pipeline.xadd(FAILED_BY_REFUSAL, flooding)
        pipeline.execute()
    refused = app.test_client().get("/nowhere").json["request_id"]
    wait_until(lambda: redis_client.xlen(FAILED_BY_REFUSAL) < KEPT * 1.1)
    [(_, newest)] = redis_client.xrevrange(FAILED_BY_REFUSAL, count=1)
    assert newest[b"request_id"].decode() == refused
    assert redis_client.xlen(FAILED_BY_FAULT) == 1


def test_what_is_older_than_a_month_goes_though_others_follow(redis_client: redis.Redis):
    kept, month_ago = FailedRequests(redis_client, clock), clock.now() - timedelta(days=31)
    entry = cast(Any, asdict(failed("old")))
    redis_client.xadd(FAILED_BY_REFUSAL, entry, id=f"{int(month_ago.timestamp() * 1000)}-0")
    assert len(kept.find("old")) == 1
    kept.note(failed("new"))
    wait_until(lambda: not kept.find("old"))
    assert len(kept.find("new")) == 1


def test_what_is_kept_ends_a_month_after_the_last(app: Flask, staff: Headers, redis_client: redis.Redis):
    find(app, staff, app.test_client().get("/nowhere").json["request_id"])
    assert 0 < redis_client.ttl(FAILED_BY_REFUSAL) <= 30 * 24 * 3600
