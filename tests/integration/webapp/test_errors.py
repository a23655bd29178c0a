"""What is answered when something is wrong: always the same body, never a trace."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from core.settings import Settings
from dev.local.ports import pick_port
from tests.waiting import wait_until
from webapp import create_app
from webapp.current import parts
from webapp.error_codes import Code
from webapp.error_meanings import CODES
from webapp.error_reference import reference
from webapp.errors import ApiError
from webapp.limits import count_use

from .people import API, FORM, Person

START = f"{API}/tilko/session/start"


def without_store(settings: Settings, **changes: str) -> Iterator[Flask]:
    made = create_app(replace(settings, stores=replace(settings.stores, **changes)))
    yield made
    parts(made).close()


@pytest.fixture
def without_redis(app: Flask, web_settings: Settings) -> Iterator[Flask]:
    url = f"redis://127.0.0.1:{pick_port()}/0"
    yield from without_store(web_settings, redis_url=url, broker_url=url)


@pytest.fixture
def without_database(app: Flask, web_settings: Settings) -> Iterator[Flask]:
    yield from without_store(web_settings, database_url=f"postgresql://nobody@127.0.0.1:{pick_port()}/none")


@pytest.fixture
def with_standby(app: Flask, engine: Engine, web_settings: Settings) -> Iterator[Flask]:
    """Its database refuses writes as a standby does."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("alter role current_user set default_transaction_read_only = on"))
        try:
            yield from without_store(web_settings)
        finally:
            connection.execute(text("alter role current_user reset default_transaction_read_only"))


def test_a_database_that_takes_no_writes_is_a_store_that_is_away(with_standby: Flask):
    answer = with_standby.test_client().post(START, json=FORM)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/api/v1/patients/no-uuid/checkups"])
def test_an_unknown_address_is_answered_like_any_error(app: Flask, path: str):
    answer = app.test_client().get(path)
    assert answer.status_code == 404
    assert answer.json["success"] is False
    assert answer.json["error"]["code"] == "NOT_FOUND"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_what_a_person_reads_is_utf_8_and_not_escaped(app: Flask):
    answer = app.test_client().get("/api/v1/nowhere")
    assert answer.json is not None
    assert answer.json["error"]["message"].encode() in answer.data


def test_half_a_surrogate_pair_does_not_break_an_answer(app: Flask):
    with app.app_context():
        assert app.json.dumps({"quoted": "김\ud800"}) == '{"quoted": "\\uae40\\ud800"}'


@pytest.mark.parametrize("path", ["/nowhere", "/my/nowhere", "/journey/x", "/static/nothing.js"])
def test_a_person_at_an_unknown_address_is_shown_a_page(app: Flask, path: str):
    answer = app.test_client().get(path, headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert f"문의 번호 {answer.headers['X-Request-ID']}" in answer.text
    assert 'href="/"' in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_an_unknown_address_of_the_api_is_answered_by_json_also_to_a_browser(app: Flask):
    answer = app.test_client().get("/api/v1/nowhere", headers=BROWSER)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "NOT_FOUND")


def test_a_wrong_method_names_the_right_ones(app: Flask):
    answer = app.test_client().get(START)
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]


def test_broken_json_is_named(app: Flask):
    answer = app.test_client().post(START, data=b'{"user_name": "\xff', content_type="application/json")
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["body"])


@pytest.mark.parametrize("body", ["[]", "7", "null", '"x"'])
def test_json_that_is_no_object_is_named(app: Flask, body: str):
    answer = app.test_client().post(START, data=body, content_type="application/json")
    assert answer.status_code == 400


def test_an_odd_field_name_is_answered_and_not_a_fault(app: Flask):
    answer = app.test_client().post(START, data=b'{"\\ud800": 1}', content_type="application/json")
    assert answer.status_code == 400


@pytest.fixture
def faulty(app: Flask, web_settings: Settings) -> Iterator[Flask]:
    """One of its own: an app that has served takes no new route."""
    made = create_app(web_settings)

    @made.get("/fault")
    def fault() -> str:
        raise RuntimeError(FORM["phone_no"])

    yield made
    parts(made).close()


def test_our_own_fault_shows_nothing_of_itself(faulty: Flask, logged: io.StringIO):
    answer = faulty.test_client().get("/fault")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    lines = logged.getvalue()
    assert "RuntimeError" in lines
    assert "in fault" in lines
    assert FORM["phone_no"] not in lines + answer.text


def test_a_limit_goes_by_the_clock_that_all_processes_share(app: Flask):
    """Not by the host's: a process that is ahead by an hour would open what others have closed."""
    with app.test_request_context():
        began = clock.now()
        for _ in range(2):
            count_use("2 per hour", "a test", "somebody")
        with clock.frozen(began + timedelta(minutes=59)), pytest.raises(ApiError) as refused:
            count_use("2 per hour", "a test", "somebody")
        with clock.frozen(began + timedelta(minutes=61)):
            count_use("2 per hour", "a test", "somebody")
    assert refused.value.code == Code.RATE_LIMITED
    assert 0 < (refused.value.retry_after_seconds or 0) <= 62


def test_repeating_oneself_costs_no_push(app: Flask, starter: Person):
    path = f"/tilko/session/simple-auth?session_id={starter.session_id}"
    assert [starter.ask("POST", path).status_code for _ in range(8)] == [202] + [200] * 7


def test_no_phone_number_stands_in_the_limits(starter: Person, redis_client: redis.Redis):
    assert not [key for key in redis_client.scan_iter() if b"01012345678" in key]


def test_without_redis_nobody_starts(without_redis: Flask):
    answer = without_redis.test_client().post(START, json=FORM)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


def test_without_redis_a_token_is_still_believed(without_redis: Flask, staff: dict[str, str]):
    assert without_redis.test_client().get(f"{API}/admin/files", headers=staff).status_code == 200


def test_without_the_database_no_token_is_believed(without_database: Flask, staff: dict[str, str]):
    answer = without_database.test_client().get(f"{API}/admin/files", headers=staff)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")


def test_without_redis_a_collection_can_still_be_asked_for(without_redis: Flask, app: Flask, starter: Person):
    starter.client = without_redis.test_client(use_cookies=False)
    assert starter.session("DELETE").status_code == 204


def test_what_the_database_will_always_refuse_is_our_mistake_and_not_to_be_tried_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
):
    def ask_too_much() -> str:
        with parts(app).stores.sessions() as session:
            return str(session.scalar(text("select array_fill(0, array[1000000000])")))

    with app.test_request_context(f"{API}/consents/texts") as context:
        monkeypatch.setitem(app.view_functions, context.request.endpoint, ask_too_much)
    answer = app.test_client().get(f"{API}/consents/texts")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "Retry-After" not in answer.headers


def test_without_the_database_the_answer_is_503(without_database: Flask):
    answer = without_database.test_client().post(START, json=FORM)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")


def test_a_database_that_restarts_is_found_again(app: Flask, starter: Person, engine: Engine):
    with engine.begin() as connection:
        connection.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'welno'")
        )
    # A connection that was in use a moment ago is not tried first: that one request may be told to come again.
    wait_until(lambda: starter.session("DELETE").status_code == 204)


def test_every_code_is_documented():
    assert set(CODES) == set(Code)


def test_the_page_of_codes_is_fresh():
    page = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
    assert page.read_text(encoding="utf-8") == reference()
