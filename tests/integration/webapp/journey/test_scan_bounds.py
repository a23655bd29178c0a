"""A scan that comes as an action, over HTTP or a socket, is bound by what binds any scan, and logged like it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.settings import Settings
from models.journey import TagLog
from services.journey.tags import short_code_of
from streams import Position
from tests.integration.conftest import AppOf
from webapp.api.journey.live.commands import PatientCommands
from webapp.auth.journey_callers import JourneyCaller
from webapp.auth.tokens import Role
from webapp.current import parts
from webapp.limits import CallerPlace

from .conftest import Desk, Phone, phone_of

ENTRANCE, OLD, MISTYPED = "demo-entrance-7f3a9c21e5b84d06", "demo-old-0d5e6f7a8b9c4d1e", "AAAA-AAAA"
# What the action is answered: a code, or the state that it led to.
Act = Callable[[Phone, dict[str, str]], str]


def by_http(phone: Phone, payload: dict[str, str]) -> str:
    sent = {"action_type": "scan_nfc", "payload": payload}
    answer = phone.ask("POST", "/patient-journey/perform-action/", json=sent).json
    return answer["journey_state"] if answer["success"] else answer["error"]["code"]


def by_socket(phone: Phone, payload: dict[str, str]) -> str:
    """As the relay runs a command: in no request and in no context of the app."""
    caller, place = JourneyCaller(phone.sid, phone.user_id, Role.PATIENT), CallerPlace("203.0.113.7", False)
    commands = PatientCommands(parts(phone.app).stores, phone.app.app_context, caller, place)
    frame = {"command": "perform_action", "action_type": "scan_nfc", "payload": payload}
    answer = json.loads(commands.perform_action(frame, Position("", 0))[0])
    return answer["payload"]["journey_state"] if answer["success"] else answer["code"]


@pytest.fixture(params=[by_http, by_socket])
def act(request: pytest.FixtureRequest) -> Act:
    chosen: Act = request.param
    return chosen


def logged_scans(app: Flask) -> list[tuple[str, str | None, bool]]:
    """What was scanned, which tag it was, and whether it is known by whom."""
    with parts(app).stores.sessions() as session:
        rows = session.execute(select(TagLog.action, TagLog.tag_id, TagLog.user_id).order_by(TagLog.id))
        return [(row.action, row.tag_id, row.user_id is not None) for row in rows]


@pytest.mark.parametrize(
    ("payload", "code", "logged"),
    [
        ({"tag_code": "nobody-hung-this"}, "TAG_NOT_FOUND", ("unknown", None, True)),
        ({"tag_uid": "04aabbcc"}, "TAG_NOT_FOUND", ("unknown", None, True)),
        ({"tag_id": "TAG-NONE"}, "TAG_NOT_FOUND", ("unknown", None, True)),
        ({"tag_code": OLD}, "TAG_INACTIVE", ("inactive", "TAG-OLD", True)),
        ({"tag_id": "TAG-OLD"}, "TAG_INACTIVE", ("inactive", "TAG-OLD", True)),
    ],
)
def test_what_leads_nowhere_is_logged(phone: Phone, act: Act, payload: dict[str, str], code: str, logged: Any):
    assert act(phone, payload) == code
    assert logged_scans(phone.app) == [logged]


@pytest.mark.parametrize("payload", [{"tag_code": ENTRANCE}, {"tag_id": "TAG-ENTRANCE"}])
def test_an_arrival_is_logged_once_and_told(phone: Phone, act: Act, payload: dict[str, str], logged: Any):
    assert act(phone, payload) == "ARRIVED"
    assert logged_scans(phone.app) == [("scan", "TAG-ENTRANCE", True)]
    assert logged.getvalue().count('"event":"tag_scanned"') == 1


def test_a_phone_mistypes_five_codes_in_a_quarter_of_an_hour(phone: Phone, other_phone: Phone, act: Act):
    tries = [act(phone, {"tag_code": MISTYPED}) for _ in range(6)]
    assert tries == ["TAG_NOT_FOUND"] * 5 + ["RATE_LIMITED"]
    assert act(other_phone, {"tag_code": short_code_of(ENTRANCE)}) == "ARRIVED"


def test_a_person_scans_sixty_times_a_minute_in_whatever_way(phone: Phone, other_phone: Phone, act: Act):
    for _ in range(30):
        phone.ask("POST", "/nfc/scan/", json={"tag_code": ENTRANCE})
    answers = [act(phone, {"tag_code": ENTRANCE}) for _ in range(31)]
    assert answers == ["INVALID_ACTION"] * 30 + ["RATE_LIMITED"]
    assert act(other_phone, {"tag_code": ENTRANCE}) == "ARRIVED"


def test_a_tag_is_marked_by_actions_too(app_of: AppOf, people: list[Any], demo_env: Any, desk: Desk, act: Act):
    strict = app_of(Settings.read(demo_env | {"WELNO_TAG_ALERT": "2 per 10 minutes"}))
    for user_id in people[:3]:
        act(phone_of(strict, user_id), {"tag_code": ENTRANCE})
    assert desk.ask("GET", "/board/EX-US").json["tag_alerts"] == [{"tag_id": "TAG-ENTRANCE", "title": "정문"}]


def test_a_scan_at_a_desk_that_leads_nowhere_is_logged_as_nobodys(people: list[Any], desk: Desk):
    sent = {"action_type": "scan_nfc", "payload": {"tag_code": OLD}}
    answer = desk.ask("POST", f"/staff/patients/{people[0]}/assist", json=sent)
    assert answer.json["error"]["code"] == "TAG_INACTIVE"
    assert logged_scans(desk.app) == [("inactive", "TAG-OLD", False)]
