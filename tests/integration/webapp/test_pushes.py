"""Pushes over HTTP: one per phone, and limits that nobody can use up for somebody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from core.clock import clock
from core.sealing import Sealer
from core.settings import Settings
from tests.integration.conftest import AppOf
from webapp.current import parts

from .people import API, FORM, Person, arrive, change_run, stranger
from .server import Server

STRANGERS, OWNERS, THIRD = "203.0.113.9", "198.51.100.7", "192.0.2.3"


def ask(person: Person, address: str = OWNERS) -> TestResponse:
    path = f"/tilko/session/simple-auth?session_id={person.session_id}"
    return person.ask("POST", path, environ_base={"REMOTE_ADDR": address})


def push_and_decline(app: Flask, person: Person, address: str) -> TestResponse:
    """Whatever came of it, the phone is free again."""
    answer = ask(person, address)
    change_run(app, person.session_id, status="declined", run_state="idle")
    return answer


def test_a_second_session_is_told_how_long_the_phone_is_taken(app: Flask):
    first, second = arrive(app), arrive(app)
    assert ask(first).status_code == 202
    answer = ask(second)
    error = answer.json["error"]
    assert (answer.status_code, error["code"]) == (409, "PUSH_PENDING")
    assert 55 <= error["details"]["seconds_left"] <= 60
    assert int(answer.headers["Retry-After"]) == error["details"]["seconds_left"]


def test_the_page_that_waits_hears_of_a_refused_request(app: Flask):
    first, second = arrive(app), arrive(app)
    ask(first)
    ask(second)
    state = first.session("GET", "/status").json
    assert [event["type"] for event in state["messages"]] == ["push_requested_elsewhere"]
    assert state["status"] == "auth_requesting"


def test_after_a_minute_the_second_session_has_the_phone(app: Flask):
    first, second = arrive(app), arrive(app)
    ask(first)
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        assert ask(second).status_code == 202
        state = first.session("GET", "/status").json
    assert (state["status"], state["error_code"]) == ("timeout", "AUTH_SUPERSEDED")
    assert state["messages"][-1]["type"] == "auth_superseded"


def test_the_status_says_until_when_the_request_counts(app: Flask, starter: Person):
    assert starter.session("GET", "/status").json["approve_by"] is None
    until = clock.now() + timedelta(minutes=10)
    change_run(app, starter.session_id, step="poll_simple_auth", run_state="waiting", approve_by=until)
    told = [starter.session("GET", "/status").json["approve_by"] for _ in range(2)]
    assert told == [until.isoformat()] * 2


def test_the_sixth_push_from_one_address_is_refused_with_the_seconds_to_wait(app: Flask):
    person = arrive(app)
    answers = [push_and_decline(app, person, STRANGERS) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert 500 < int(answers[-1].headers["Retry-After"]) <= 600


def test_a_push_that_the_phones_limit_refuses_uses_up_nothing_of_the_callers(
    app: Flask, app_of: AppOf, web_settings: Settings
):
    """Nor of the phone's shorter window, where the longer one refuses."""
    limit = "5 per 10 minutes; 2 per day"
    strict = app_of(replace(web_settings, web=replace(web_settings.web, push_phone_limit=limit)))
    person = arrive(app)
    at_strict = replace(person, client=strict.test_client(use_cookies=False))
    answers = [push_and_decline(strict, at_strict, OWNERS).status_code for _ in range(9)]
    assert answers == [202] * 2 + [429] * 7
    assert 80_000 < int(ask(at_strict).headers["Retry-After"]) <= 86_400
    assert [push_and_decline(app, person, OWNERS).status_code for _ in range(4)] == [202] * 3 + [429]


def test_a_stranger_does_not_use_up_what_the_phones_owner_may(app: Flask):
    visitor, owner = arrive(app), arrive(app)
    for _ in range(20):
        push_and_decline(app, visitor, STRANGERS)
    assert [push_and_decline(app, owner, OWNERS).status_code for _ in range(5)] == [202] * 5


def test_addresses_of_one_ipv6_network_share_a_limit(app: Flask):
    person = arrive(app)
    answers = [push_and_decline(app, person, f"2001:db8::{number}") for number in range(6)]
    assert answers[-1].status_code == 429


def test_a_phone_gets_no_more_than_ten_from_anywhere(app: Flask):
    person = arrive(app)
    for address in (STRANGERS, OWNERS):
        assert [push_and_decline(app, person, address).status_code for _ in range(5)] == [202] * 5
    assert push_and_decline(app, person, THIRD).status_code == 429


