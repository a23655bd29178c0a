"""A patient's sessions over HTTP: the token of the approval, the list, ending one or all others, signing out."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from werkzeug.test import TestResponse

from core.clock import clock
from webapp.current import parts

from .conftest import checkup
from .people import API, ORIGIN, Person, arrive, change_run, collect, stranger
from .server import Server

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
PASSWORD = {"password": "592704"}


def records(person: Person, asker: Person | None = None) -> int:
    return (asker or person).ask("GET", f"/patients/{person.patient_uuid}/checkups").status_code


def sessions_of(person: Person) -> list[dict[str, object]]:
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/sessions")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json["items"]
    return items


def ask_password(person: Person, asker: Person, action: str) -> int:
    return asker.ask("POST", f"/patients/{person.patient_uuid}/password/{action}", json=PASSWORD).status_code


def sign_in(person: Person, app: Flask) -> Person:
    visitor = stranger(app)
    path = f"/patients/{person.patient_uuid}/password/verify"
    visitor.token = visitor.ask("POST", path, json=PASSWORD).json["access_token"]
    visitor.patient_uuid = person.patient_uuid
    return visitor


@pytest.fixture
def second(app: Flask, owner: Person) -> Person:
    """Another session of the same patient, as of a stranger on whose push the patient tapped."""
    person = arrive(app)
    collect(app, person, [checkup()], [])
    return person


def test_the_list_tells_whether_there_is_a_password(owner: Person) -> None:
    path = f"/patients/{owner.patient_uuid}/sessions"
    assert owner.ask("GET", path).json["has_password"] is False
    assert ask_password(owner, owner, "set") == 201
    assert owner.ask("GET", path).json["has_password"] is True


@pytest.fixture
def protected(owner: Person) -> Person:
    assert ask_password(owner, owner, "set") == 201
    return owner


# the token of the approval


@pytest.fixture
def approved(app: Flask) -> Person:
    """Completed; its browser has the token of the start, and has asked nothing since."""
    person = arrive(app)
    first = person.token
    collect(app, person, [checkup()], [])
    person.token = first
    change_run(app, person.session_id, token_renewed_at=None)
    return person


def test_the_first_answer_after_the_approval_tells_a_new_token_and_no_records(approved: Person):
    state = approved.session("GET", "/status").json
    assert state["session_token"] not in {approved.token, None}
    assert "health_data" not in state
    approved.token = state["session_token"]
    assert "health_data" in approved.session("GET", "/status").json
    assert records(approved) == 200


def test_the_token_of_the_start_opens_no_records(approved: Person):
    answer = approved.ask("GET", f"/patients/{approved.patient_uuid}/checkups")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "TOKEN_RENEWED")
    old, new = approved.token, approved.session("GET", "/status").json["session_token"]
    approved.token = new
    assert records(approved) == 200
    approved.token = old
    assert records(approved) == 404
    state = approved.session("GET", "/status").json
    assert "session_token" not in state
    assert "health_data" not in state


def test_who_knows_the_session_id_alone_is_given_no_token_of_the_approval(app: Flask, approved: Person):
    """However early after the approval: also with a token of their own, or a secret of their own joined to the id."""
    thief = arrive(app, phone_no="010-9999-8888")
    own, secret = thief.token, thief.token.partition(".")[2]
    for token in ("", own, f"{approved.session_id}.{secret}", f"{approved.session_id}.x"):
        thief.token, thief.session_id = token, approved.session_id
        for path in ("/status", "/messages", "/events"):
            answer = thief.session("GET", path)
            assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")
        assert thief.ask("GET", f"/tilko/session/status/{approved.session_id}").status_code == 404
        assert (
            thief.ask("GET", f"/patients/{approved.patient_uuid}/checkups").json["error"]["code"] == "PATIENT_NOT_FOUND"
        )
        cookie = app.test_client()
        cookie.set_cookie("welno_session", token)
        answer = cookie.get(f"{API}/patients/{approved.patient_uuid}/checkups", headers={"Origin": ORIGIN})
        assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (404, [])
    assert "session_token" in approved.session("GET", "/status").json


def test_an_answer_that_got_lost_is_given_again(approved: Person):
    """Until the new token has been used: then nobody gets it any more."""
    told = [approved.session("GET", "/status").json["session_token"] for _ in range(3)]
    assert len(set(told)) == 1


def test_a_waiting_session_is_given_no_new_token(starter: Person):
    assert "session_token" not in starter.session("GET", "/status").json


def browser_of(app: Flask, person: Person) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("welno_session", person.token)
    return client


def test_a_browser_gets_the_new_token_as_its_cookie(app: Flask, approved: Person):
    client = browser_of(app, approved)
    path = f"{API}/patients/{approved.patient_uuid}/checkups"
    first = client.get(path)
    assert (first.status_code, first.headers["Location"]) == (307, path)
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert client.get(path).status_code == 200


def test_a_browser_that_asks_for_its_state_first_is_not_sent_around(app: Flask, approved: Person):
    client = browser_of(app, approved)
    state = client.get(f"{API}/tilko/session/{approved.session_id}/status").json
    assert "session_token" not in state
    assert client.get(f"{API}/patients/{approved.patient_uuid}/checkups").status_code == 200


# the list


def test_the_list_says_where_the_records_are_open(app: Flask, protected: Person):
    visitor = stranger(app)
    path = f"/patients/{protected.patient_uuid}/password/verify"
    base = {"REMOTE_ADDR": "203.0.113.77"}
    visitor.ask("POST", path, json=PASSWORD, headers={"User-Agent": CHROME}, environ_base=base)
    newest, own = sessions_of(protected)
    assert (newest["opened_by"], newest["address"], newest["device"]) == ("password", "203.0.113.*", "Chrome · Windows")
    assert (newest["current"], own["current"], own["opened_by"]) == (False, True, "authenticator")
    assert set(own) == {"id", "created_at", "last_seen_at", "current", "opened_by", "address", "device"}


def test_a_session_that_has_not_looked_yet_is_listed(owner: Person, second: Person):
    assert len(sessions_of(owner)) == 2


def test_the_id_of_the_list_opens_nothing(app: Flask, owner: Person):
    [one] = sessions_of(owner)
    assert one["id"] != owner.session_id
    forged = stranger(app)
    forged.token = f"{one['id']}.{owner.token.partition('.')[2]}"
    assert records(owner, forged) == 404


def test_sessions_that_have_ended_by_time_are_not_listed(app: Flask, protected: Person):
    sign_in(protected, app)
    later = clock.now() + timedelta(minutes=29)
    with clock.frozen(later):
        assert len(sessions_of(protected)) == 2
    with clock.frozen(later + timedelta(minutes=2)):
        assert len(sessions_of(protected)) == 1


def test_neither_address_nor_device_stands_there_in_clear(app: Flask, owner: Person):
    with parts(app).stores.engine.connect() as connection:
        rows = connection.exec_driver_sql("select * from welno.welno_patient_sessions").all()
    assert "127.0.0" not in str(rows)


# ending


def test_one_session_is_ended_and_the_others_stay(owner: Person, second: Person):
    other = next(one for one in sessions_of(owner) if not one["current"])
    path = f"/patients/{owner.patient_uuid}/sessions/{other['id']}"
    assert owner.ask("DELETE", path).status_code == 204
    assert (records(second), records(owner)) == (404, 200)
    assert second.session("GET", "/status").status_code == 404
    assert owner.ask("DELETE", path).status_code == 404


def test_nobody_ends_a_session_of_somebody_else(owner: Person, colleague: Person):
    [theirs] = sessions_of(colleague)
    assert owner.ask("DELETE", f"/patients/{owner.patient_uuid}/sessions/{theirs['id']}").status_code == 404
    assert records(colleague) == 200


def test_all_others_end_together(app: Flask, protected: Person, second: Person):
    visitor = sign_in(protected, app)
    assert protected.ask("DELETE", f"/patients/{protected.patient_uuid}/sessions").status_code == 204
    assert [records(protected, one) for one in (protected, second, visitor)] == [200, 404, 404]
    assert [one["current"] for one in sessions_of(protected)] == [True]


def test_who_was_signed_in_by_password_may_end_the_others_too(app: Flask, protected: Person, second: Person):
    visitor = sign_in(protected, app)
    assert visitor.ask("DELETE", f"/patients/{protected.patient_uuid}/sessions").status_code == 204
    assert [records(protected, one) for one in (visitor, protected, second)] == [200, 404, 404]


def test_a_session_that_was_approved_before_and_identified_later_stays_out(app: Flask, owner: Person):
    late = arrive(app)
    change_run(app, late.session_id, patient_uuid=owner.patient_uuid, auth_completed_at=clock.now())
    assert owner.ask("DELETE", f"/patients/{owner.patient_uuid}/sessions").status_code == 204
    assert late.session("GET", "/status").status_code == 404


@pytest.mark.parametrize("action", ["set", "reset"])
def test_a_new_password_throws_the_others_out(owner: Person, second: Person, action: str):
    assert ask_password(owner, owner, action) in {200, 201}
    assert (records(owner), records(second)) == (200, 404)
    assert second.session("GET", "/status").status_code == 404
    assert ask_password(owner, second, "reset") == 404


def test_a_changed_password_keeps_only_who_changed_it(app: Flask, protected: Person, second: Person):
    visitor = sign_in(protected, app)
    body = {"current_password": "592704", "new_password": "804365"}
    answer = visitor.ask("POST", f"/patients/{protected.patient_uuid}/password/change", json=body)
    assert [records(protected, one) for one in (visitor, protected, second)] == [404, 404, 404]
    visitor.token = answer.json["access_token"]
    assert records(protected, visitor) == 200


def test_a_wrong_password_ends_nothing(app: Flask, protected: Person, second: Person):
    body = {"current_password": "000000", "new_password": "804365"}
    stranger(app).ask("POST", f"/patients/{protected.patient_uuid}/password/change", json=body)
    assert (records(protected), records(second)) == (200, 200)


def test_a_password_is_reset_only_within_five_minutes_of_the_approval(owner: Person):
    approved_at = clock.now()
    with clock.frozen(approved_at + timedelta(minutes=5, seconds=1)):
        answer = owner.ask("POST", f"/patients/{owner.patient_uuid}/password/reset", json=PASSWORD)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FRESH_PROOF_REQUIRED")
    # Less by what the fixtures may have taken since.
    with clock.frozen(approved_at + timedelta(minutes=4, seconds=30)):
        assert ask_password(owner, owner, "reset") == 200


# everywhere, at once


def end_the_listed(keeper: Person, _other: Person) -> TestResponse:
    other = next(one["id"] for one in sessions_of(keeper) if not one["current"])
    return keeper.ask("DELETE", f"/patients/{keeper.patient_uuid}/sessions/{other}")


def change_password(keeper: Person, _other: Person) -> TestResponse:
    body = {"current_password": PASSWORD["password"], "new_password": "804365"}
    return keeper.ask("POST", f"/patients/{keeper.patient_uuid}/password/change", json=body)


ENDS: dict[str, Callable[[Person, Person], TestResponse]] = {
    "ended from the list": end_the_listed,
    "all others ended": lambda keeper, _: keeper.ask("DELETE", f"/patients/{keeper.patient_uuid}/sessions"),
    "a password reset": lambda keeper, _: keeper.ask(
        "POST", f"/patients/{keeper.patient_uuid}/password/reset", json=PASSWORD
    ),
    "a password changed": change_password,
    "signed out": lambda _, other: other.ask("POST", "/patients/sign-out"),
}


@pytest.mark.parametrize("how", ENDS)
def test_who_is_out_is_out_on_every_process_though_redis_was_emptied(
    server: Server, protected: Person, second: Person, redis_client: redis.Redis, how: str
):
    records_there = f"{server.url}{API}/patients/{protected.patient_uuid}/checkups"
    key_there = f"{server.url}{API}/patients/{protected.patient_uuid}/browser-key"
    assert httpx.get(records_there, headers=second.bearer).status_code == 200
    assert httpx.get(key_there, headers=second.bearer).status_code == 200
    assert ENDS[how](protected, second).status_code < 300
    redis_client.flushall()
    answers = [httpx.get(records_there, headers=one.bearer).status_code for one in (protected, second)]
    assert answers == [200, 404]
    assert (records(protected), records(second)) == (200, 404)
    status_there = f"{server.url}{API}/tilko/session/{second.session_id}/status"
    assert httpx.get(status_there, headers=second.bearer).status_code == 404
    # What its browser has kept stays sealed.
    assert httpx.get(key_there, headers=second.bearer).status_code == 404


def test_who_came_by_password_is_out_on_every_process_though_redis_was_emptied(
    app: Flask, server: Server, protected: Person, redis_client: redis.Redis
):
    visitor = sign_in(protected, app)
    path = f"{server.url}{API}/patients/{protected.patient_uuid}/checkups"
    assert httpx.get(path, headers=visitor.bearer).status_code == 200
    assert protected.ask("DELETE", f"/patients/{protected.patient_uuid}/sessions").status_code == 204
    redis_client.flushall()
    assert httpx.get(path, headers=visitor.bearer).status_code == 404


def read_to_the_end(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=10)


@pytest.mark.parametrize("how", ENDS)
def test_an_open_socket_of_a_session_that_ends_is_closed_within_a_second(
    server: Server, protected: Person, second: Person, redis_client: redis.Redis, how: str
):
    """Of another process than the one that ends it, and though Redis was emptied meanwhile."""
    url = f"{server.url.replace('http', 'ws', 1)}{API}/tilko/ws/{second.session_id}"
    with connect(url, additional_headers=second.bearer, origin=ORIGIN, proxy=None) as socket:
        socket.recv(timeout=10)
        redis_client.flushall()
        assert ENDS[how](protected, second).status_code < 300
        ended_at = clock.now()
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    assert clock.now() - ended_at < timedelta(seconds=1)


@pytest.mark.parametrize("how", ENDS)
def test_an_open_event_stream_of_a_session_that_ends_is_closed_within_a_second(
    server: Server, protected: Person, second: Person, redis_client: redis.Redis, how: str
):
    """As the socket's."""
    url = f"{server.url}{API}/tilko/session/{second.session_id}/events"
    with httpx.stream("GET", url, headers=second.bearer, timeout=10) as stream:
        lines = stream.iter_lines()
        next(lines)
        redis_client.flushall()
        assert ENDS[how](protected, second).status_code < 300
        ended_at = clock.now()
        rest = list(lines)
    assert any('"code":4404' in line for line in rest)
    assert clock.now() - ended_at < timedelta(seconds=1)


