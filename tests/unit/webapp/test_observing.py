"""What is left of a validation's messages, and of a request's context."""

import pytest
from flask import Flask
from structlog.contextvars import bind_contextvars, get_contextvars

from webapp.api.patients.schemas.records import without_pictures
from webapp.errors import flatten_messages
from webapp.observing import observe


@pytest.mark.parametrize(
    ("messages", "details"),
    [
        ({"json": {"user_name": ["a"]}, "query": {"limit": ["b"]}}, {"user_name": ["a"], "limit": ["b"]}),
        ({"json": {"_schema": ["a"]}}, {"body": ["a"]}),
        ({"json": ["Invalid JSON body."]}, {"body": ["JSON 형식이 아니에요. 내용을 다시 확인해 주세요."]}),
    ],
)
def test_messages_are_given_by_field(messages: object, details: dict[str, list[str]]):
    assert flatten_messages(messages) == details


def test_pictures_are_left_out_wherever_they_are():
    stored = {"List": [{"DrugImage": "x", "Name": "가나정", "More": {"DrugImage": "y"}}], "DrugImage": "z"}
    assert without_pictures(stored) == {"List": [{"Name": "가나정", "More": {}}]}


def test_a_request_has_nothing_in_its_log_of_the_one_before_on_its_connection():
    app = Flask("webapp")
    observe(app)

    @app.get("/known")
    def known() -> str:
        bind_contextvars(member="somebody", anything="else")
        return ""

    @app.get("/asked")
    def asked() -> dict[str, object]:
        return get_contextvars()

    browser = app.test_client()
    browser.get("/known")
    assert get_contextvars() == {}
    assert set(browser.get("/asked").json or {}) == {"request_id"}
