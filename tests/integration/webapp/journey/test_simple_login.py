"""Logging in with four digits and a birth date: who gets in, what it opens, how often one may guess."""

import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from core.clock import clock
from core.settings import Settings
from models.accounts import Login
from models.journey import JourneyUser, ScanToken, StateTransition
from tests.integration.conftest import AppOf
from tests.integration.journey.ward import counted
from tests.integration.webapp.people import API, ORIGIN
from webapp.current import parts
from webapp.errors import ApiError
from webapp.reserved_uses import Use, reserve_use

from .conftest import code

WHO = {"phone_last4": "0001", "birth_date": "1940-02-01", "name": "시연001"}
ENTRANCE = "demo-entrance-7f3a9c21e5b84d06"
DEVICE = "device-0001"

LogInAs = Callable[..., TestResponse]


@pytest.fixture
def log_in(app: Flask, people: list[UUID]) -> LogInAs:
    def ask(headers: dict[str, str] | None = None, address: str = "127.0.0.1", **changes: Any) -> TestResponse:
        body = {name: value for name, value in (WHO | changes).items() if value is not None}
        client = app.test_client(use_cookies=False)
        environ = {"REMOTE_ADDR": address}
        return client.post(f"{API}/auth/simple-login", json=body, headers=headers, environ_overrides=environ)

    return ask


@pytest.fixture
def scan_token(app: Flask, people: list[UUID]) -> Callable[..., str]:
    def scan(device_id: str | None = DEVICE) -> str:
        body = {"tag_code": ENTRANCE} | ({"device_id": device_id} if device_id else {})
        token: str = app.test_client().post(f"{API}/nfc/scan/", json=body).json["scan_token"]
        return token

    return scan


def test_a_login_at_home_opens_the_journey_and_moves_nobody(log_in: LogInAs, people: list[UUID]):
    answer = log_in(refresh_in="body")
    assert answer.status_code == 200, answer.text
    assert answer.json["user"] == {"user_id": str(people[0]), "name": "시연001", "role": "patient"}
    assert (answer.json["expires_in"], answer.json["token_type"]) == (900, "Bearer")
    assert answer.json["journey"]["journey_state"] == "UNREGISTERED"
    assert answer.json["refresh_token"]


def test_the_refresh_token_lies_in_a_cookie_unless_it_is_asked_for(log_in: LogInAs):
    answer = log_in()
    assert "refresh_token" not in answer.json
    assert answer.headers["Set-Cookie"].startswith("welno_refresh=")


def test_a_page_of_another_site_logs_nobody_in(log_in: LogInAs):
    assert code(log_in(headers={"Origin": "https://evil.test"})) == (403, "ORIGIN_NOT_ALLOWED")
    assert log_in(headers={"Origin": ORIGIN}).status_code == 200


def test_with_a_scan_the_login_is_the_arrival(app: Flask, log_in: LogInAs, scan_token: Callable[..., str]):
    answer = log_in(name=None, scan_token=scan_token(), device_id=DEVICE)
    assert answer.json["journey"]["journey_state"] == "REGISTERED"
    with parts(app).stores.sessions() as session:
        steps = select(StateTransition).order_by(StateTransition.id)
        taken = [(step.from_state, step.to_state, step.trigger_type) for step in session.scalars(steps)]
    assert taken == [("UNREGISTERED", "ARRIVED", "nfc_tag"), ("ARRIVED", "REGISTERED", "patient_action")]


def test_the_same_person_may_present_a_scan_token_again_and_nobody_else(
    log_in: LogInAs, scan_token: Callable[..., str]
):
    token = scan_token()
    assert log_in(scan_token=token, device_id=DEVICE).status_code == 200
    again = log_in(scan_token=token, device_id=DEVICE)
    assert (again.status_code, again.json["journey"]["journey_state"]) == (200, "REGISTERED")
    other = {"phone_last4": "0002", "birth_date": "19400303", "name": None}
    assert code(log_in(scan_token=token, device_id=DEVICE, **other)) == (409, "SCAN_TOKEN_USED")


