"""Passwords over HTTP: set, verify, lock, change, reset, and what a token opens."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import redis
from flask import Flask

from core.clock import clock

from .people import API, ORIGIN, Person, arrive, collect
from .server import Server


def path(person: Person, action: str) -> str:
    return f"/patients/{person.patient_uuid}/password/{action}"


@pytest.fixture
def protected(owner: Person) -> Person:
    assert owner.ask("POST", path(owner, "set"), json={"password": "592704"}).status_code == 201
    return owner


def test_a_second_password_is_a_conflict(protected: Person):
    answer = protected.ask("POST", path(protected, "set"), json={"password": "111111"})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "PASSWORD_EXISTS")


@pytest.mark.parametrize("password", ["12345", "1234567", "12345a", "１２３４５６", "", None, 123456])
def test_a_password_has_six_digits(owner: Person, password: object):
    answer = owner.ask("POST", path(owner, "set"), json={"password": password})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["password"])


GUESSED_FIRST = {
    "777777": "같은 숫자가",
    "345678": "이어지는 숫자",
    "147258": "많은 사람이",
    "840517": "생년월일이",
    "101234": "휴대폰 번호가",  # in 010-1234-5678, and no run of digits
    "905678": "휴대폰 번호가",
}


@pytest.mark.parametrize(("password", "reason"), GUESSED_FIRST.items())
def test_what_others_would_guess_first_is_refused_on_each_way(
    protected: Person, app: Flask, password: str, reason: str
):
    newcomer = arrive(app, user_name="김하늘별")
    collect(app, newcomer, [], [])
    changed = {"current_password": "592704", "new_password": password}
    answers = [
        newcomer.ask("POST", path(newcomer, "set"), json={"password": password}),
        protected.ask("POST", path(protected, "reset"), json={"password": password}),
        protected.ask("POST", path(protected, "change"), json=changed),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    told = [answer.json["error"]["details"] for answer in answers]
    assert [list(one) for one in told] == [["password"], ["password"], ["new_password"]]
    assert all(reason in text for one in told for [text] in one.values())


def test_the_right_password_opens_the_records(protected: Person, visitor: Person):
    answer = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"})
    visitor.token = answer.json["access_token"]
    assert visitor.ask("GET", f"/patients/{protected.patient_uuid}/checkups").status_code == 200
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]


def test_the_cookie_of_the_right_password_reads(app: Flask, protected: Person):
    client = app.test_client()
    client.post(API + path(protected, "verify"), json={"password": "592704"})
    assert client.get(f"{API}/patients/{protected.patient_uuid}/report").status_code == 200


def test_a_patients_token_opens_no_other_patient(protected: Person, colleague: Person, visitor: Person):
    answer = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"})
    visitor.token = answer.json["access_token"]
    assert visitor.ask("GET", f"/patients/{colleague.patient_uuid}/checkups").status_code == 404


def test_a_wrong_password_says_how_many_tries_are_left(protected: Person, visitor: Person):
    answer = visitor.ask("POST", path(protected, "verify"), json={"password": "000000"})
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "PASSWORD_WRONG"
    assert answer.json["error"]["details"] == {"tries_left": 4}


def test_five_wrong_passwords_lock_also_the_right_one(protected: Person, visitor: Person):
    answers = [visitor.ask("POST", path(protected, "verify"), json={"password": "000000"}) for _ in range(5)]
    right = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"})
    assert answers[-1].json["error"]["code"] == right.json["error"]["code"] == "PASSWORD_LOCKED"
    assert 1790 <= int(right.headers["Retry-After"]) <= 1801


def test_the_lock_opens_after_half_an_hour(protected: Person, visitor: Person):
    for _ in range(5):
        visitor.ask("POST", path(protected, "verify"), json={"password": "000000"})
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        answer = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"})
    assert answer.status_code == 200


def test_a_patient_without_a_password_looks_like_an_unknown_one(owner: Person, visitor: Person):
    unset = visitor.ask("POST", path(owner, "verify"), json={"password": "592704"})
    unknown = visitor.ask("POST", f"/patients/{uuid4()}/password/verify", json={"password": "592704"})
    assert unset.status_code == unknown.status_code == 404
    assert unset.json["error"] == unknown.json["error"]


def test_a_changed_password_ends_the_tokens_given_before(protected: Person, visitor: Person):
    old = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"}).json["access_token"]
    body = {"current_password": "592704", "new_password": "804365"}
    new = visitor.ask("POST", path(protected, "change"), json=body).json["access_token"]
    records = f"/patients/{protected.patient_uuid}/checkups"
    opened = [visitor.ask("GET", records, headers={"Authorization": f"Bearer {token}"}) for token in (old, new)]
    assert [answer.status_code for answer in opened] == [404, 200]


def test_an_emptied_redis_revives_no_token_of_the_old_password(
    app: Flask, server: Server, protected: Person, visitor: Person, redis_client: redis.Redis
):
    right = {"password": "592704"}
    tokens = [visitor.ask("POST", path(protected, "verify"), json=right).json["access_token"] for _ in range(2)]
    reset = protected.ask("POST", path(protected, "reset"), json={"password": "804365"})
    redis_client.flushall()
    records = f"{API}/patients/{protected.patient_uuid}/checkups"
    here, there = ({"Authorization": f"Bearer {token}"} for token in tokens)
    assert reset.status_code == 200
    assert app.test_client().get(records, headers=here).status_code == 404
    assert httpx.get(f"{server.url}{records}", headers=there).status_code == 404


def test_changing_needs_the_present_password(protected: Person, visitor: Person):
    body = {"current_password": "000000", "new_password": "804365"}
    assert visitor.ask("POST", path(protected, "change"), json=body).status_code == 401


def test_the_session_that_identified_the_patient_resets_and_unlocks(protected: Person, visitor: Person):
    for _ in range(5):
        visitor.ask("POST", path(protected, "verify"), json={"password": "000000"})
    assert protected.ask("POST", path(protected, "reset"), json={"password": "804365"}).status_code == 200
    assert visitor.ask("POST", path(protected, "verify"), json={"password": "804365"}).status_code == 200


def test_who_is_identified_anew_under_a_lock_reads_and_resets(app: Flask, protected: Person, visitor: Person):
    """Locked by somebody else, from the same address, and every session of before is gone."""
    for _ in range(12):
        visitor.ask("POST", path(protected, "verify"), json={"password": "000000"})
    again = arrive(app)
    collect(app, again, [], [])
    assert again.patient_uuid == protected.patient_uuid
    assert again.ask("GET", f"/patients/{again.patient_uuid}/checkups").status_code == 200
    assert again.ask("POST", path(again, "reset"), json={"password": "804365"}).status_code == 200


def test_who_guesses_uses_up_nothing_of_the_reset(protected: Person, visitor: Person):
    """From the same address, until no try is left to anybody: identifying anew still works."""
    guesses = [visitor.ask("POST", path(protected, "verify"), json={"password": "000000"}) for _ in range(12)]
    assert guesses[-1].status_code == 429
    assert visitor.ask("POST", path(protected, "verify"), json={"password": "592704"}).status_code == 429
    assert protected.ask("POST", path(protected, "reset"), json={"password": "804365"}).status_code == 200


def test_who_resets_uses_up_no_try(protected: Person, visitor: Person):
    """The first of the eight that may be set was that of the beginning."""
    resets = [protected.ask("POST", path(protected, "reset"), json={"password": "592704"}) for _ in range(8)]
    assert [answer.status_code for answer in resets] == [200] * 7 + [429]
    assert visitor.ask("POST", path(protected, "verify"), json={"password": "592704"}).status_code == 200


def test_a_password_does_not_suffice_to_reset(protected: Person, visitor: Person):
    visitor.token = visitor.ask("POST", path(protected, "verify"), json={"password": "592704"}).json["access_token"]
    assert visitor.ask("POST", path(protected, "reset"), json={"password": "804365"}).status_code == 404


def test_guessing_is_limited_by_address_over_all_patients(visitor: Person):
    answers = [
        visitor.ask("POST", f"/patients/{uuid4()}/password/verify", json={"password": "592704"}) for _ in range(9)
    ]
    assert [answer.status_code for answer in answers] == [404] * 8 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 3000


def test_what_a_patients_limit_refuses_uses_up_nothing_of_the_address(protected: Person, visitor: Person):
    def guess(uuid: object, address: str) -> int:
        at = {"environ_base": {"REMOTE_ADDR": address}}
        return visitor.ask("POST", f"/patients/{uuid}/password/verify", json={"password": "000000"}, **at).status_code

    for number in range(8):
        guess(protected.patient_uuid, f"10.1.0.{number}")
    assert [guess(protected.patient_uuid, "10.1.0.99") for _ in range(8)] == [429] * 8
    assert guess(uuid4(), "10.1.0.99") == 404


def test_a_page_of_another_site_may_not_guess(protected: Person, visitor: Person):
    answer = visitor.ask(
        "POST", path(protected, "verify"), json={"password": "592704"}, headers={"Origin": "https://evil.test"}
    )
    assert answer.json["error"]["code"] == "ORIGIN_NOT_ALLOWED"


def test_a_cookie_sets_a_password_only_from_a_listed_origin(app: Flask, owner: Person):
    client = app.test_client()
    client.set_cookie("welno_session", owner.token)
    target, body = API + path(owner, "set"), {"password": "592704"}
    assert client.post(target, json=body).status_code == 403
    assert client.post(target, json=body, headers={"Origin": ORIGIN}).status_code == 201


def test_no_password_stands_in_redis(protected: Person, redis_client: redis.Redis):
    stored = b"".join(redis_client.dump(key) or b"" for key in redis_client.scan_iter())
    assert b"592704" not in stored