# signing out


def test_signing_out_ends_session_and_access_and_takes_the_cookies(app: Flask, protected: Person, second: Person):
    client = app.test_client()
    client.post(f"{API}/patients/{protected.patient_uuid}/password/verify", json=PASSWORD)
    client.set_cookie("welno_session", second.token)
    answer = client.post(f"{API}/patients/sign-out", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (204, '"cache"')
    taken = " ".join(answer.headers.getlist("Set-Cookie"))
    assert "welno_session=;" in taken
    assert "welno_patient=;" in taken
    assert records(second) == 404
    assert [one["current"] for one in sessions_of(protected)] == [True]


def test_a_cookie_that_was_copied_opens_nothing_after_signing_out(owner: Person):
    assert owner.ask("POST", "/patients/sign-out").status_code == 204
    assert records(owner) == 404
    assert owner.session("GET", "/status").status_code == 404


def test_signing_out_while_the_phone_is_waited_for_ends_the_collection(app: Flask, starter: Person):
    assert starter.ask("POST", "/patients/sign-out").status_code == 204
    view = parts(app).stores.directory.read(starter.session_id)
    assert view is not None
    assert view.status == "cancelled"


def test_signing_out_lets_a_collection_under_way_go_on(app: Flask, starter: Person):
    change_run(app, starter.session_id, auth_completed_at=clock.now(), step="fetch_health_data", run_state="running")
    assert starter.ask("POST", "/patients/sign-out").status_code == 204
    view = parts(app).stores.directory.read(starter.session_id)
    assert view is not None
    assert view.status != "cancelled"


def test_the_token_of_the_start_signs_nobody_out(approved: Person):
    old, approved.token = approved.token, approved.session("GET", "/status").json["session_token"]
    assert records(approved) == 200
    approved.client.post(f"{API}/patients/sign-out", headers={"Authorization": f"Bearer {old}"})
    assert records(approved) == 200


def test_the_token_of_the_start_ends_and_changes_nothing_once_the_other_is_in_use(approved: Person):
    old, approved.token = approved.token, approved.session("GET", "/status").json["session_token"]
    assert records(approved) == 200
    of_before = {"Authorization": f"Bearer {old}"}
    for method, path in (("DELETE", ""), ("POST", "/collect-data")):
        answer = approved.session(method, path, headers=of_before)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    answer = approved.ask("POST", "/tilko/session/simple-auth", headers=of_before)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    assert approved.session("GET", "/status", headers=of_before).status_code == 200
    assert records(approved) == 200
    assert approved.session("DELETE").status_code == 204


def test_a_page_of_another_site_signs_nobody_out(app: Flask, owner: Person):
    client = browser_of(app, owner)
    for headers in ({}, {"Origin": "https://evil.test"}):
        assert client.post(f"{API}/patients/sign-out", headers=headers).status_code == 403
    assert records(owner) == 200


def test_who_has_nothing_open_signs_out_too(app: Flask):
    assert stranger(app).ask("POST", "/patients/sign-out").status_code == 204


def test_two_people_at_one_browser_see_nothing_of_each_other(app: Flask, owner: Person, colleague: Person):
    client = browser_of(app, owner)
    client.post(f"{API}/patients/sign-out", headers={"Origin": ORIGIN})
    client.set_cookie("welno_session", colleague.token)
    answers = [client.get(f"{API}/patients/{one.patient_uuid}/checkups") for one in (owner, colleague)]
    assert [answer.status_code for answer in answers] == [404, 200]