def test_a_refused_login_leaves_nothing(app: Flask, log_in: LogInAs, scan_token: Callable[..., str]):
    token = scan_token()
    log_in(scan_token=token, device_id=DEVICE)
    log_in(scan_token=token, device_id=DEVICE, phone_last4="0002", birth_date="19400303", name=None)
    with parts(app).stores.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Login)) == 1
        assert session.scalar(select(func.count()).select_from(ScanToken)) == 1


@pytest.mark.parametrize(
    ("device_id", "sent"), [("device-0002", None), (None, None), (DEVICE, "forged"), (DEVICE, "cut")]
)
def test_a_scan_token_is_of_one_device_and_of_our_making(
    log_in: LogInAs, scan_token: Callable[..., str], device_id: str | None, sent: str | None
):
    token = scan_token()
    token = {"forged": "x" * 40, "cut": token[:-2], None: token}[sent]
    assert code(log_in(scan_token=token, device_id=device_id)) == (400, "SCAN_TOKEN_INVALID")


def test_a_scan_token_ends_after_half_an_hour(log_in: LogInAs, scan_token: Callable[..., str]):
    token = scan_token()
    with clock.frozen(clock.now() + timedelta(minutes=30)):
        assert code(log_in(scan_token=token, device_id=DEVICE)) == (410, "SCAN_TOKEN_EXPIRED")


def test_who_has_scanned_nothing_gives_the_name_too(log_in: LogInAs):
    answer = log_in(name=None)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["name"])


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_a_name_fits_however_its_letters_are_written(app: Flask, log_in: LogInAs, people: list[UUID], stored: Any):
    with parts(app).stores.unit_of_work() as work:
        work.session.get_one(JourneyUser, people[0]).name = unicodedata.normalize(stored, WHO["name"])
    assert log_in(name=unicodedata.normalize("NFD", WHO["name"])).status_code == 200
    assert log_in().status_code == 200
    assert log_in(name="남의이름").status_code == 404


def test_a_demo_asks_for_no_name(app_of: AppOf, app: Flask, web_settings: Settings, demo_env: Any, people: list[UUID]):
    env = demo_env | {"WELNO_LOGIN_NEEDS_PRESENCE": "false", "WELNO_ALLOWED_ORIGINS": ORIGIN}
    easy = app_of(Settings.read(env))
    body = {"phone_last4": "0001", "birth_date": "1940-02-01"}
    assert easy.test_client().post(f"{API}/auth/simple-login", json=body).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"phone_last4": "9999"}, {"birth_date": "1940-02-02"}, {"name": "남의이름"}, {"phone": "01080000001"}]
)
def test_unknown_and_wrong_look_alike(log_in: LogInAs, changes: dict[str, str]):
    answer = log_in(**changes)
    assert code(answer) == (404, "PATIENT_NOT_FOUND")
    assert "details" not in answer.json["error"]


def test_two_who_share_everything_are_told_apart_by_name_or_phone(
    log_in: LogInAs, people: list[UUID], scan_token: Callable[..., str]
):
    shared = {"phone_last4": "0301", "birth_date": "1950-05-05", "name": None, "device_id": DEVICE}
    answer = log_in(scan_token=scan_token(), **shared)
    assert code(answer) == (409, "AMBIGUOUS_LOGIN")
    assert answer.json["error"]["details"] == {"needs": ["name", "phone"]}
    named = log_in(scan_token=scan_token(), **shared | {"name": "시연302"})
    assert named.json["user"]["user_id"] == str(people[6])
    phoned = log_in(scan_token=scan_token(), **shared | {"phone_last4": None, "phone": "010-7000-0301"})
    assert phoned.json["user"]["user_id"] == str(people[5])


