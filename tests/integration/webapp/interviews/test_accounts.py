"""Members sign in, renew, sign out; their tokens open nothing of other scopes, and theirs nothing here."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from models.accounts import AccountKind, Scope
from services.accounts.accounts import disable_account, require_account
from services.accounts.logins import open_login
from tests.integration.interviews.company import PASSWORD, World
from tests.integration.webapp.people import ORIGIN, Person
from webapp.auth.journey_tokens import make_pair
from webapp.auth.member_tokens import make_member_pair
from webapp.current import parts

from .members import Member, arrive_member, sign_in, with_cookies

ME, REFRESH, LOGOUT = (f"/api/v1/accounts/{name}" for name in ("me", "refresh", "logout"))


def cookies_of(answer: Any) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_a_member_signs_in_with_email_and_password(app: Flask, world: World):
    answer = sign_in(app, "Mina")
    assert answer.json["expires_in"] == 900
    assert answer.json["account"] == {
        "id": str(world.people["mina"]),
        "name": "mina",
        "email": "mina@demo.test",
        "company": {"id": str(world.company), "name": "한빛리서치"},
    }
    set_cookies = cookies_of(answer)
    assert all("HttpOnly" in line and "SameSite=Strict" in line for line in set_cookies.values())
    assert "Path=/api/v1/accounts" in set_cookies["welno_account_refresh"]
    assert "Path=/" in set_cookies["welno_account"]


@pytest.mark.parametrize(("name", "password"), [("mina", "a wrong password"), ("nobody", PASSWORD)])
def test_what_does_not_fit_is_not_told(app: Flask, world: World, name: str, password: str):
    answer = sign_in(app, name, password)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "LOGIN_FAILED")


def test_the_sixth_wrong_try_is_not_compared(app: Flask, world: World):
    for _ in range(5):
        assert sign_in(app, "mina", "a wrong password").status_code == 401
    answer = sign_in(app, "mina")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert sign_in(app, "jun").status_code == 200


def test_strangers_who_know_an_email_keep_nobody_out_where_it_was_signed_in_before(app: Flask, world: World):
    assert sign_in(app, "mina").status_code == 200
    guess = {"email": "mina@demo.test", "password": "a wrong password"}
    for number in range(31):
        from_there = {"REMOTE_ADDR": f"203.0.113.{number}"}
        answer = app.test_client().post("/api/v1/accounts/login", json=guess, environ_overrides=from_there)
    assert answer.status_code == 429
    assert sign_in(app, "mina").status_code == 200


def test_right_passwords_are_not_counted(app: Flask, world: World):
    assert [sign_in(app, "mina").status_code for _ in range(7)] == [200] * 7


def test_me_takes_the_cookie_or_the_token(app: Flask, mina: Member):
    assert mina.ask("GET", ME).json["account"]["email"] == "mina@demo.test"
    assert with_cookies(app, "mina").get(ME).status_code == 200
    assert app.test_client().get(ME).status_code == 401


def test_an_unsafe_call_by_cookie_needs_a_listed_origin(app: Flask, world: World):
    browser = with_cookies(app, "mina")
    assert browser.post(LOGOUT).status_code == 403
    assert browser.post(LOGOUT, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post(LOGOUT, headers={"Origin": ORIGIN}).status_code == 204


def test_signing_out_ends_access_at_once(app: Flask, mina: Member):
    other = arrive_member(app, "mina")
    assert mina.ask("POST", LOGOUT).status_code == 204
    assert mina.ask("GET", ME).status_code == 401
    assert other.ask("GET", ME).status_code == 200


def test_a_disabled_account_ends_at_once(app: Flask, mina: Member):
    with parts(app).stores.unit_of_work() as work:
        disable_account(work, require_account(work.session, AccountKind.MEMBER, "mina@demo.test"))
    assert mina.ask("GET", ME).status_code == 401
    assert sign_in(app, "mina").status_code == 401


def test_a_refresh_token_is_exchanged_once(app: Flask, world: World):
    browser = with_cookies(app, "mina")
    old = browser.get_cookie("welno_account_refresh", path="/api/v1/accounts")
    assert old is not None
    renewed = browser.post(REFRESH, headers={"Origin": ORIGIN})
    assert (renewed.status_code, renewed.json["account"]["name"]) == (200, "mina")
    assert browser.get(ME).status_code == 200
    thief = app.test_client()
    thief.set_cookie("welno_account_refresh", old.value, path="/api/v1/accounts")
    again = thief.post(REFRESH, headers={"Origin": ORIGIN})
    assert again.json["error"]["code"] == "REFRESH_REUSED"
    assert browser.get(ME).status_code == 401


def test_a_lost_answer_is_given_again_under_its_key(app: Flask, world: World):
    browser = with_cookies(app, "mina")
    old = browser.get_cookie("welno_account_refresh", path="/api/v1/accounts")
    assert old is not None
    headers = {"Origin": ORIGIN, "Idempotency-Key": "once"}
    first = browser.post(REFRESH, headers=headers)
    browser.set_cookie("welno_account_refresh", old.value, path="/api/v1/accounts")
    second = browser.post(REFRESH, headers=headers)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json["access_token"] == second.json["access_token"]


OTHERS = (
    ("GET", "/api/v1/patient-journey/events"),
    ("GET", "/api/v1/patients/{p}/checkups"),
    ("GET", "/api/v1/admin/runs"),
    ("GET", "/api/v1/admin/staff"),
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/api/v1/auth/totp"),
)


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_a_members_token_opens_nothing_of_others(mina: Member, owner: Person, method: str, path: str):
    answer = mina.ask(method, path.replace("{p}", str(owner.patient_uuid)), json={} if method == "POST" else None)
    assert answer.status_code in {401, 403, 404}
    assert mina.ask("GET", ME).status_code == 200


def journey_token(app: Flask) -> str:
    user_id = uuid4()
    with parts(app).stores.unit_of_work() as work:
        sid = open_login(work.session, "patient", user_id, Scope.JOURNEY)
    with app.app_context():
        return make_pair(user_id, sid, str(uuid4())).access_token


def forged_token(app: Flask, sid: UUID) -> str:
    """Of the right scope, for a login of another."""
    with app.app_context():
        return make_member_pair(uuid4(), sid, str(uuid4())).access_token


def test_tokens_of_others_open_nothing_here(app: Flask, world: World, owner: Person, staff: dict[str, str]):
    with parts(app).stores.unit_of_work() as work:
        journeys_sid = open_login(work.session, "patient", uuid4(), Scope.JOURNEY)
    tokens = [owner.token, journey_token(app), staff["Authorization"].removeprefix("Bearer ")]
    for token in (*tokens, forged_token(app, journeys_sid)):
        assert Member(app.test_client(use_cookies=False), "", token).ask("GET", ME).status_code == 401
