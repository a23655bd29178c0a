"""Polls over HTTP: bounded per session, long ones wait, and the AsyncAPI document is served beside them."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core.clock import clock
from core.names import Event
from core.settings import Settings
from services.collection.events import say
from tests.integration.relay.counting import count_channels, count_polls
from tests.integration.webapp.conftest import app, starter  # noqa: F401 fixtures
from tests.integration.webapp.people import Person
from tests.waiting import wait_until
from webapp import create_app
from webapp.current import parts


@pytest.fixture
def web_settings(demo_env, postgres_url, tmp_path) -> Settings:
    changes = {"WELNO_RELAY_POLL_LIMIT": "4 per minute", "WELNO_SOCKETS_PER_SESSION": "1"}
    return Settings.read({**demo_env, "DATABASE_URL": postgres_url, "TILKO_DATA_DIR": str(tmp_path), **changes})


def speak(app: Flask, person: Person) -> None:  # noqa: F811 a fixture's name
    with parts(app).stores.unit_of_work() as work:
        say(work, UUID(person.session_id), Event.AUTH_WAITING, "기다려 주세요.", now=clock.now())


def test_polls_of_one_session_are_bounded(starter: Person):  # noqa: F811 a fixture
    answers = [starter.session("GET", "/messages") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert answers[-1].json["error"]["code"] == "RATE_LIMITED"


def test_a_long_poll_answers_when_something_comes(app: Flask, starter: Person):  # noqa: F811 fixtures
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(starter.session, "GET", "/messages?wait=20")
        wait_until(lambda: count_polls(parts(app).relay) == 1)
        speak(app, starter)
        answer = asked.result().json
    assert [event["seq"] for event in answer["messages"]] == [1]
    assert answer["last_seq"] == 1


def test_a_long_poll_ends_with_the_right_of_its_reader_and_tells_nothing_any_more(app: Flask, starter: Person):  # noqa: F811 fixtures
    relay, began = parts(app).relay, time.monotonic()
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(starter.session, "GET", "/messages?wait=20")
        wait_until(lambda: count_channels(relay.hub) == 1)
        with parts(app).stores.unit_of_work() as work:
            work.session.execute(
                text("update welno.welno_collection_history set token_hash = 'another' where session_id = :id"),
                {"id": starter.session_id},
            )
            work.reauthorize(f"tilko_session:{starter.session_id}")
        answer = poll.result()
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    assert time.monotonic() - began < 10
    wait_until(lambda: relay.registry.total == 0)


def test_a_long_poll_takes_a_slot_among_the_readers(app: Flask, starter: Person):  # noqa: F811 fixtures
    seat = parts(app).relay.registry.acquire(f"tilko_session:{starter.session_id}", 1, "elsewhere")
    answer = starter.session("GET", "/messages?wait=1")
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "TOO_MANY_SOCKETS")
    seat.release()


def test_another_web_process_counts_the_same_readers(app: Flask, starter: Person, web_settings: Settings):  # noqa: F811 fixtures
    """Only those keys of Redis are shared: the second app is as good as a second process."""
    other = parts(create_app(web_settings)).relay
    seat = other.registry.acquire(f"tilko_session:{starter.session_id}", 1, "elsewhere")
    answer = starter.session("GET", "/messages?wait=1")
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "TOO_MANY_SOCKETS")
    seat.release()
    other.stop()
    assert starter.session("GET", "/messages?wait=0.1").status_code == 200


def test_a_poll_with_a_lost_place_gets_the_state(app: Flask, starter: Person):  # noqa: F811 fixtures
    speak(app, starter)
    answer = starter.session("GET", "/messages?after_seq=1&epoch=another").json
    assert (answer["resync"], answer["last_seq"], answer["state"]["status"]) == (True, 1, "initiated")


def test_the_asyncapi_document_is_public(app: Flask):  # noqa: F811 a fixture
    answer = app.test_client().get("/api/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json["channels"]["session"]["address"] == "/api/v1/tilko/ws/{session_id}"
