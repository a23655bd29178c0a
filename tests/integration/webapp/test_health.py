"""What machines that watch are told."""

import io
import time
from dataclasses import replace

import pytest
from flask import Flask

from core.settings import Settings
from webapp import create_app
from webapp.current import parts
from webapp.limits import caller_address

from .people import API, Person


def test_a_process_that_answers_is_alive(app: Flask):
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_metrics_count_by_route_and_name_nobody(app: Flask, owner: Person):
    owner.session("GET", "/status")
    body = app.test_client().get("/metrics").text
    assert 'route="/api/v1/tilko/session/<string:session_id>/status",status="200"' in body
    assert owner.session_id not in body


def test_metrics_are_for_this_machine_or_staff(app: Flask, staff: dict[str, str]):
    client, elsewhere = app.test_client(), {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", environ_base=elsewhere).status_code == 401
    assert client.get("/metrics", environ_base=elsewhere, headers=staff).status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_which_part_is_not_ready_is_told_to_this_machine_or_staff(app: Flask, staff: dict[str, str], owner: Person):
    client, elsewhere = app.test_client(use_cookies=False), {"REMOTE_ADDR": "203.0.113.9"}
    through_a_proxy = {"X-Forwarded-For": "203.0.113.9"}
    told = [
        client.get("/readyz"),
        client.get("/readyz", environ_base=elsewhere, headers=staff),
        client.get("/readyz", environ_base=elsewhere),
        client.get("/readyz", environ_base=elsewhere, headers=owner.bearer),
        client.get("/readyz", headers=through_a_proxy),
    ]
    assert ["parts" in answer.json for answer in told] == [True, True, False, False, False]


def test_a_request_id_is_kept_when_it_has_the_form_of_one(app: Flask):
    client = app.test_client()
    kept = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"})
    assert kept.headers["X-Request-ID"] == "from-the-proxy-1"
    for odd in ("short", "x" * 65, "with blank 123", 'quote"123456'):
        assert client.get("/healthz", headers={"X-Request-ID": odd}).headers["X-Request-ID"] != odd


def test_one_line_is_logged_without_tokens_queries_or_addresses(owner: Person, logged: io.StringIO):
    owner.ask("GET", f"/tilko/session/{owner.session_id}/messages?after_seq=0&epoch=seen")
    lines = logged.getvalue().strip().splitlines()
    assert len(lines) == 1
    assert '"route":"/api/v1/tilko/session/<string:session_id>/messages"' in lines[0]
    assert '"address":"127.0.0.0/24"' in lines[0]
    assert owner.token.partition(".")[2] not in lines[0]
    assert "epoch" not in lines[0]


def test_addresses_are_believed_from_trusted_proxies_only(app: Flask, web_settings: Settings):
    behind = create_app(replace(web_settings, web=replace(web_settings.web, trusted_proxies=1)))
    seen = []
    for address in ("203.0.113.1", "203.0.113.2"):
        # A client may put anything before what our proxy adds.
        forwarded = {"X-Forwarded-For": f"198.51.100.7, {address}"}
        with behind.test_client() as client:
            client.get("/healthz", headers=forwarded)
            seen.append(caller_address())
    parts(behind).close()
    assert seen == ["203.0.113.1", "203.0.113.2"]


def test_the_reference_page_loads_nothing(app: Flask):
    answer = app.test_client().get("/api/docs")
    assert answer.status_code == 200
    assert "/api/v1/tilko/session/start" in answer.text
    assert "src=" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/threads/crypto_worker.js", "/static/sdk/threads/crypto_worker.js"])
def test_the_worker_with_the_keys_may_import_our_code_and_ask_for_nothing(app: Flask, path: str):
    with app.test_client().get(path) as script:
        directives = script.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'"} <= set(directives)
    assert not [directive for directive in directives if directive.startswith("connect-src")]


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/api/asyncapi.json"])
def test_a_document_is_rendered_once_and_kept_by_its_reader(app: Flask, path: str):
    client = app.test_client()
    first = client.get(path)
    began = time.process_time()
    assert {client.get(path).data for _ in range(100)} == {first.data}
    assert time.process_time() - began < 1
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/api/asyncapi.json"])
def test_the_documents_can_be_turned_off(web_settings: Settings, path: str):
    closed = create_app(replace(web_settings, web=replace(web_settings.web, api_docs=False)))
    assert closed.test_client().get(path).status_code == 404
    parts(closed).close()


def test_the_document_of_the_stream_names_the_host_it_is_asked_by(app: Flask):
    for host in ("a.welno.test", "b.welno.test"):
        assert (
            app.test_client().get("/api/asyncapi.json", headers={"Host": host}).json["servers"]["here"]["host"] == host
        )


def test_listed_origins_may_read_and_others_not(app: Flask):
    client = app.test_client()
    for origin, allowed in [("http://welno.test", "http://welno.test"), ("https://evil.test", None)]:
        answer = client.options(f"{API}/tilko/session/start", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed


@pytest.mark.parametrize("path", ["/api/v1/consents/texts", "/api/v1/patients/sign-in", "/api/nowhere", "/healthz"])
def test_an_answer_of_the_api_is_not_rendered_and_is_what_it_says(app: Flask, path: str):
    answer = app.test_client().get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.mimetype in {"application/json", "text/plain"}


def test_trace_is_not_answered(app: Flask):
    for path in ("/", "/api/v1/consents/texts", "/healthz"):
        answer = app.test_client().open(path, method="TRACE", headers={"Cookie": "welno_session=x"})
        assert answer.status_code == 405
        assert b"welno_session" not in answer.data
