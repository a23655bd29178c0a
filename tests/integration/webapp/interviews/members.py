"""Members with HTTP clients."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.interviews.company import PASSWORD, World
from tests.integration.webapp.people import ORIGIN

LOGIN = "/api/v1/accounts/login"


@dataclass
class Member:
    """Asks by bearer token, unless told otherwise."""

    client: FlaskClient
    name: str
    token: str

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **more)

    def upload(
        self, world: World, text: str = "질문: 어떠셨어요?\n답: 결제가 어려웠어요.", **more: Any
    ) -> TestResponse:
        headers = more.pop("headers", {})
        return self.ask(
            "POST", "/api/workflow/async", json={"text": text, "projectId": str(world.food)} | more, headers=headers
        )


def sign_in(app: Flask, name: str, password: str = PASSWORD, **headers: str) -> TestResponse:
    body = {"email": f"{name}@demo.test", "password": password}
    return app.test_client(use_cookies=False).post(LOGIN, json=body, headers=headers)


def arrive_member(app: Flask, name: str) -> Member:
    answer = sign_in(app, name)
    assert answer.status_code == 200, answer.text
    return Member(app.test_client(use_cookies=False), name, answer.json["access_token"])


def with_cookies(app: Flask, name: str) -> FlaskClient:
    """A browser that has signed in."""
    client = app.test_client()
    answer = client.post(LOGIN, json={"email": f"{name}@demo.test", "password": PASSWORD}, headers={"Origin": ORIGIN})
    assert answer.status_code == 200, answer.text
    return client
