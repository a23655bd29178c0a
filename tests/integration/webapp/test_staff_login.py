"""Signing in as operator, auditor or staff, with and without a second factor, and what each may do."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pyotp
import pytest
import redis
from flask import Flask
from sqlalchemy import func, update
from werkzeug.test import TestResponse

from core.clock import clock
from models.accounts import Account, AccountChange, AccountKind, AccountRole, Login
from services.accounts.accounts import add_account, disable_account, require_account
from tests.integration.journey.ward import counted
from webapp.current import parts
from webapp.errors import ApiError
from webapp.reserved_uses import Use, forget_failures, reserve_use

from .people import API, Person

PASSWORD = "correct horse battery"
LOGIN, TOTP, RUNS, LOGOUT = "/auth/staff-login", "/auth/totp", "/admin/runs", "/auth/logout"


@pytest.fixture
def add(app: Flask) -> Callable[..., None]:
    def make(login: str, kind: AccountKind = AccountKind.OPERATOR, role: AccountRole = AccountRole.OPERATOR) -> None:
        stores = parts(app).stores
        with stores.unit_of_work() as work:
            add_account(work.session, kind, login, "당번", stores.password_hashes.hash(PASSWORD), role)

    return make


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., TestResponse]:
    def ask(login: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        return app.test_client().post(API + LOGIN, json={"login": login, "password": password, **more})

    return ask


class Desk:
    """Somebody with an access token."""

    def __init__(self, app: Flask, answer: TestResponse) -> None:
        self._client = app.test_client()
        self.token = answer.json["access_token"]

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        return self._client.open(API + path, method=method, headers={"Authorization": f"Bearer {self.token}"}, **more)


@pytest.fixture
def desk(app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse]) -> Desk:
    """An operator who has not set up a second factor."""
    add("night")
    return Desk(app, sign_in("night"))


@pytest.fixture
def uri(desk: Desk) -> str:
    """Of the second factor that the operator has confirmed."""
    uri: str = desk.ask("POST", TOTP, json={}).json["uri"]
    answer = desk.ask("POST", TOTP, json={"totp": pyotp.parse_uri(uri).at(clock.now())})
    assert answer.json == {"success": True, "confirmed": True}
    return uri


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def test_without_a_second_factor_an_operator_can_only_set_one_up(desk: Desk):
    assert code(desk.ask("GET", RUNS)) == (403, "SECOND_FACTOR_REQUIRED")


def test_who_has_just_confirmed_a_second_factor_goes_on(desk: Desk, uri: str):
    assert desk.ask("GET", RUNS).status_code == 200


def test_who_confirms_a_second_factor_is_recorded(app: Flask, desk: Desk, uri: str):
    with parts(app).stores.sessions() as session:
        change = session.query(AccountChange).one()
    assert (change.what, change.by) == ("second_factor_confirmed", str(change.account_id))


def test_from_then_on_the_password_alone_signs_nobody_in(uri: str, sign_in: Callable[..., TestResponse]):
    assert code(sign_in("night")) == (403, "SECOND_FACTOR_REQUIRED")
    assert code(sign_in("night", totp="000000")) == (401, "LOGIN_FAILED")


def test_with_a_code_an_operator_signs_in_once(app: Flask, uri: str, sign_in: Callable[..., TestResponse]):
    now = pyotp.parse_uri(uri).at(clock.now() + timedelta(seconds=30))
    desk = Desk(app, sign_in("night", totp=now))
    assert desk.ask("GET", RUNS).status_code == 200
    assert code(sign_in("night", totp=now)) == (401, "LOGIN_FAILED")


def test_another_second_factor_needs_the_first(app: Flask, desk: Desk, uri: str, sign_in: Callable[..., TestResponse]):
    """Of a login that was opened before the first was confirmed, and by the password alone."""
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(second_factor=False))
    assert code(desk.ask("POST", TOTP, json={})) == (403, "SECOND_FACTOR_REQUIRED")


def test_whoever_only_asks_for_another_second_factor_keeps_the_present_one(
    desk: Desk, uri: str, sign_in: Callable[..., TestResponse]
):
    later = pyotp.parse_uri(uri).at(clock.now() + timedelta(seconds=30))
    assert code(desk.ask("POST", TOTP, json={})) == (403, "SECOND_FACTOR_REQUIRED")
    assert code(desk.ask("POST", TOTP, json={"present_totp": "000000"})) == (401, "LOGIN_FAILED")
    other = desk.ask("POST", TOTP, json={"present_totp": later}).json["uri"]
    assert code(sign_in("night")) == (403, "SECOND_FACTOR_REQUIRED")
    assert code(sign_in("night", totp=pyotp.parse_uri(other).at(clock.now()))) == (401, "LOGIN_FAILED")


def test_another_second_factor_ends_the_first_and_the_other_logins(
    app: Flask, desk: Desk, uri: str, sign_in: Callable[..., TestResponse]
):
    first, now = pyotp.parse_uri(uri), clock.now()
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Account).values(totp_counter=0))
    elsewhere = Desk(app, sign_in("night", totp=first.at(now)))
    other = pyotp.parse_uri(
        desk.ask("POST", TOTP, json={"present_totp": first.at(now + timedelta(seconds=30))}).json["uri"]
    )
    assert desk.ask("POST", TOTP, json={"totp": other.at(clock.now())}).json["confirmed"]
    assert (desk.ask("GET", RUNS).status_code, elsewhere.ask("GET", RUNS).status_code) == (200, 401)
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Account).values(totp_counter=0))
        assert [change.what for change in work.session.query(AccountChange)] == ["second_factor_confirmed"] * 2
    assert code(sign_in("night", totp=first.at(clock.now()))) == (401, "LOGIN_FAILED")
    assert sign_in("night", totp=other.at(clock.now())).status_code == 200


def test_an_offer_of_before_does_not_replace_a_factor_that_another_login_has_confirmed(app: Flask, desk: Desk):
    """As where a process of the version before confirmed its own: it knows nothing of what was offered beside."""
    offered = pyotp.parse_uri(desk.ask("POST", TOTP, json={}).json["uri"])
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Account).values(totp_secret=Account.totp_offered, totp_confirmed=True))
    answer = desk.ask("POST", TOTP, json={"totp": offered.at(clock.now())})
    assert code(answer) == (403, "SECOND_FACTOR_REQUIRED")


def test_what_a_process_of_the_version_before_has_offered_is_confirmed(app: Flask, desk: Desk):
    uri = desk.ask("POST", TOTP, json={}).json["uri"]
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Account).values(totp_secret=Account.totp_offered, totp_offered=None))
    assert desk.ask("POST", TOTP, json={"totp": pyotp.parse_uri(uri).at(clock.now())}).json["confirmed"]


def test_the_answer_names_who_signed_in(add: Callable[..., None], sign_in: Callable[..., TestResponse]):
    add("desk1", AccountKind.STAFF, AccountRole.STAFF)
    answer = sign_in("DESK1").json
    assert (answer["staff"]["name"], answer["staff"]["role"], answer["expires_in"]) == ("당번", "staff", 8 * 3600)


def test_where_flower_has_no_address_nobody_is_led_there(desk: Desk, uri: str):
    assert code(desk.ask("POST", "/auth/flower")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", [RUNS, "/admin/files", TOTP, "/auth/flower"])
def test_a_hospitals_staff_open_nothing_of_the_operators(
    app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse], path: str
):
    add("desk1", AccountKind.STAFF, AccountRole.ADMIN)
    desk = Desk(app, sign_in("desk1"))
    answer = desk.ask("POST", path, json={}) if path.startswith("/auth") else desk.ask("GET", path)
    assert code(answer) == (403, "FORBIDDEN")


def test_a_hospitals_staff_see_neither_metrics_nor_what_is_not_ready(
    app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse]
):
    add("desk1", AccountKind.STAFF, AccountRole.ADMIN)
    headers = {"Authorization": f"Bearer {Desk(app, sign_in('desk1')).token}"}
    client, elsewhere = app.test_client(), {"REMOTE_ADDR": "203.0.113.9"}
    assert code(client.get("/metrics", environ_base=elsewhere, headers=headers)) == (403, "FORBIDDEN")
    assert "parts" not in client.get("/readyz", environ_base=elsewhere, headers=headers).json


def test_an_operators_token_opens_no_records(app: Flask, desk: Desk, uri: str, owner: Person):
    assert desk.ask("GET", f"/patients/{owner.patient_uuid}/checkups").status_code == 404


def test_an_auditor_neither_resumes_nor_discards(
    app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse]
):
    add("auditor", role=AccountRole.AUDITOR)
    desk = Desk(app, sign_in("auditor"))
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(second_factor=True))
    file = "/admin/files/99999999-2222-4333-8444-555555555555"
    assert {code(desk.ask("POST", f"{file}/{act}")) for act in ("retry", "discard")} == {(403, "FORBIDDEN")}
    assert code(desk.ask("GET", RUNS)) == (403, "FORBIDDEN")


@pytest.mark.parametrize(("login", "password"), [("night", "wrong password"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_login_look_alike(
    desk: Desk, sign_in: Callable[..., TestResponse], login: str, password: str
):
    assert code(sign_in(login, password)) == (401, "LOGIN_FAILED")


def test_a_disabled_account_is_out_at_once_and_for_good(
    app: Flask, desk: Desk, uri: str, sign_in: Callable[..., TestResponse]
):
    with parts(app).stores.unit_of_work() as work:
        disable_account(work, require_account(work.session, AccountKind.OPERATOR, "night"))
    assert desk.ask("GET", RUNS).status_code == 401
    assert code(sign_in("night", totp=pyotp.parse_uri(uri).at(clock.now() + timedelta(seconds=30)))) == (
        401,
        "LOGIN_FAILED",
    )


def test_who_signs_out_is_out_also_when_redis_forgets(desk: Desk, uri: str, redis_client: redis.Redis):
    assert desk.ask("POST", LOGOUT).status_code == 204
    redis_client.flushall()
    assert desk.ask("GET", RUNS).status_code == 401


def test_an_operator_who_does_nothing_for_a_quarter_of_an_hour_is_out(app: Flask, desk: Desk, uri: str):
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(last_seen_at=func.now() - timedelta(minutes=14)))
    assert desk.ask("GET", RUNS).status_code == 200
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(last_seen_at=func.now() - timedelta(minutes=16)))
    assert desk.ask("GET", RUNS).status_code == 401


def test_a_page_that_refreshes_itself_keeps_no_login_alive(app: Flask, desk: Desk, uri: str):
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(last_seen_at=func.now() - timedelta(minutes=14)))
    by_itself = {"Authorization": f"Bearer {desk.token}", "X-Welno-Background": "1"}
    assert app.test_client().get(API + RUNS, headers=by_itself).status_code == 200
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Login).values(last_seen_at=Login.last_seen_at - timedelta(minutes=2)))
    assert app.test_client().get(API + RUNS, headers=by_itself).status_code == 401


def test_five_wrong_tries_of_a_login_are_enough_and_a_right_one_takes_them_back(
    add: Callable[..., None], sign_in: Callable[..., TestResponse]
):
    add("desk1", AccountKind.STAFF, AccountRole.STAFF)
    assert [sign_in("desk1", "wrong password").status_code for _ in range(4)] == [401] * 4
    assert sign_in("desk1").status_code == 200
    assert [sign_in("desk1", "wrong password").status_code for _ in range(6)] == [401] * 5 + [429]
    assert code(sign_in("desk1")) == (429, "RATE_LIMITED")


def test_who_fits_is_let_in_however_many_sign_in_at_once(app: Flask, add: Callable[..., None]):
    """A desk's login on each of its machines, behind one address."""
    add("desk1", AccountKind.STAFF, AccountRole.STAFF)
    all_there = threading.Barrier(8, timeout=30)

    def one(_: int) -> int:
        all_there.wait()
        return app.test_client().post(API + LOGIN, json={"login": "desk1", "password": PASSWORD}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [200] * 8


def test_a_try_without_a_code_stays_counted(uri: str, sign_in: Callable[..., TestResponse]):
    assert [sign_in("night").status_code for _ in range(6)] == [403] * 5 + [429]


def test_a_right_try_takes_back_none_that_is_under_way(app: Flask):
    use = Use("2 per 15 minutes", "staff-login", "somebody")
    with app.app_context():
        reserve_use(*use).keep()
        reserve_use(*use)
        forget_failures(use)
        reserve_use(*use).keep()
        with pytest.raises(ApiError):
            reserve_use(*use)


def test_one_address_may_not_guess_at_many_logins(sign_in: Callable[..., TestResponse]):
    answers = [sign_in(f"somebody-{number}") for number in range(21)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("login", "address", "most"),
    [("desk{}", "203.0.113.1", 20), ("desk1", "203.0.113.{}", 30), ("desk1", "203.0.113.1", 5)],
)
def test_guesses_at_once_pass_no_limit(app: Flask, login: str, address: str, most: int):
    def guess(number: int) -> int:
        body = {"login": login.format(number), "password": "wrong password"}
        from_there = {"REMOTE_ADDR": address.format(number)}
        all_there.wait()
        return app.test_client().post(API + LOGIN, json=body, environ_overrides=from_there).status_code

    all_there = threading.Barrier(40, timeout=30)
    with counted(parts(app).stores.engine) as statements, ThreadPoolExecutor(40) as pool:
        assert set(pool.map(guess, range(40))) == {401, 429}
    assert sum("FROM welno.accounts" in statement for statement in statements) <= most


def test_strangers_who_know_a_login_keep_nobody_out_where_it_was_signed_in_before(
    app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse]
):
    add("desk1", AccountKind.STAFF, AccountRole.STAFF)
    assert sign_in("desk1").status_code == 200
    guess = {"login": "desk1", "password": "wrong password"}
    for number in range(31):
        from_there = {"REMOTE_ADDR": f"203.0.113.{number}"}
        answer = app.test_client().post(API + LOGIN, json=guess, environ_overrides=from_there)
    assert answer.status_code == 429
    right = {"login": "desk1", "password": PASSWORD}
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert app.test_client().post(API + LOGIN, json=right, environ_overrides=elsewhere).status_code == 429
    assert sign_in("desk1").status_code == 200
    assert [sign_in("desk1", "wrong password").status_code for _ in range(6)] == [401] * 5 + [429]


