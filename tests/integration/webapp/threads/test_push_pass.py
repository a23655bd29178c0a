"""The push pass: a device's envelopes after the login is over, and nothing else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from core.clock import clock
from services.threads.push_pass import end_passes
from tests.integration.webapp.people import ORIGIN, Person
from tests.thread_devices import ClientDevice
from tests.waiting import wait_until_blocked
from webapp.current import parts

from .members import API, Member, Talk

PUSH = f"{API}/push-batch"
OF_DEVICE = " where member like 'patient:%'"
HELD = text(f"select pass_hash, earlier_passes from welno.welno_thread_devices{OF_DEVICE}")
AGED = "pass_until = pass_until - make_interval(days => :days), earlier_passes = '[]'"
AGE = text(f"update welno.welno_thread_devices set {AGED}{OF_DEVICE}")


@pytest.fixture
def token(talk: Talk, patient: Member) -> str:
    """Registering again gives a new one."""
    first, again = (patient.register().json["pushToken"] for _ in range(2))
    assert first != again
    return str(again)


@pytest.fixture
def worker(app: Flask) -> FlaskClient:
    """Somebody without a login."""
    return app.test_client(use_cookies=False)


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one.get("code", one["status"]) for one in answer.json["results"]]


def test_it_pushes_for_its_device_and_reads_nothing(talk: Talk, patient: Member, worker: FlaskClient, token: str):
    bearer = {"Authorization": f"Bearer {token}"}
    body = {"envelopes": [talk.envelope(patient)]}
    assert statuses(worker.post(PUSH, json=body, headers=bearer)) == ["accepted"]
    for path in ("/me", "", f"/{talk.id}/recent", f"/{talk.id}/status"):
        assert worker.get(f"{API}{path}", headers=bearer).status_code == 401
    assert worker.post(f"{API}/{talk.id}/ack", json={"seq": 1}, headers=bearer).status_code == 401
    assert talk.items(talk.owner)[-1]["from"] == patient.member


def test_it_speaks_for_no_other_device(talk: Talk, patient: Member, worker: FlaskClient, token: str):
    tablet = ClientDevice(patient.member)
    patient.register(tablet)
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    other = tablet.envelope(talk.id, "k1", talk.secrets["k1"])
    headers = {"Authorization": f"Bearer {token}"}
    assert statuses(worker.post(PUSH, json={"envelopes": [other]}, headers=headers)) == ["UNKNOWN_DEVICE"]
    assert statuses(patient.push(other)) == ["accepted"]


def test_its_cookie_is_for_pushing_from_listed_pages_alone(talk: Talk, patient: Member, app: Flask):
    set_cookie = patient.register().headers["Set-Cookie"]
    assert "Path=/api/threads/push-batch" in set_cookie
    assert "HttpOnly" in set_cookie
    assert "SameSite=Strict" in set_cookie
    assert "Max-Age=1209600" in set_cookie
    browser = app.test_client()
    value = set_cookie.partition("=")[2].partition(";")[0]
    browser.set_cookie("welno_push", value, path="/api/threads/push-batch")
    body = {"envelopes": [talk.envelope(patient)]}
    assert browser.post(PUSH, json=body, headers={"Origin": "http://evil.test"}).status_code == 403
    assert statuses(browser.post(PUSH, json=body, headers={"Origin": ORIGIN})) == ["accepted"]


def test_it_pushes_for_its_device_while_somebody_else_is_signed_in_there(
    talk: Talk, nurse: Member, patient: Member, doctor: Member, app: Flask, owner: Person
):
    """At a computer that a nurse has left and a patient uses now."""
    browser = app.test_client()
    value = nurse.register().json["pushToken"]
    browser.set_cookie("welno_push", value, path="/api/threads/push-batch")
    headers = {"Origin": ORIGIN}
    left, own = [talk.envelope(nurse)], [talk.envelope(patient)]
    browser.set_cookie("welno_session", owner.token)
    assert statuses(browser.post(PUSH, json={"envelopes": left}, headers=headers)) == ["accepted"]
    assert talk.items(nurse)[-1]["from"] == nurse.member
    assert statuses(browser.post(PUSH, json={"envelopes": own}, headers=headers)) == ["accepted"]
    assert talk.items(nurse)[-1]["from"] == patient.member
    both = [talk.envelope(patient), talk.envelope(nurse)]
    assert statuses(browser.post(PUSH, json={"envelopes": both}, headers=headers)) == ["accepted", "UNKNOWN_DEVICE"]
    strange = [talk.envelope(doctor)]
    assert statuses(browser.post(PUSH, json={"envelopes": strange}, headers=headers)) == ["UNKNOWN_DEVICE"]
    assert browser.post(PUSH, json={"envelopes": left}, headers={"Origin": "http://evil.test"}).status_code in {
        401,
        403,
    }


def opened_by(worker: FlaskClient, talk: Talk, member: Member, tokens: Sequence[str]) -> list[bool]:
    """Which of these passes push."""
    answers = [
        worker.post(PUSH, json={"envelopes": [talk.envelope(member)]}, headers={"Authorization": f"Bearer {one}"})
        for one in tokens
    ]
    assert {answer.status_code for answer in answers} <= {200, 401}
    return [answer.status_code == 200 for answer in answers]


def grants_of(member: Member, count: int) -> list[str]:
    return [str(member.register().json["pushToken"]) for _ in range(count)]


def test_it_ends_with_its_device(talk: Talk, patient: Member, worker: FlaskClient, engine: Engine):
    tokens = grants_of(patient, 3)
    assert opened_by(worker, talk, patient, tokens) == [True] * 3
    patient.post(f"/devices/{patient.device.device_id}/revoke")
    assert opened_by(worker, talk, patient, tokens) == [False] * 3
    with engine.connect() as connection:
        assert connection.execute(HELD).all() == [(None, [])]


def test_a_pass_whose_answer_was_lost_or_overtaken_ends_none_of_the_four_before_it(
    talk: Talk, patient: Member, worker: FlaskClient
):
    """The browser keeps what came last to it, which need not be what was granted last."""
    assert opened_by(worker, talk, patient, grants_of(patient, 6)) == [False] + [True] * 5


def test_each_of_them_ends_by_its_own_time(talk: Talk, patient: Member, worker: FlaskClient, engine: Engine):
    tokens = grants_of(patient, 1)
    with engine.begin() as connection:
        connection.execute(AGE, {"days": 10})
    tokens += grants_of(patient, 1)
    for hours, expected in ((95, [True, True]), (97, [False, True])):
        with clock.frozen(clock.now() + timedelta(hours=hours)):
            assert opened_by(worker, talk, patient, tokens) == expected


def test_none_that_has_ended_is_kept_beside_a_new_one(talk: Talk, patient: Member, engine: Engine):
    grants_of(patient, 1)
    with engine.begin() as connection:
        connection.execute(AGE, {"days": 15})
    grants_of(patient, 1)
    with engine.connect() as connection:
        assert [row.earlier_passes for row in connection.execute(HELD)] == [[]]


@pytest.mark.parametrize("kept", ["null", "'of the version before'"])
def test_what_the_version_before_ends_or_replaces_takes_those_beside_it_along(
    talk: Talk, patient: Member, worker: FlaskClient, engine: Engine, kept: str
):
    """It runs beside this one while a release is rolled out, and knows of the newest alone."""
    tokens = grants_of(patient, 3)
    with engine.begin() as connection:
        connection.execute(text(f"update welno.welno_thread_devices set pass_hash = {kept}{OF_DEVICE}"))
    assert opened_by(worker, talk, patient, tokens) == [False] * 3
    tokens += grants_of(patient, 1)
    assert opened_by(worker, talk, patient, tokens) == [False] * 3 + [True]


def test_one_that_is_granted_while_an_operator_ends_all_brings_none_of_before_back(
    app: Flask, talk: Talk, patient: Member, worker: FlaskClient, engine: Engine
):
    tokens = grants_of(patient, 2)
    with ThreadPoolExecutor(1) as pool:
        with parts(app).stores.unit_of_work() as work:
            end_passes(work.session, [patient.member])
            granted = pool.submit(grants_of, patient, 1)
            wait_until_blocked(engine)
        tokens += granted.result()
    assert opened_by(worker, talk, patient, tokens) == [False, False, True]


def test_it_ends_by_time(talk: Talk, patient: Member, worker: FlaskClient, token: str, engine: Engine):
    body, headers = {"envelopes": [talk.envelope(patient)]}, {"Authorization": f"Bearer {token}"}
    with clock.frozen(clock.now() + timedelta(days=13, hours=23)):
        assert statuses(worker.post(PUSH, json=body, headers=headers)) == ["accepted"]
    with clock.frozen(clock.now() + timedelta(days=14, hours=1)):
        assert worker.post(PUSH, json=body, headers=headers).status_code == 401


@pytest.mark.parametrize("change", ["accounts set is_active = false", "welno_patients set erasing_since = now()"])
def test_it_ends_with_the_members_account(
    talk: Talk, nurse: Member, patient: Member, worker: FlaskClient, engine: Engine, change: str
):
    member = nurse if change.startswith("accounts") else patient
    headers = {"Authorization": f"Bearer {member.register().json['pushToken']}"}
    assert statuses(worker.post(PUSH, json={"envelopes": [talk.envelope(member)]}, headers=headers)) == ["accepted"]
    with engine.begin() as connection:
        connection.execute(text(f"update welno.{change}"))
    answer = worker.post(PUSH, json={"envelopes": [talk.envelope(member)]}, headers=headers)
    assert answer.status_code == 401


def test_a_device_that_waits_for_its_approval_gets_none(talk: Talk, patient: Member):
    answer = patient.register(ClientDevice(patient.member))
    assert (answer.json["state"], "pushToken" in answer.json, "Set-Cookie" in answer.headers) == (
        "pending",
        False,
        False,
    )


@pytest.mark.parametrize("token", ["push_", "push_" + "A" * 43, "x"])
def test_what_is_no_pass_opens_nothing(worker: FlaskClient, token: str):
    answer = worker.post(PUSH, json={"envelopes": [{}]}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_browser_that_keeps_no_keys_gets_none_and_keeps_that_of_another_device(
    talk: Talk, patient: Member, worker: FlaskClient, token: str
):
    answer = patient.post("/devices", patient.device.registration() | {"pushPass": False})
    assert (answer.json["state"], "pushToken" in answer.json, "Set-Cookie" in answer.headers) == (
        "active",
        False,
        False,
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert statuses(worker.post(PUSH, json={"envelopes": [talk.envelope(patient)]}, headers=headers)) == ["accepted"]
