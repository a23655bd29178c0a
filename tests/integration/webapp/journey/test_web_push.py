"""A phone subscribes to web push, and with what it may not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.allowed_hosts import AllowedHosts
from core.settings import Settings
from services.journey.web_push.messages import PushKey
from tests.integration.webapp.journey.conftest import Desk, Phone, code
from tests.push_browser import PUSH_KEY, PushBrowser
from webapp.current import parts

PATH = "/notifications/push"
ENDPOINT = "https://push.example/a-secret-path"
HOSTS = {"WELNO_PUSH_HOSTS": "push.example,*.push.example", "WELNO_PUSH_KEY": PUSH_KEY}


@pytest.fixture
def web_settings(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Settings:
    own = {"DATABASE_URL": postgres_url, "TILKO_DATA_DIR": str(server_home / "tilko_data")}
    return Settings.read(demo_env | own | HOSTS)


def rows(app: Flask) -> list[Any]:
    with parts(app).stores.sessions() as session:
        return list(session.execute(text("select * from welno.web_push_subscriptions")).all())


def test_a_browser_is_given_the_key_and_subscribes_once_however_often(app: Flask, phone: Phone):
    assert phone.ask("GET", PATH).json == {
        "success": True,
        "public_key": PushKey(PUSH_KEY).public_key,
        "is_subscribed": False,
    }
    browser = PushBrowser(ENDPOINT)
    for _ in range(2):
        answer = phone.ask("PUT", PATH, json=browser.subscription)
        assert (answer.status_code, answer.json["is_subscribed"]) == (200, True)
    assert phone.ask("GET", PATH).json["is_subscribed"] is True
    [row] = rows(app)
    assert row.user_id == phone.user_id
    assert ENDPOINT.encode() not in bytes(row.sealed)
    for _ in range(2):
        assert phone.ask("DELETE", PATH).json["is_subscribed"] is False
    assert rows(app) == []


def subscription(**changes: Any) -> dict[str, Any]:
    return PushBrowser(ENDPOINT).subscription | changes


KEYS = PushBrowser(ENDPOINT).subscription["keys"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (subscription(endpoint="http://push.example/x"), "endpoint"),
        (subscription(endpoint="https://elsewhere.example/x"), "endpoint"),
        (subscription(endpoint="https://push.example:8443/x"), "endpoint"),
        (subscription(endpoint="https://push.example@elsewhere.example/x"), "endpoint"),
        (subscription(endpoint="https://169.254.169.254/latest"), "endpoint"),
        (subscription(endpoint="https://push.example/" + "x" * 2000), "endpoint"),
        (subscription(endpoint=None), "endpoint"),
        (subscription(keys=KEYS | {"p256dh": "BA"}), "keys.p256dh"),
        (subscription(keys=KEYS | {"p256dh": "B" + "A" * 86}), "keys.p256dh"),
        (subscription(keys=KEYS | {"auth": "A" * 21}), "keys.auth"),
        (subscription(keys={"auth": KEYS["auth"]}), "keys.p256dh"),
        (subscription(keys=None), "keys"),
        (subscription(expirationTime="tomorrow"), "expirationTime"),
        (subscription(more=1), "more"),
    ],
)
def test_what_is_no_subscription_of_a_listed_push_service_is_refused(
    app: Flask, phone: Phone, body: dict[str, Any], field: str
):
    answer = phone.ask("PUT", PATH, json=body)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])
    assert rows(app) == []


def test_who_subscribes_over_and_over_is_held_up(phone: Phone):
    codes = [phone.ask("PUT", PATH, json=subscription()).status_code for _ in range(31)]
    assert codes == [200] * 30 + [429]


def test_staff_have_none(desk: Desk):
    assert code(desk.ask("GET", PATH)) == (403, "FORBIDDEN")


def test_a_login_that_was_taken_back_subscribes_nothing(app: Flask, phone: Phone):
    phone.ask("POST", "/auth/logout")
    assert code(phone.ask("PUT", PATH, json=subscription())) == (401, "TOKEN_REVOKED")
    assert rows(app) == []


class TestOff:
    @pytest.fixture
    def web_settings(self, web_settings: Settings) -> Settings:
        return replace(web_settings, journey=replace(web_settings.journey, push_hosts=AllowedHosts()))

    def test_nobody_subscribes(self, app: Flask, phone: Phone):
        assert phone.ask("GET", PATH).json["public_key"] is None
        assert code(phone.ask("PUT", PATH, json=subscription())) == (404, "NOT_FOUND")