def test_whoever_gives_everything_is_registered_only_where_it_is_allowed(
    app_of: AppOf, log_in: LogInAs, app: Flask, demo_env: Any
):
    new = {"phone": "01012345678", "phone_last4": None, "birth_date": "19650101", "name": "새사람"}
    assert code(log_in(**new)) == (404, "PATIENT_NOT_FOUND")
    open_to_all = app_of(Settings.read(demo_env | {"WELNO_ALLOW_SELF_REGISTRATION": "true"}))
    body = {name: value for name, value in new.items() if value is not None}
    assert open_to_all.test_client().post(f"{API}/auth/simple-login", json=body).status_code == 200
    with parts(app).stores.sessions() as session:
        made = session.scalars(select(JourneyUser).where(JourneyUser.name == "새사람")).one()
    assert "01012345678" not in made.phone


def guess(log_in: LogInAs, count: int, **more: Any) -> list[int]:
    """Each with other digits, and from another address."""
    return [
        log_in(phone_last4=f"{9000 + number}", address=f"203.0.113.{number}", **more).status_code
        for number in range(count)
    ]


def test_five_guesses_at_one_birth_date_are_enough(log_in: LogInAs):
    assert guess(log_in, 7) == [404] * 5 + [429] * 2
    refused = log_in()
    assert code(refused) == (429, "RATE_LIMITED")
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60 + 1


def test_a_stranger_outside_locks_nobody_out_of_the_hospital(log_in: LogInAs, scan_token: Callable[..., str]):
    guess(log_in, 6)
    assert log_in(scan_token=scan_token(), device_id=DEVICE).status_code == 200
    for number in range(6):
        token = scan_token(f"device-100{number}")
        answer = log_in(phone_last4=f"{9100 + number}", scan_token=token, device_id=f"device-100{number}")
    assert code(answer) == (429, "RATE_LIMITED")


def test_at_most_twenty_guesses_a_day(log_in: LogInAs):
    began, answers = clock.now(), []
    for quarter in range(8):
        with clock.frozen(began + timedelta(minutes=16 * quarter)):
            answers += guess(log_in, 5)
    assert answers.count(404) == 20


def guess_at_once(app: Flask, count: int, **more: Any) -> int:
    """Each at another birth date and from another address, unless they are named; how many were compared."""

    def one(number: int) -> int:
        guess = {"birth_date": f"1950-01-{number + 1:02d}"} | more | {"phone_last4": f"{9000 + number}"}
        environ = {"REMOTE_ADDR": guess.pop("address", f"203.0.113.{number}")}
        all_there.wait()
        client = app.test_client(use_cookies=False)
        return client.post(f"{API}/auth/simple-login", json=WHO | guess, environ_overrides=environ).status_code

    all_there = threading.Barrier(count, timeout=30)
    with counted(parts(app).stores.engine) as statements, ThreadPoolExecutor(count) as pool:
        assert set(pool.map(one, range(count))) == {404, 429}
    return sum("login_hash = " in statement for statement in statements)


def test_guesses_at_once_at_one_birth_date_do_not_pass_its_limit(app: Flask, people: list[UUID]):
    assert guess_at_once(app, 30, birth_date="1940-02-01") <= 5


def test_guesses_at_once_by_one_device_do_not_pass_its_limit(app: Flask, people: list[UUID]):
    assert guess_at_once(app, 30, device_id=DEVICE) <= 5


def test_guesses_at_once_with_one_scan_do_not_pass_its_limit(app: Flask, scan_token: Callable[..., str]):
    assert guess_at_once(app, 30, scan_token=scan_token(None)) <= 5


def test_guesses_at_once_from_one_address_do_not_pass_its_limit(app_of: AppOf, people: list[UUID], demo_env: Any):
    limits = {"WELNO_LOGIN_FAILURES_ADDRESS": "7 per 15 minutes", "WELNO_BODY_LIMIT": "1000 per minute"}
    strict = app_of(Settings.read(demo_env | limits))
    assert guess_at_once(strict, 30, address="203.0.113.1") <= 7


def test_only_failures_count(log_in: LogInAs):
    assert [log_in(device_id=DEVICE).status_code for _ in range(10)] == [200] * 10


