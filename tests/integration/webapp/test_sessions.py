"""Sessions over HTTP: start, push, collection, state, end."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from sqlalchemy import select

from core.clock import clock
from core.names import Event, Queue, Status, Step
from models.collection import RunState
from models.patients import Consent
from services.collection.events import say
from webapp.current import parts

from .people import API, FORM, ORIGIN, Person, arrive, change_run


def test_start_gives_a_token_and_a_cookie(app: Flask):
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM)
    assert answer.status_code == 201
    assert answer.json["next_step"] == "simple_auth"
    cookie = answer.headers["Set-Cookie"]
    assert answer.json["session_token"] in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_name", ""),
        ("user_name", "-웰로"),
        ("user_name", "김\ud800"),
        ("user_name", "김\x00하늘"),
        ("user_name", 7),
        ("user_name", "가" * 61),
        ("user_name", "가" + "-님" * 6_000),
        ("user_name", "e" + "\u0301" * 60),
        ("user_name", "김1"),
        ("user_name", " " * 30_000),
        ("phone_no", "02-123-4567"),
        ("phone_no", "0101234567899"),
        ("phone_no", None),
        ("phone_no", "0" * 30_000),
        ("phone_no", "\ufdfa" * 10_000),
        ("birthdate", "19840230"),
        ("birthdate", "29990101"),
        ("birthdate", "840517"),
        ("birthdate", "1984" + " " * 30_000),
        ("private_auth_type", "7"),
        ("gender", "X"),
        ("oid", "a b"),
        ("oid", "x" * 65),
        ("redirect_path", "//evil.test/"),
        ("redirect_path", "https://evil.test/"),
        ("redirect_path", "/\\evil.test"),
        ("redirect_path", "/a\nb"),
        ("redirect_path", "/" + "x" * 200),
        ("patient_uuid", "not-one"),
        ("hospital_id", "../x"),
        ("consents", "service"),
        ("consents", ["service", "marketing"]),
        ("consents", [*FORM["consents"], "service"]),
        ("consent_texts", {"service": "x" * 65}),
        ("terms_agreed", "maybe"),
        ("terms_agreed_at", "2025-01-02"),
        ("terms_agreed_at", "0001-01-01T00:00:00+23:59"),
        ("terms_agreed_at", "9999-01-01T00:00:00-23:59"),
        ("terms_agreed_at", "1901-01-01T00:00:00Z"),
        ("terms_agreed_at", "2999-01-01T00:00:00Z"),
        ("terms_expires_at", "2001-01-02T00:00:00Z"),
        ("terms_expires_at", "2999-01-01T00:00:00Z"),
        ("unknown_field", 1),
    ],
)
def test_a_wrong_field_is_named_with_what_to_do(app: Flask, field: str, value: object):
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM | {field: value})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "VALIDATION_FAILED"
    assert list(answer.json["error"]["details"]) == [field]
    assert answer.json["error"]["details"][field][0].endswith(("요.", "01", "-5678", "15", "09:00", "trend"))


@pytest.mark.parametrize("apart", [-timedelta(days=1, minutes=1), timedelta(minutes=6), timedelta(days=1)])
def test_a_consent_of_another_time_is_refused(app: Flask, apart: timedelta):
    agreed = {"terms_agreed": True, "terms_agreed_at": (clock.now() + apart).isoformat()}
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM | agreed)
    assert answer.status_code == 400
    assert list(answer.json["error"]["details"]) == ["terms_agreed_at"]


@pytest.mark.parametrize("apart", [-timedelta(hours=23), timedelta(minutes=4)])
def test_a_consent_is_of_the_moment_in_which_it_comes_by_the_databases_clock(app: Flask, apart: timedelta):
    agreed_at = clock.now() + apart
    terms = {
        "terms_agreed": True,
        "terms_agreed_at": agreed_at.isoformat(),
        "terms_expires_at": (agreed_at + timedelta(days=3652)).isoformat(),
    }
    person = arrive(app, **terms)
    with parts(app).stores.sessions() as session:
        given = session.scalars(select(Consent.given_at).where(Consent.session_id == UUID(person.session_id))).all()
    assert given
    assert all(abs(one - clock.now()) < timedelta(seconds=20) and one <= clock.now() for one in given)


def test_a_consent_that_has_ended_already_is_refused(app: Flask):
    now = clock.now()
    terms = {
        "terms_agreed_at": (now - timedelta(hours=2)).isoformat(),
        "terms_expires_at": (now - timedelta(hours=1)).isoformat(),
    }
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM | terms)
    assert list(answer.json["error"]["details"]) == ["terms_expires_at"]


def test_names_numbers_and_dates_may_be_written_in_many_ways(app: Flask):
    changes = {"user_name": "김하늘-웰로", "phone_no": "+82 10 1234 5678", "birthdate": "1984-05-17"}
    person = arrive(app, **changes)
    assert person.session("GET", "/status").json["user_name"] == "김*늘"


def test_a_body_that_is_no_json_is_refused(app: Flask):
    answer = app.test_client().post(f"{API}/tilko/session/start", data="user_name=x")
    assert answer.status_code == 415
    assert answer.json["error"]["code"] == "NOT_JSON"


def test_a_large_body_is_refused(app: Flask):
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM | {"oid": "x" * 70_000})
    assert answer.status_code == 413


def test_a_page_of_another_site_may_not_start(app: Flask):
    answer = app.test_client().post(f"{API}/tilko/session/start", json=FORM, headers={"Origin": "https://evil.test"})
    assert answer.json["error"]["code"] == "ORIGIN_NOT_ALLOWED"


def test_the_push_is_asked_for_once(app: Flask, starter: Person, redis_client: redis.Redis):
    first = starter.ask("POST", f"/tilko/session/simple-auth?session_id={starter.session_id}")
    second = starter.ask("POST", "/tilko/session/simple-auth", json={"session_id": starter.session_id})
    assert (first.status_code, first.json["next_step"]) == (202, "wait_for_auth")
    assert (second.status_code, second.json["duplicate_request_prevented"]) == (200, True)
    assert redis_client.llen(Queue.COLLECTION) == 1


def test_the_message_carries_the_session_and_the_request_and_no_more(starter: Person, redis_client: redis.Redis):
    starter.ask(
        "POST",
        f"/tilko/session/simple-auth?session_id={starter.session_id}",
        headers={"X-Request-ID": "request-of-test"},
    )
    message = redis_client.lindex(Queue.COLLECTION, 0).decode()
    assert "request-of-test" in message
    assert starter.session_id in message
    assert starter.token not in message


def test_collecting_before_the_push_is_a_conflict(starter: Person):
    answer = starter.session("POST", "/collect-data")
    assert answer.status_code == 409
    assert answer.json["error"]["code"] == "AUTH_NOT_REQUESTED"


def test_collecting_while_the_push_is_on_its_way_is_accepted(starter: Person):
    starter.ask("POST", f"/tilko/session/simple-auth?session_id={starter.session_id}")
    first, second = starter.session("POST", "/collect-data"), starter.session("POST", "/collect-data")
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json["duplicate_collection_prevented"] is True


def test_collecting_is_started_once(app: Flask, starter: Person):
    change_run(app, starter.session_id, step=Step.POLL_SIMPLE_AUTH, run_state=RunState.WAITING)
    first, second = starter.session("POST", "/collect-data"), starter.session("POST", "/collect-data")
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json["duplicate_collection_prevented"] is True


def test_a_session_that_needs_other_details_cannot_go_on(app: Flask, starter: Person):
    change_run(app, starter.session_id, status=Status.INFO_REQUIRED, run_state=RunState.ENDED)
    answer = starter.session("POST", "/collect-data")
    assert answer.json["error"]["code"] == "SESSION_OVER"


def test_the_state_shows_the_last_three_events_and_their_end(app: Flask, starter: Person):
    speak(app, starter, 5)
    state = starter.session("GET", "/status").json
    assert [event["seq"] for event in state["messages"]] == [3, 4, 5]
    assert (state["last_seq"], state["status"]) == (5, "initiated")
    assert state["epoch"]
    assert state["progress"] == dict.fromkeys(
        ["auth_completed", "health_data_fetched", "prescription_data_fetched", "saved", "completed"], False
    )
    assert "health_data" not in state


def test_the_older_address_gives_the_same_state(owner: Person):
    alias = owner.ask("GET", f"/tilko/session/status/{owner.session_id}")
    assert alias.json == owner.session("GET", "/status").json


def test_a_completed_session_shows_its_records_without_pictures(owner: Person):
    state = owner.session("GET", "/status").json
    assert len(state["health_data"]) == 2
    assert state["health_data"][0]["checkup_date"] == "2024-03-02"
    assert len(state["prescription_data"]) == 1
    assert "DrugImage" not in str(state)
    assert state["counts"] == {"health_data": 2, "prescription_data": 1}


def test_messages_after_a_number_come_in_order(app: Flask, starter: Person):
    speak(app, starter, 4)
    answer = starter.session("GET", "/messages?after_seq=2").json
    assert [event["seq"] for event in answer["messages"]] == [3, 4]
    assert (answer["last_seq"], answer["resync"]) == (4, False)


def test_a_lost_history_is_told(app: Flask, starter: Person):
    speak(app, starter, 1)
    assert starter.session("GET", "/messages?after_seq=9").json["resync"] is True
    assert starter.session("GET", "/messages?after_seq=1&epoch=abc").json["resync"] is True


def test_a_number_that_is_none_is_refused(starter: Person):
    answer = starter.session("GET", "/messages?after_seq=-1")
    assert answer.status_code == 400
    assert "after_seq" in answer.json["error"]["details"]


def test_cancelling_ends_the_token_and_the_cookie(starter: Person):
    answer = starter.session("DELETE")
    assert answer.status_code == 204
    assert "welno_session=;" in answer.headers["Set-Cookie"]
    assert starter.session("GET", "/status").status_code == 404


def test_a_session_ends_by_time(app: Flask, starter: Person):
    with clock.frozen(clock.now() + timedelta(seconds=1801)):
        answer = starter.session("GET", "/status")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")


def test_every_use_renews_the_session(app: Flask, starter: Person):
    with clock.frozen(clock.now() + timedelta(seconds=1000)) as later:
        starter.session("GET", "/messages")
        later.advance(timedelta(seconds=1000))
        state = starter.session("GET", "/status")
    assert state.status_code == 200
    assert state.json["messages"][0]["type"] == "session_extended"


def test_a_session_survives_the_loss_of_redis(app: Flask, starter: Person, redis_client: redis.Redis):
    redis_client.flushall()
    assert starter.session("GET", "/status").json["status"] == "initiated"


def test_an_unknown_session_is_not_found(app: Flask, starter: Person):
    answer = starter.ask("GET", f"/tilko/session/{uuid4()}/status")
    assert answer.json["error"]["code"] == "SESSION_NOT_FOUND"


def test_the_cookie_alone_reads(app: Flask):
    client = app.test_client()
    session_id = client.post(f"{API}/tilko/session/start", json=FORM).json["session_id"]
    assert client.get(f"{API}/tilko/session/{session_id}/status").status_code == 200


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 204), (None, 403), ("https://evil.test", 403)])
def test_an_unsafe_call_with_the_cookie_needs_a_listed_origin(app: Flask, origin: str | None, status: int):
    client = app.test_client()
    session_id = client.post(f"{API}/tilko/session/start", json=FORM).json["session_id"]
    headers = {"Origin": origin} if origin else {}
    assert client.delete(f"{API}/tilko/session/{session_id}", headers=headers).status_code == status


def test_a_token_of_one_session_opens_no_other(app: Flask, starter: Person):
    other = arrive(app)
    answer = other.ask("GET", f"/tilko/session/{starter.session_id}/status")
    assert answer.status_code == 404


def speak(app: Flask, person: Person, count: int) -> None:
    for number in range(count):
        with parts(app).stores.unit_of_work() as work:
            say(work, UUID(person.session_id), Event.AUTH_WAITING, f"{number}", now=clock.now())