def approve(app: Flask, address: str, change: Callable[[Flask, Person], None] = lambda *_: None) -> None:
    """A push that was asked for there; and the page's first call with the token that it is given."""
    person = arrive(app)
    change(app, person)
    change_run(app, person.session_id, auth_completed_at=clock.now(), status="auth_completed")
    at = {"environ_base": {"REMOTE_ADDR": address}}
    person.token = person.session("GET", "/status", **at).json["session_token"]
    assert person.session("GET", "/status", **at).status_code == 200


def test_strangers_do_not_use_up_what_an_owner_may_where_a_push_was_approved_before(app: Flask):
    approve(app, THIRD)
    person = arrive(app)
    for address in (STRANGERS, OWNERS):
        for _ in range(5):
            push_and_decline(app, person, address)
    answers = [push_and_decline(app, person, THIRD).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]  # its own bound stays
    assert push_and_decline(app, person, "192.0.2.4").status_code == 429


def test_an_approval_elsewhere_or_of_another_phone_frees_nobody(app: Flask):
    approve(app, STRANGERS)
    other = arrive(app, phone_no="01055550000")
    for address in (OWNERS, THIRD):
        for _ in range(5):
            push_and_decline(app, other, address)
    assert push_and_decline(app, other, STRANGERS).status_code == 429


def test_an_approval_that_redis_cannot_be_told_is_one_all_the_same(app: Flask, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(parts(app).stores.redis, "set", refuse)
    approve(app, OWNERS)


def seal_elsewhere(app: Flask, person: Person) -> None:
    """With a key that another host was given first."""
    sealed = Sealer({"new": bytes(range(32))}).seal(b"{}", f"identity:{person.session_id}")
    change_run(app, person.session_id, identity=sealed)


def test_a_push_for_who_is_sealed_with_an_unknown_key_is_refused_for_a_while(app: Flask):
    person = arrive(app)
    seal_elsewhere(app, person)
    answer = ask(person)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


def test_an_approval_of_who_is_sealed_with_an_unknown_key_is_one_all_the_same(app: Flask):
    approve(app, OWNERS, seal_elsewhere)


def push_all_the_time(app: Flask, address: str, quarters: range) -> int:
    """How many pushes an address gets that asks for as many as it can in these quarters of an hour from now on."""
    sent, began_at = 0, clock.now()
    for quarter in quarters:
        with clock.frozen(began_at + timedelta(minutes=15 * quarter)):
            person = arrive(app)
            answers = [push_and_decline(app, person, address) for _ in range(6)]
        sent += [answer.status_code for answer in answers].count(202)
    return sent


def test_a_phone_gets_twenty_a_day_from_one_address_and_forty_from_anywhere(app: Flask):
    asked = ((STRANGERS, range(6)), (OWNERS, range(6, 12)), (THIRD, range(12, 15)))
    assert [push_all_the_time(app, address, quarters) for address, quarters in asked] == [20, 20, 0]


def test_pushes_are_counted_over_all_web_processes(app: Flask, server: Server):
    person = arrive(app)
    path = f"{server.url}{API}/tilko/session/simple-auth?session_id={person.session_id}"
    for _ in range(3):
        assert push_and_decline(app, person, "127.0.0.1").status_code == 202
    for _ in range(2):
        assert httpx.post(path, headers=person.bearer).status_code == 202
        change_run(app, person.session_id, status="declined", run_state="idle")
    assert (ask(person, "127.0.0.1").status_code, httpx.post(path, headers=person.bearer).status_code) == (429, 429)


def test_what_was_refused_sends_nothing(app: Flask):
    person = arrive(app)
    for _ in range(5):
        push_and_decline(app, person, STRANGERS)
    assert ask(person, STRANGERS).status_code == 429
    assert person.session("GET", "/status").json["status"] == "declined"


def test_a_call_that_sends_no_push_is_not_counted(app: Flask):
    person, other = arrive(app), arrive(app)
    ask(person)
    answers = [ask(one) for one in (person, other) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 8 + [409] * 8
    change_run(app, person.session_id, status="declined", run_state="idle")
    assert ask(other).status_code == 202


@pytest.mark.parametrize("address", [OWNERS, "2001:db8::1"])
def test_a_hospitals_visitors_share_an_address_and_are_all_served(app: Flask, address: str):
    client = stranger(app)
    for number in range(35):
        form = FORM | {"phone_no": f"010555500{number:02}"}
        started = client.ask("POST", "/tilko/session/start", json=form, environ_base={"REMOTE_ADDR": address})
        assert started.status_code == 201
        visitor = Person(client.client, started.json["session_id"], started.json["session_token"])
        assert ask(visitor, address).status_code == 202


def test_starts_in_a_strangers_hands_do_not_block_a_phones_owner(app: Flask):
    for _ in range(15):
        arrive(app)
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM)
    assert answer.status_code == 201
