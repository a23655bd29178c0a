"""Setting the hospital up, and what everybody sees of it at once."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.clock import clock
from models.accounts import Account
from models.journey import Appointment, Exam, JourneyUser, NfcTag
from services.journey.demo import DemoSecrets, seed_appointments, seed_hospital, seed_people
from services.journey.hospital import NotThere, find_display, find_open_displays
from services.journey.hospital_cache import HospitalCache, KnownTags
from services.journey.tags import TagError, TagInactive, find_tag, read_named_tags, short_code_of
from services.stores import Stores
from webapp.current import parts

from .conftest import CONTENT, FEW, HALL_KEY, CountStatements, Desk, Phone, code

ROOM = {"room_id": "R-301", "title": "심전도실", "floor": 3, "x": 1, "y": 2}
EXAM = {"exam_id": "EX-ECG", "title": "심전도", "display_title": "301호", "room_id": "R-101", "avg_minutes": 5}
TAG = {"tag_id": "TAG-ECG", "tag_uid": "04a1b2c3", "title": "심전도실 앞", "floor": 3, "x": 1, "y": 2}
DISPLAY = {"display_id": "HALL-2", "title": "2층", "exam_ids": ["EX-US"]}
SETUPS = {"rooms": ROOM, "exams": EXAM, "tags": TAG, "displays": DISPLAY}


@pytest.fixture
def cache(app: Flask) -> HospitalCache:
    here = parts(app).stores
    return HospitalCache(here.redis, here.sessions)


@pytest.mark.parametrize("name", SETUPS)
def test_an_admin_adds_lists_and_changes(chief: Desk, name: str):
    key = f"{name[:-1]}_id"
    made = chief.ask("POST", f"/admin/{name}", json=SETUPS[name])
    assert made.status_code == 201, made.text
    assert SETUPS[name][key] in [row[key] for row in chief.ask("GET", f"/admin/{name}/").json[name]]
    changed = chief.ask("PATCH", f"/admin/{name}/{SETUPS[name][key]}", json={"title": "다른 이름"})
    assert changed.json[name[:-1]]["title"] == "다른 이름"


@pytest.mark.parametrize("name", SETUPS)
def test_an_id_is_given_once(chief: Desk, name: str):
    chief.ask("POST", f"/admin/{name}", json=SETUPS[name])
    again = chief.ask("POST", f"/admin/{name}", json=SETUPS[name])
    assert (code(again), list(again.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [f"{name[:-1]}_id"])


@pytest.mark.parametrize("name", SETUPS)
def test_staff_patients_and_strangers_set_nothing_up(app: Flask, desk: Desk, phone: Phone, name: str):
    for who in (desk, phone):
        assert code(who.ask("POST", f"/admin/{name}", json=SETUPS[name])) == (403, "FORBIDDEN")
        assert code(who.ask("GET", f"/admin/{name}")) == (403, "FORBIDDEN")
    assert app.test_client().get(f"/api/v1/admin/{name}").status_code == 401


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("rooms", {"floor": "x"}, "floor"),
        ("rooms", {"title": "x" * 101}, "title"),
        ("rooms", {"title": "a\x00b"}, "title"),
        ("exams", {"room_id": "R-NONE"}, "room_id"),
        ("exams", {"avg_minutes": 0}, "avg_minutes"),
        ("tags", {"tag_uid": "04:10"}, "tag_uid"),
        ("tags", {"tag_uid": "04:10:00:00:00"}, "tag_uid"),
        ("tags", {"exam_ids": ["EX-NONE"]}, "exam_ids"),
        ("displays", {"exam_ids": "EX-US"}, "exam_ids"),
        ("displays", {"key": "mine"}, "key"),
    ],
)
def test_what_is_wrong_is_named(chief: Desk, name: str, changes: dict[str, Any], field: str):
    answer = chief.ask("POST", f"/admin/{name}", json=SETUPS[name] | changes)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [field])


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("rooms/R-0", "NOT_FOUND"),
        ("exams/EX-0", "EXAM_NOT_FOUND"),
        ("tags/T-0", "TAG_NOT_FOUND"),
        ("displays/D-0", "NOT_FOUND"),
    ],
)
def test_what_is_not_there_cannot_be_changed(chief: Desk, path: str, what: str):
    assert code(chief.ask("PATCH", f"/admin/{path}", json={"title": "이름"})) == (404, what)


def test_a_tags_code_is_drawn_and_its_uid_written_in_one_form(chief: Desk):
    tag = chief.ask("POST", "/admin/tags", json=TAG).json["tag"]
    assert (tag["tag_uid"], len(tag["tag_code"])) == ("04:A1:B2:C3", 22)
    assert tag["short_code"] == short_code_of(tag["tag_code"])


def test_a_rotated_tag_has_another_code_and_the_old_one_is_known_as_old(chief: Desk, cache: HospitalCache):
    old = chief.ask("POST", "/admin/tags", json=TAG).json["tag"]["tag_code"]
    assert find_tag(cache.look(), tag_code=old).tag_id == "TAG-ECG"
    new = chief.ask("POST", "/admin/tags/TAG-ECG/rotate").json["tag"]["tag_code"]
    assert find_tag(cache.look(), tag_code=new).tag_id == "TAG-ECG"
    with pytest.raises(TagInactive):
        find_tag(cache.look(), tag_code=old)
    with pytest.raises(TagInactive):
        find_tag(cache.look(), tag_code=short_code_of(old))
    assert find_tag(cache.look(), tag_code=short_code_of(new)).tag_id == "TAG-ECG"


def test_a_scan_is_answered_alike_by_the_cache_and_by_the_tags_that_it_names(
    app: Flask, chief: Desk, cache: HospitalCache
):
    """An action reads those alone, however many the hospital has."""
    old = chief.ask("POST", "/admin/tags", json=TAG).json["tag"]["tag_code"]
    new = chief.ask("POST", "/admin/tags/TAG-ECG/rotate").json["tag"]["tag_code"]
    [uid] = {tag.tag_uid for tag in cache.look().tags if tag.tag_id == "TAG-ECG"}
    codes = [code for tag in cache.look().tags for code in (tag.tag_code, short_code_of(tag.tag_code))]
    codes += [old, short_code_of(old), new, "AAAA-AAAA", "%", "unknown"]
    names = [{"tag_uid": uid}, {"tag_uid": "04:00:00:01"}, *({"tag_code": code} for code in codes)]
    with Session(parts(app).stores.engine) as session:
        for named in names:
            assert found_of(read_named_tags(session, **named), named) == found_of(cache.look(), named), named


def found_of(known: KnownTags, named: dict[str, str]) -> object:
    try:
        return find_tag(known, **named)
    except TagError as exc:
        return type(exc), exc.tag_id


def test_a_displays_key_is_shown_once_and_opens_until_it_is_revoked(app: Flask, chief: Desk):
    key = chief.ask("POST", "/admin/displays", json=DISPLAY).json["key"]
    assert "key" not in chief.ask("GET", "/admin/displays").text.replace("success", "")
    with parts(app).stores.sessions() as session:
        assert find_display(session, "HALL-2", key) is not None
        assert find_display(session, "HALL-2", "no key at all") is None
        with pytest.raises(NotThere):
            find_display(session, "HALL-2", HALL_KEY)
        assert set(find_open_displays(session, ["HALL-1", "HALL-2", "HALL-3"])) == {"HALL-1", "HALL-2"}
    revoked = chief.ask("PATCH", "/admin/displays/HALL-2", json={"is_revoked": True})
    assert revoked.json["display"]["revoked_at"] is not None
    with parts(app).stores.sessions() as session:
        assert find_display(session, "HALL-2", key) is None
        assert set(find_open_displays(session, ["HALL-1", "HALL-2"])) == {"HALL-1"}


def test_the_second_look_asks_no_database_and_a_change_is_seen_at_once(
    app: Flask, chief: Desk, cache: HospitalCache, count_statements: CountStatements
):
    cache.look()
    with count_statements() as statements:
        assert cache.look().exams["EX-BLOOD"].title == "채혈"
    assert statements == []
    chief.ask("PATCH", "/admin/exams/EX-BLOOD", json={"title": "피검사"})
    assert cache.look().exams["EX-BLOOD"].title == "피검사"


def test_without_redis_postgresql_is_asked(app: Flask, people: list[UUID]):
    nowhere = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    assert "R-101" in HospitalCache(nowhere, parts(app).stores.sessions).look().rooms


def test_the_demo_is_made_once_and_what_is_there_stays(app: Flask, people: list[UUID]):
    here = parts(app).stores
    secrets = DemoSecrets(lambda: pytest.fail("everybody has a password"), HALL_KEY)
    with here.unit_of_work() as work:
        work.session.execute(update(Exam).where(Exam.exam_id == "EX-US").values(title="초음파"))
        work.session.execute(update(Appointment).values(status="completed"))
    with here.unit_of_work() as work:
        seed_hospital(work.session, FEW, secrets)
        assert seed_people(work.session, here.people, FEW) == people
        seed_today(here, work.session, people[:5], FEW)
    with here.sessions() as session:
        assert session.get_one(Exam, "EX-US").title == "초음파"
        assert set(session.scalars(select(Appointment.status))) == {"completed"}
        assert session.scalar(select(func.count()).select_from(Appointment)) == 10
        assert set(session.scalars(select(Account.login))) == {"desk1", "desk2", "chief"}


def seed_today(here: Stores, session: Session, user_ids: list[UUID], content: Any, now: datetime | None = None) -> None:
    journey = here.settings.journey
    today = content["appointments_today"]
    seed_appointments(session, user_ids, today, now or clock.now(), journey.time_zone, journey.day_close_at)


@pytest.mark.parametrize("at", ["10:30", "22:59", "23:00", "23:40"])
def test_a_demo_that_begins_late_has_appointments_that_the_close_of_the_day_leaves(app: Flask, at: str):
    here = parts(app).stores
    zone = here.settings.journey.time_zone
    now = datetime.combine(clock.now().astimezone(zone).date(), time.fromisoformat(at), zone)
    closes = datetime.combine(now.date(), here.settings.journey.day_close_at, zone)
    with here.unit_of_work() as work:
        seed_hospital(work.session, FEW, DemoSecrets(lambda: "a hash", HALL_KEY))
        seed_today(here, work.session, seed_people(work.session, here.people, FEW)[:5], FEW, now)
        scheduled = list(work.session.scalars(select(Appointment.scheduled_at)))
    last_close = closes if now >= closes else closes - timedelta(days=1)
    assert scheduled
    assert min(scheduled) >= last_close
    assert {moment.astimezone(zone).date() for moment in scheduled} == {now.date()}


def test_the_demo_holds_exactly_what_its_table_says(app: Flask):
    here = parts(app).stores
    with here.unit_of_work() as work:
        seed_hospital(work.session, CONTENT, DemoSecrets(lambda: "a hash", HALL_KEY))
        user_ids = seed_people(work.session, here.people, CONTENT)
        seed_today(here, work.session, user_ids, CONTENT)
        assert len(user_ids) == 302
        names = [work.session.get_one(JourneyUser, user_id).name for user_id in (user_ids[0], *user_ids[299:])]
        assert names == ["시연001", "시연300", "시연301", "시연302"]
        born = clock.now().replace(year=1950, month=5, day=5).date()
        assert len(here.people.find_by_login(work.session, "0301", born)) == 2
        assert work.session.scalar(select(func.count()).select_from(Appointment)) == 200
        codes = dict(work.session.execute(select(NfcTag.tag_id, NfcTag.tag_code)).all())
        assert codes["TAG-ENTRANCE"] == "demo-entrance-7f3a9c21e5b84d06"