def test_who_signs_in_uses_up_nothing_of_an_address(add: Callable[..., None], sign_in: Callable[..., TestResponse]):
    add("desk1", AccountKind.STAFF, AccountRole.STAFF)
    assert [sign_in("desk1").status_code for _ in range(22)] == [200] * 22


def test_who_signs_in_and_out_and_confirms_a_factor_is_named_in_the_log(
    app: Flask, add: Callable[..., None], sign_in: Callable[..., TestResponse], logged: io.StringIO
):
    add("night")
    desk = Desk(app, sign_in("night"))
    uri = desk.ask("POST", TOTP, json={}).json["uri"]
    desk.ask("POST", TOTP, json={"totp": pyotp.parse_uri(uri).at(clock.now())})
    desk.ask("POST", LOGOUT)
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    with parts(app).stores.sessions() as session:
        account = str(require_account(session, AccountKind.OPERATOR, "night").account_id)
    told = [(line["event"], line["by"]) for line in lines if "by" in line]
    assert told == [(event, account) for event in ("staff_signed_in", "second_factor_confirmed", "signed_out")]


def test_a_sign_in_that_failed_is_logged_under_a_pseudonym(
    uri: str, sign_in: Callable[..., TestResponse], logged: io.StringIO
):
    sign_in("Night", "a wrong password")
    sign_in("night ", totp="000000")
    sign_in("night")
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    told = [(line["event"], line["login"]) for line in lines if "login" in line]
    assert [event for event, _ in told] == ["sign_in_failed", "sign_in_failed", "second_factor_missing"]
    assert len({login for _, login in told}) == 1
    assert "night" not in told[0][1]


def test_nothing_that_was_typed_is_logged(
    desk: Desk, sign_in: Callable[..., TestResponse], logged: Any, redis_client: redis.Redis
):
    sign_in("a login of somebody", "a password of somebody")
    stored = b"".join(key for key in redis_client.scan_iter("*"))
    for text in ("a login of somebody", "a password of somebody"):
        assert text not in logged.getvalue()
        assert text.encode() not in stored


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": PASSWORD}, "login"),
        ({"login": "x" * 101, "password": PASSWORD}, "login"),
        ({"login": "night", "password": "x" * 257}, "password"),
        ({"login": "night", "password": PASSWORD, "totp": "12345"}, "totp"),
        ({"login": "night", "password": PASSWORD, "role": "auditor"}, "role"),
    ],
)
def test_what_is_wrong_in_the_body_is_named(app: Flask, body: dict[str, str], field: str):
    answer = app.test_client().post(API + LOGIN, json=body)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [field])
