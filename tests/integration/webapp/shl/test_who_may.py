"""Every route of SMART Health Links: a patient's own are theirs alone, opening is for whoever has the link."""

import pytest
from flask import Flask

from tests.integration.webapp.journey.staff import staff_headers
from tests.integration.webapp.people import Person

from .conftest import Links

OWN = {
    "shl.make": ("POST", ""),
    "shl.show": ("GET", ""),
    "shl.replace": ("PUT", "/{id}/files"),
    "shl.end": ("DELETE", "/{id}"),
}
OPENING = {"shl_opening.show_manifest", "shl_opening.show_file", "shl_opening.take_file"}


def test_every_route_is_tried_or_opens_links(app: Flask):
    found = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("shl")}
    assert found == {*OWN} | OPENING
    assert {app.view_functions[name].access for name in OWN} == {"own_patient"}


@pytest.mark.parametrize("name", OWN)
def test_nobody_is_let_in_without_a_token(app: Flask, name: str):
    method, path = OWN[name]
    answer = app.test_client(use_cookies=False).open(f"/api/shl{path.format(id='A' * 43)}", method=method, json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("name", OWN)
def test_staff_have_no_links(app: Flask, name: str):
    method, path = OWN[name]
    address = f"/api/shl{path.format(id='A' * 43)}"
    answer = app.test_client(use_cookies=False).open(address, method=method, json={}, headers=staff_headers(app))
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FORBIDDEN")


def test_a_colleague_neither_sees_nor_changes_a_link(links: Links, colleague: Person):
    path, other = links.make().removeprefix("/api/shl"), Links(colleague)
    assert other.listed() == []
    assert other.ask("PUT", f"{path}/files", json={"files": [other.file()]}).status_code == 404
    assert other.ask("DELETE", path).status_code == 404
    assert links.listed()[0]["state"] == "active"


def test_a_cookie_from_a_foreign_page_makes_no_link(app: Flask, links: Links):
    client = app.test_client()
    client.set_cookie("welno_session", links.person.token)
    body = {"files": [links.file()]}
    refused = client.post("/api/shl", json=body, headers={"Origin": "https://evil.example"})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert links.listed() == []
