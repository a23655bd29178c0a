"""The published table of states and actions."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.settings import Settings
from tests.integration.conftest import AppOf
from tests.integration.webapp.people import API

from .conftest import CountStatements


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_stranger_reads_the_whole_table(client: FlaskClient):
    found: dict[str, Any] = client.get(f"{API}/state-definitions/").json
    assert found["success"] is True
    assert sum(len(actions) for actions in found["state_transitions"].values()) == 13
    assert len(found["transitions"]) == 14
    assert {"from", "action", "actor", "to"} == set(found["transitions"][0])
    assert found["computed_actions"] == {"cancel_appointment": ["REGISTERED", "WAITING", "CALLED"]}
    assert found["sockets"]["patient_journey"] == "/ws/patient-journey/"
    assert found["mappings"]["queue_to_journey"]["no_show"] == "WAITING"


def test_the_limits_of_a_desk_are_the_servers(client: FlaskClient, app_of: AppOf, demo_env: dict[str, str]):
    found = client.get(f"{API}/state-definitions/").json["limits"]
    assert found == {"recall_after_seconds": 20, "undo_call_within_seconds": 60, "no_show_after_seconds": 300}
    patient = app_of(Settings.read(demo_env | {"WELNO_NO_SHOW_AFTER_SECONDS": "600"})).test_client()
    assert patient.get(f"{API}/state-definitions/").json["limits"]["no_show_after_seconds"] == 600


def test_the_time_zone_is_the_hospitals(client: FlaskClient, app_of: AppOf, demo_env: dict[str, str]):
    assert client.get(f"{API}/state-definitions/").json["time_zone"] == "Asia/Seoul"
    elsewhere = app_of(Settings.read(demo_env | {"WELNO_HOSPITAL_TIME_ZONE": "Europe/Berlin"})).test_client()
    assert elsewhere.get(f"{API}/state-definitions/").json["time_zone"] == "Europe/Berlin"


def test_whoever_has_it_already_is_told_so_without_a_statement(client: FlaskClient, count_statements: CountStatements):
    etag = client.get(f"{API}/state-definitions").headers["ETag"]
    with count_statements() as statements:
        again = client.get(f"{API}/state-definitions/", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, statements) == (304, b"", [])


def test_a_method_that_is_not_served_is_told_which_are(client: FlaskClient):
    answer = client.post(f"{API}/state-definitions/")
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]


def test_with_the_flag_off_nothing_of_the_journey_is_there(app_of: AppOf, demo_env: dict[str, str]):
    off = app_of(Settings.read(demo_env | {"WELNO_JOURNEY_V2": "false"}))
    rules = [rule for rule in off.url_map.iter_rules() if rule.endpoint.startswith("journey")]
    assert rules == []
    for path in ("/state-definitions/", "/admin/tags", "/auth/token/refresh/"):
        assert off.test_client().get(API + path).status_code == 404
    for page in ("/journey", "/t/demo-entrance-7f3a9c21e5b84d06", "/staff/journey", "/hall/HALL-1"):
        assert off.test_client().get(page).status_code == 404
    assert off.test_client().get(f"{API}/consents/texts").status_code == 200
