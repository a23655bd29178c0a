"""Scans of tags: where one is told to go, when it is the arrival, and what is logged of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from core.settings import Settings
from models.journey import TagLog
from services.journey.tags import short_code_of
from tests.integration.conftest import AppOf
from tests.integration.webapp.people import API
from webapp.current import parts

from .conftest import Desk, Phone, code

ENTRANCE, OLD = "demo-entrance-7f3a9c21e5b84d06", "demo-old-0d5e6f7a8b9c4d1e"
BLOOD = {"tag_uid": "04:10:00:00:00:00:02"}
MISTYPED = "AAAA-AAAA"


def scan(app: Flask, **body: Any) -> TestResponse:
    return app.test_client().post(f"{API}/nfc/scan/", json=body)


def logged_scans(app: Flask) -> list[str]:
    with parts(app).stores.sessions() as session:
        return list(session.scalars(select(TagLog.action).order_by(TagLog.id)))


def test_a_stranger_learns_where_this_is_and_gets_a_scan_token(app: Flask, people: list[UUID]):
    answer = scan(app, tag_code=ENTRANCE, device_id="device-0001", via="url").json
    assert answer["tag"]["tag_id"] == "TAG-ENTRANCE"
    assert (answer["transition"], answer["journey"], answer["exams"]) == (False, None, [])
    assert answer["scan_token"]
    assert answer["guidance"]["to"]["title"] == "접수 창구"
    assert logged_scans(app) == ["scan"]


@pytest.mark.parametrize("uid", ["04:10:00:00:00:00:02", "04-10-00-00-00-00-02", "04100000000002", "0410:0000-000002"])
def test_a_uid_may_be_written_in_several_ways(app: Flask, people: list[UUID], uid: str):
    answer = scan(app, tag_uid=uid)
    assert (answer.status_code, answer.json["exams"]) == (200, [{"exam_id": "EX-BLOOD", "title": "채혈"}])


def test_a_code_may_be_typed_as_it_is_printed(app: Flask, people: list[UUID]):
    assert scan(app, tag_code=short_code_of(ENTRANCE), via="typed").json["tag"]["tag_id"] == "TAG-ENTRANCE"


def test_the_first_scan_is_the_arrival_and_a_later_one_changes_nothing(app: Flask, phone: Phone):
    first = phone.ask("POST", "/nfc/scan/", json={"tag_code": ENTRANCE}).json
    assert (first["transition"], first["journey"]["journey_state"], first["scan_token"]) == (True, "ARRIVED", None)
    again = phone.ask("POST", "/nfc/scan", json=BLOOD).json
    assert (again["transition"], again["journey"]["journey_state"]) == (False, "ARRIVED")
    assert logged_scans(app) == ["scan", "rescan"]


def test_an_arrival_that_cannot_be_logged_is_none(app: Flask, phone: Phone):
    struck: list[str] = []

    def strike(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "welno.tag_logs" in statement and "INSERT" in statement and not struck:
            struck.append(statement)
            raise OperationalError("lost", {}, Exception("away"))

    engine = parts(app).stores.engine
    event.listen(engine, "before_cursor_execute", strike)
    try:
        assert phone.ask("POST", "/nfc/scan/", json={"tag_code": ENTRANCE}).status_code == 503
    finally:
        event.remove(engine, "before_cursor_execute", strike)
    assert (len(struck), logged_scans(app)) == (1, [])
    again = phone.ask("POST", "/nfc/scan/", json={"tag_code": ENTRANCE}).json
    assert (again["transition"], again["journey"]["journey_state"]) == (True, "ARRIVED")
    assert logged_scans(app) == ["scan"]


def test_staff_who_scan_touch_no_state(app: Flask, desk: Desk):
    answer = desk.ask("POST", "/nfc/scan/", json={"tag_code": ENTRANCE}).json
    assert (answer["transition"], answer["journey"], answer["scan_token"]) == (False, None, None)
    assert logged_scans(app) == ["rescan"]


def test_a_token_that_is_none_is_refused(app: Flask, people: list[UUID]):
    answer = app.test_client().post(
        f"{API}/nfc/scan/", json={"tag_code": ENTRANCE}, headers={"Authorization": "Bearer x"}
    )
    assert code(answer) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("via", "told"), [("url", '"via":"url"'), (None, '"via":null')])
def test_how_a_tag_was_read_is_in_the_log(app: Flask, people: list[UUID], logged: Any, via: str | None, told: str):
    scan(app, tag_code=ENTRANCE, device_id="device-0001", **({"via": via} if via else {}))
    [line] = [line for line in logged.getvalue().splitlines() if '"event":"tag_scanned"' in line]
    assert told in line
    assert '"tag_id":"TAG-ENTRANCE"' in line
    assert "device-0001" not in line
    assert ENTRANCE not in line


def test_phones_that_say_nothing_of_themselves_are_told_apart_by_their_addresses(
    app: Flask, people: list[UUID], desk: Desk
):
    for number in range(31):
        address = {"REMOTE_ADDR": f"203.0.{number}.7"}
        app.test_client().post(f"{API}/nfc/scan/", json={"tag_code": ENTRANCE}, environ_overrides=address)
    assert desk.ask("GET", "/board/EX-US").json["tag_alerts"] == [{"tag_id": "TAG-ENTRANCE", "title": "정문"}]


@pytest.mark.parametrize(
    ("body", "expected", "action"),
    [
        ({"tag_code": "nobody-hung-this"}, (404, "TAG_NOT_FOUND"), "unknown"),
        ({"tag_uid": "04AABBCC"}, (404, "TAG_NOT_FOUND"), "unknown"),
        ({"tag_code": OLD}, (410, "TAG_INACTIVE"), "inactive"),
    ],
)
def test_what_leads_nowhere_is_logged_too(
    app: Flask, people: list[UUID], body: dict[str, str], expected: tuple[int, str], action: str
):
    assert code(scan(app, **body)) == expected
    assert logged_scans(app) == [action]


def test_the_same_scan_within_three_seconds_is_one(app: Flask, people: list[UUID]):
    for _ in range(3):
        scan(app, tag_code=ENTRANCE, device_id="device-0001")
    assert logged_scans(app) == ["scan"]
    scan(app, tag_code=ENTRANCE, device_id="device-0002")
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(TagLog).values(created_at=TagLog.created_at - timedelta(seconds=4)))
    scan(app, tag_code=ENTRANCE, device_id="device-0001")
    assert logged_scans(app) == ["scan"] * 3


def test_a_qr_code_tells_the_same_and_moves_nobody(app: Flask, phone: Phone):
    answer = app.test_client().get(f"{API}/nfc/qr-backup/{ENTRANCE}/", headers=phone.bearer).json
    assert (answer["tag"]["tag_id"], answer["transition"], answer["journey"]) == ("TAG-ENTRANCE", False, None)
    assert answer["scan_token"]
    assert logged_scans(app) == ["qr"]
    assert phone.ask("GET", "/patient-journey/current-state/").json["journey_state"] == "UNREGISTERED"


def test_one_device_scans_sixty_times_a_minute(app: Flask, people: list[UUID]):
    answers = [scan(app, tag_code=ENTRANCE, device_id="device-0001").status_code for _ in range(62)]
    assert answers == [200] * 60 + [429] * 2
    assert scan(app, tag_code=ENTRANCE, device_id="device-0002").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tag_uid"),
        ({"tag_uid": "04:10:00:00:00:00:02", "tag_code": ENTRANCE}, "tag_uid"),
        ({"tag_uid": "04:10:00"}, "tag_uid"),
        ({"tag_uid": "04:10:00:00:00"}, "tag_uid"),
        ({"tag_uid": "zz:10:00:00"}, "tag_uid"),
        ({"tag_uid": 4}, "tag_uid"),
        ({"tag_code": ""}, "tag_code"),
        ({"tag_code": "a\x00b"}, "tag_code"),
        ({"tag_code": ENTRANCE, "ndef": "x" * 1025}, "ndef"),
        ({"tag_code": ENTRANCE, "device_id": "x" * 7}, "device_id"),
        ({"tag_code": ENTRANCE, "via": "telepathy"}, "via"),
        ({"tag_code": ENTRANCE, "user_id": "x"}, "user_id"),
    ],
)
def test_what_is_wrong_in_the_body_is_named(app: Flask, people: list[UUID], body: dict[str, Any], field: str):
    answer = scan(app, **body)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])


def test_a_code_that_was_posted_somewhere_marks_its_tag(
    app: Flask, people: list[UUID], chief: Desk, desk: Desk, logged: Any
):
    """For the admins, and on every desk's board, until its code is changed."""
    assert desk.ask("GET", "/board/EX-US").json["tag_alerts"] == []
    for number in range(31):
        scan(app, tag_code=ENTRANCE, device_id=f"device-{number:04d}")
    marked = {tag["tag_id"]: tag["is_marked"] for tag in chief.ask("GET", "/admin/tags").json["tags"]}
    assert marked == {"TAG-ENTRANCE": True, "TAG-BLOOD": False, "TAG-XRAY": False, "TAG-OLD": False}
    assert desk.ask("GET", "/board/EX-US").json["tag_alerts"] == [{"tag_id": "TAG-ENTRANCE", "title": "정문"}]
    assert '"event":"tag_scanned_from_outside"' in logged.getvalue()
    assert "device-0001" not in logged.getvalue()
    assert not chief.ask("POST", "/admin/tags/TAG-ENTRANCE/rotate").json["tag"]["is_marked"]
    assert desk.ask("GET", "/board/EX-US").json["tag_alerts"] == []


def test_a_phone_mistypes_five_codes_in_a_quarter_of_an_hour(app: Flask, people: list[UUID]):
    tries = [scan(app, tag_code=MISTYPED, device_id="device-0001").status_code for _ in range(6)]
    assert tries == [404] * 5 + [429]
    assert scan(app, tag_code=short_code_of(ENTRANCE), device_id="device-0002").status_code == 200


@pytest.mark.parametrize(("networks", "most"), [("", 3), ("127.0.0.0/8", 30)])
def test_mistyped_codes_are_counted_by_address_as_failed_logins(
    app_of: AppOf, people: list[UUID], demo_env: Any, networks: str, most: int
):
    """A hospital's guests share one: ten times as many are theirs."""
    limits = {"WELNO_LOGIN_FAILURES_ADDRESS": "3 per 15 minutes", "WELNO_HOSPITAL_NETWORKS": networks}
    strict = app_of(Settings.read(demo_env | limits))
    assert [scan(strict, tag_code=MISTYPED).status_code for _ in range(most + 1)] == [404] * most + [429]