def test_who_fits_is_let_in_however_many_come_at_once(app_of: AppOf, people: list[UUID], demo_env: Any):
    """A waiting room of phones behind one address, in which nobody has failed."""
    limits = {"WELNO_LOGIN_FAILURES_ADDRESS": "3 per 15 minutes", "WELNO_BODY_LIMIT": "1000 per minute"}
    strict = app_of(Settings.read(demo_env | limits))
    all_there = threading.Barrier(30, timeout=30)

    def one(_: int) -> int:
        all_there.wait()
        return strict.test_client(use_cookies=False).post(f"{API}/auth/simple-login", json=WHO).status_code

    with ThreadPoolExecutor(30) as pool:
        assert list(pool.map(one, range(30))) == [200] * 30


def test_a_try_whose_process_was_killed_counts_as_a_failure(app: Flask, people: list[UUID]):
    began, use = clock.now(), Use("2 per 15 minutes", "killed", "somebody")
    with app.app_context():
        with clock.frozen(began):
            reserve_use(*use), reserve_use(*use)
        with clock.frozen(began + timedelta(seconds=31)), pytest.raises(ApiError) as refused:
            reserve_use(*use)
    assert refused.value.retry_after_seconds == 15 * 60 - 31


def test_one_device_may_fail_five_times(log_in: LogInAs):
    days = [f"1950-01-{number:02d}" for number in range(1, 8)]
    answers = [log_in(birth_date=day, device_id=DEVICE).status_code for day in days]
    assert answers == [404] * 5 + [429] * 2


def test_an_address_may_fail_sixty_times_and_ten_times_as_often_in_the_hospital(
    app_of: AppOf, log_in: LogInAs, app: Flask, demo_env: Any
):
    days = [f"19{year}-01-{day:02d}" for year in range(50, 54) for day in range(1, 21)]
    answers = [log_in(birth_date=day).status_code for day in days[:62]]
    assert answers == [404] * 60 + [429] * 2
    env = demo_env | {"WELNO_HOSPITAL_NETWORKS": "198.51.100.0/24", "WELNO_BODY_LIMIT": "1000 per minute"}
    client = app_of(Settings.read(env)).test_client()
    inside = {"REMOTE_ADDR": "198.51.100.7"}
    body = WHO | {"phone_last4": "9999"}
    statuses = [
        client.post(f"{API}/auth/simple-login", json=body | {"birth_date": day}, environ_overrides=inside).status_code
        for day in days
    ]
    assert statuses == [404] * 80


def test_nothing_that_was_typed_is_logged_or_kept_in_redis(
    log_in: LogInAs, logged: Any, redis_client: Any, people: list[UUID]
):
    log_in()
    log_in(phone_last4="9753")
    keys = b"".join(redis_client.scan_iter("*"))
    for typed in ("시연001", "1940-02-01", "9753"):
        assert typed not in logged.getvalue()
        assert typed.encode() not in keys
    assert str(people[0]) not in logged.getvalue()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone_last4": "12a4"}, "phone_last4"),
        ({"phone_last4": "123"}, "phone_last4"),
        ({"phone_last4": 1234}, "phone_last4"),
        ({"phone_last4": "１２３４"}, "phone_last4"),
        ({"phone_last4": None}, "phone_last4"),
        ({"phone": "010-7000-0001", "phone_last4": "0002"}, "phone_last4"),
        ({"birth_date": "1941-02-30"}, "birth_date"),
        ({"birth_date": "194102301"}, "birth_date"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"birth_date": "1899-12-31"}, "birth_date"),
        ({"birth_date": 19410213}, "birth_date"),
        ({"birth_date": None}, "birth_date"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": ""}, "name"),
        ({"device_id": "short"}, "device_id"),
        ({"device_id": "x" * 65}, "device_id"),
        ({"device_id": "no blanks 1"}, "device_id"),
        ({"refresh_in": "header"}, "refresh_in"),
        ({"phone": "12345"}, "phone"),
        ({"role": "admin"}, "role"),
    ],
)
def test_what_is_wrong_in_the_body_is_named(log_in: LogInAs, changes: dict[str, Any], field: str):
    answer = log_in(**changes)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])
