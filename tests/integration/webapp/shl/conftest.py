"""A patient who makes links, and a doctor's program elsewhere that has nothing but a link."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.webapp.people import Person
from tests.shl import FHIR, encrypt

TEXT = b'{"resourceType":"Bundle","type":"collection"}'
KEY = bytes(range(32))


@dataclass
class Links:
    """One patient's, asked for by bearer token."""

    person: Person
    key: bytes = KEY

    def ask(self, method: str, path: str = "", **more: Any) -> TestResponse:
        return self.person.client.open(f"/api/shl{path}", method=method, headers=self.person.bearer, **more)

    def file(self, text: bytes = TEXT, content_type: str = FHIR) -> dict[str, str]:
        return {"contentType": content_type, "jwe": encrypt(self.key, text, content_type)}

    def post(self, **body: Any) -> TestResponse:
        return self.ask("POST", json={"files": [self.file()], **body})

    def make(self, **body: Any) -> str:
        """The path of a new link."""
        answer = self.post(**body)
        assert answer.status_code == 201, answer.text
        return urlsplit(answer.json["url"]).path

    def listed(self) -> list[dict[str, Any]]:
        links: list[dict[str, Any]] = self.ask("GET").json["links"]
        return links


@dataclass
class Doctor:
    """At a site of another's."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=lambda: {"Origin": "https://viewer.example"})

    def manifest(self, path: str, **body: Any) -> TestResponse:
        return self.client.post(path, json={"recipient": "한빛의원", **body}, headers=self.headers)

    def get(self, address: str, **query: str) -> TestResponse:
        return self.client.get(urlsplit(address).path, query_string=query, headers=self.headers)


@pytest.fixture
def links(owner: Person) -> Links:
    return Links(owner)


@pytest.fixture
def doctor(app: Flask) -> Doctor:
    return Doctor(app.test_client(use_cookies=False))
