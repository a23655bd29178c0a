"""A person is told on their next visit that somebody else opened their records: when, from where, with what."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from core.clock import clock
from models.patients import AccessedWhat, ActorKind, PatientSession
from services.patients.access_log import Actor, Look
from webapp.current import parts

from .people import FORM, ORIGIN, Person, stranger

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
MINE, ANOTHERS = "m" * 43, "a" * 43
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.77"
WHO = {name: FORM[name] for name in ("user_name", "birthdate", "phone_no")} | {"password": "592704"}


@pytest.fixture
def patient(owner: Person) -> Person:
    body = {"password": "592704"}
    assert owner.ask("POST", f"/patients/{owner.patient_uuid}/password/set", json=body).status_code == 201
    return owner


def sign_in(app: Flask, patient: Person, address: str, device: str, number: str | None = None) -> Person:
    """At the person's own browser, or, elsewhere, at one that was never here; `number` is another's that was."""
    visitor = stranger(app)
    known = number or (MINE if address == HOME else None)
    cookie = {"Cookie": f"welno_browser={known}"} if known else {}
    answer = visitor.ask(
        "POST",
        "/patients/sign-in",
        json=WHO,
        headers={"User-Agent": device, **cookie},
        environ_base={"REMOTE_ADDR": address},
    )
    visitor.token, visitor.patient_uuid = answer.json["access_token"], patient.patient_uuid
    return visitor


def read(person: Person, kind: str = "checkups", address: str = HOME) -> None:
    base = {"REMOTE_ADDR": address}
    assert person.ask("GET", f"/patients/{person.patient_uuid}/{kind}", environ_base=base).status_code == 200


def told(person: Person, at: str = "sessions") -> list[dict[str, Any]]:
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/{at}")
    found: list[dict[str, Any]] = answer.json["opened_since_last_visit"]
    return found


@pytest.mark.parametrize("at", ["sessions", "access-log"])
def test_the_next_visit_tells_who_opened_the_records_meanwhile(app: Flask, patient: Person, at: str):
    read(sign_in(app, patient, HOME, PHONE))
    intruder = sign_in(app, patient, ELSEWHERE, LAPTOP)
    read(intruder, address=ELSEWHERE)
    read(intruder, "prescriptions", address=ELSEWHERE)
    back = sign_in(app, patient, HOME, PHONE)
    [opening] = told(back, at)
    assert (opening["address"], opening["device"]) == (ELSEWHERE, "Chrome · Windows")
    assert (opening["actor_kind"], opening["who"]) == ("password", "본인 (비밀번호)")
    assert opening["what"] == ["건강검진 기록을 봤어요.", "진료·투약 기록을 봤어요."]
    assert opening["first_at"] <= opening["last_at"]


def test_ones_own_visits_are_not_told(app: Flask, patient: Person):
    read(sign_in(app, patient, HOME, PHONE))
    back = sign_in(app, patient, HOME, PHONE)
    read(back)
    assert told(back) == []


def test_who_sits_in_the_same_network_with_the_same_device_is_told(app: Flask, patient: Person):
    """A hospital's Wi-Fi; what a browser says of itself is free to choose."""
    read(sign_in(app, patient, HOME, PHONE))
    for number in (ANOTHERS, "not one of ours"):
        read(sign_in(app, patient, HOME, PHONE, number))
    assert len(told(sign_in(app, patient, HOME, PHONE))) == 2


def test_ones_own_browser_is_known_in_another_network(app: Flask, patient: Person):
    read(sign_in(app, patient, HOME, PHONE))
    read(sign_in(app, patient, ELSEWHERE, LAPTOP, MINE), address=ELSEWHERE)
    assert told(sign_in(app, patient, HOME, PHONE)) == []


def test_visits_of_before_browsers_had_numbers_are_told_apart_as_then(app: Flask, patient: Person):
    for address, device in ((HOME, PHONE), (ELSEWHERE, LAPTOP)):
        read(sign_in(app, patient, address, device), address=address)
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(PatientSession).values(browser_hash=None))
    assert [one["address"] for one in told(sign_in(app, patient, HOME, PHONE))] == [ELSEWHERE]


def test_a_visit_of_a_release_without_numbers_finds_ones_own_before_it(app: Flask, patient: Person):
    for address, device in ((HOME, PHONE), (ELSEWHERE, LAPTOP)):
        read(sign_in(app, patient, address, device), address=address)
    back = sign_in(app, patient, HOME, PHONE)
    with parts(app).stores.unit_of_work() as work:
        newest = select(func.max(PatientSession.created_at)).scalar_subquery()
        work.session.execute(
            update(PatientSession).where(PatientSession.created_at == newest).values(browser_hash=None)
        )
    assert [one["address"] for one in told(back)] == [ELSEWHERE]


def test_a_browser_keeps_its_number_until_the_sign_out(app: Flask, patient: Person):
    client, numbers = app.test_client(), []
    for _ in range(2):
        assert client.post("/api/v1/patients/sign-in", json=WHO).status_code == 200
        numbers.append(client.get_cookie("welno_browser"))
    first, second = numbers
    assert first is not None
    assert second is not None
    assert first.value == second.value
    assert (first.http_only, first.same_site) == (True, "Strict")
    client.post("/api/v1/patients/sign-out", headers={"Origin": ORIGIN})
    assert client.get_cookie("welno_browser") is None


def test_an_intruders_visit_does_not_hide_itself(app: Flask, patient: Person):
    """Theirs is the newest one before; but it is not this person's."""
    read(sign_in(app, patient, HOME, PHONE))
    for _ in range(2):
        read(sign_in(app, patient, ELSEWHERE, LAPTOP), address=ELSEWHERE)
    assert len(told(sign_in(app, patient, HOME, PHONE))) == 2


def test_what_was_told_once_is_not_told_at_the_visit_after(app: Flask, patient: Person):
    read(sign_in(app, patient, ELSEWHERE, LAPTOP), address=ELSEWHERE)
    start = clock.now()
    with clock.frozen(start + timedelta(minutes=5)):
        back = sign_in(app, patient, HOME, PHONE)
        assert len(told(back)) == 1
    with clock.frozen(start + timedelta(minutes=10)):
        assert told(sign_in(app, patient, HOME, PHONE)) == []


def test_what_happens_during_the_visit_is_told_too(app: Flask, patient: Person):
    mine = sign_in(app, patient, HOME, PHONE)
    read(sign_in(app, patient, ELSEWHERE, LAPTOP), address=ELSEWHERE)
    assert len(told(mine)) == 1


def test_staff_are_told_without_where_they_sit(app: Flask, patient: Person):
    here = parts(app).stores
    actor = Actor(ActorKind.STAFF, "op-1", "192.0.2.1", "operator")
    with here.unit_of_work() as work:
        look = Look(actor, AccessedWhat.FILE, patient.patient_uuid, reason="invented")
        here.access_log.record(work.session, look, here.clock.now())
    [opening] = told(patient)
    assert (opening["who"], opening["address"], opening["device"]) == ("담당 직원", None, None)


def test_nobody_is_told_of_somebody_else(app: Flask, patient: Person, colleague: Person):
    read(sign_in(app, patient, ELSEWHERE, LAPTOP), address=ELSEWHERE)
    assert told(colleague) == []
