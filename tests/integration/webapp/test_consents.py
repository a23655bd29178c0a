"""Consents over HTTP: the texts, what a start needs, what a person sees and withdraws."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from core.clock import clock
from core.names import FAILED_BY_REFUSAL, Step
from models.collection import RunState
from models.patients import ConsentKind
from tests.integration.services.conftest import checkup
from webapp.current import parts

from .people import API, FORM, ORIGIN, Person, arrive, change_run, collect

ALL = [str(kind) for kind in ConsentKind]
COLLECTING = ALL[:4]
BARE = {name: value for name, value in FORM.items() if name != "consents"}
REPORT = "/disease-report?from=campaign"


def start(app: Flask, form: dict[str, Any]) -> TestResponse:
    return app.test_client(use_cookies=False).post(f"{API}/tilko/session/start", json=form)


def rows(app: Flask, statement: str, **values: Any) -> list[Any]:
    with parts(app).stores.engine.connect() as connection:
        return list(connection.execute(text(statement), values).all())


def stored(app: Flask, redis_client: redis.Redis) -> tuple[int, int, list[bytes]]:
    """Whatever a start could have left behind, but for the count of its address' calls and the refusal's number."""
    [[runs, consents]] = rows(
        app,
        "select (select count(*) from welno.welno_collection_history), (select count(*) from welno.welno_consents)",
    )
    keys = [key for key in redis_client.scan_iter("*") if b"/body/" not in key and key != FAILED_BY_REFUSAL.encode()]
    return runs, consents, keys


def test_the_texts_are_served_to_anybody_with_their_hash(app: Flask):
    items = app.test_client().get(f"{API}/consents/texts").json["items"]
    assert [item["kind"] for item in items] == ALL
    assert [item["report_only"] for item in items] == [False] * 4 + [True]
    for item in items:
        assert item["sha256"] == hashlib.sha256(item["text"].encode()).hexdigest()
        assert item["text"].startswith(item["title"])


def test_the_page_shows_the_texts_that_are_served(app: Flask):
    page = app.test_client().get("/").text
    for item in app.test_client().get(f"{API}/consents/texts").json["items"]:
        assert f'data-sha256="{item["sha256"]}"' in page
        for line in item["text"].splitlines()[2:]:
            heading, _, sentence = line.partition(": ")
            assert f"<dt>{heading}</dt><dd>{sentence}</dd>" in page


@pytest.mark.parametrize("refused", COLLECTING)
def test_a_start_without_a_needed_consent_names_it(app: Flask, refused: str):
    answer = start(app, BARE | {"consents": [kind for kind in ALL if kind != refused]})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "CONSENT_REQUIRED")
    assert answer.json["error"]["details"] == {"missing": [refused], "changed": []}


def test_the_consent_to_the_report_is_needed_for_a_report_alone(app: Flask):
    assert start(app, BARE | {"consents": COLLECTING}).status_code == 201
    answer = start(app, BARE | {"consents": COLLECTING, "redirect_path": REPORT})
    assert answer.json["error"]["details"]["missing"] == ["third_party_mediarc"]
    assert start(app, BARE | {"consents": ALL, "redirect_path": REPORT}).status_code == 201


@pytest.mark.parametrize("form", [{}, {"consents": []}, {"consents": None}, {"terms_agreed": False}])
def test_a_start_without_any_consent_names_all(app: Flask, form: dict[str, Any]):
    answer = start(app, BARE | form)
    assert (answer.status_code, answer.json["error"]["details"]["missing"]) == (403, COLLECTING)


def test_a_refused_start_leaves_nothing_behind(app: Flask, redis_client: redis.Redis):
    for form in ({"consents": COLLECTING[1:]}, {"consents": ALL, "birthdate": "20200101"}):
        assert start(app, BARE | form).status_code == 403
    assert stored(app, redis_client) == (0, 0, [])


def test_the_old_form_stands_for_all(app: Flask):
    agreed_at = clock.now().isoformat()
    answer = start(app, BARE | {"terms_agreed": True, "terms_agreed_at": agreed_at, "redirect_path": REPORT})
    assert answer.status_code == 201
    kinds = rows(
        app, "select kind from welno.welno_consents where session_id = :s order by id", s=answer.json["session_id"]
    )
    assert [row.kind for row in kinds] == ALL


def test_who_names_kinds_is_not_overruled_by_the_old_form(app: Flask):
    answer = start(app, BARE | {"terms_agreed": True, "consents": COLLECTING[1:]})
    assert answer.json["error"]["details"]["missing"] == ["service"]


def test_the_old_forms_end_is_kept_and_the_phones_time_is_not(app: Flask):
    now = clock.now()
    times = {"terms_agreed_at": now - timedelta(minutes=2), "terms_expires_at": now + timedelta(days=10)}
    answer = start(app, BARE | {"terms_agreed": True} | {name: time.isoformat() for name, time in times.items()})
    query = "select given_at, expires_at from welno.welno_consents where session_id = :s"
    kept = rows(app, query, s=answer.json["session_id"])[0]
    assert kept.expires_at == times["terms_expires_at"]
    assert kept.given_at >= now - timedelta(seconds=1)


def test_consent_to_a_text_that_has_changed_is_asked_for_again(app: Flask):
    items = app.test_client().get(f"{API}/consents/texts").json["items"]
    shown = {item["kind"]: item["sha256"] for item in items}
    assert start(app, FORM | {"consent_texts": shown}).status_code == 201
    answer = start(app, FORM | {"consent_texts": shown | {"sensitive": "0" * 64}})
    assert answer.json["error"]["details"] == {"missing": ["sensitive"], "changed": ["sensitive"]}


def test_a_child_is_refused_until_the_fourteenth_birthday_in_korea(app: Flask):
    eve = datetime(2027, 3, 9, 14, 59, tzinfo=UTC)
    with clock.frozen(eve) as now:
        answer = start(app, FORM | {"birthdate": "20130310"})
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "GUARDIAN_REQUIRED")
        now.advance(timedelta(minutes=1))
        assert start(app, FORM | {"birthdate": "20130310"}).status_code == 201


def consents_of(person: Person, query: str = "") -> dict[str, Any]:
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/consents{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def withdraw(person: Person, kind: str) -> TestResponse:
    return person.ask("POST", f"/patients/{person.patient_uuid}/consents/{kind}/withdraw")


def test_a_person_sees_what_they_agreed_to_newest_first(app: Flask, owner: Person):
    listed = consents_of(owner)
    assert [item["kind"] for item in listed["items"]] == ALL[::-1]
    texts = {item["kind"]: item for item in app.test_client().get(f"{API}/consents/texts").json["items"]}
    for item in listed["items"]:
        assert item["session_id"] == owner.session_id
        assert item["text_version"] == texts[item["kind"]]["version"]
        assert item["text_sha256"] == texts[item["kind"]]["sha256"]
        assert (item["ended_at"], item["ended_how"]) == (None, None)
    assert "next" not in listed


def test_the_list_comes_page_by_page(owner: Person):
    first = consents_of(owner, "?limit=3")
    second = consents_of(owner, f"?limit=3&after={first['next']}")
    assert [item["kind"] for item in first["items"] + second["items"]] == ALL[::-1]
    assert "next" not in second


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "after=0", "after=x"])
def test_a_wrong_page_of_consents_is_named(owner: Person, query: str):
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/consents?{query}")
    assert list(answer.json["error"]["details"]) == [query.partition("=")[0]]


def test_withdrawal_is_shown_and_may_be_repeated(owner: Person):
    first, second = withdraw(owner, "sensitive"), withdraw(owner, "sensitive")
    assert (first.status_code, first.json["withdrawn"]) == (200, 1)
    assert (second.status_code, second.json["withdrawn"]) == (200, 0)
    ends = {item["kind"]: item["ended_how"] for item in consents_of(owner)["items"]}
    assert ends == dict.fromkeys(ALL) | {"sensitive": "withdrawn"}


def test_stored_records_stay_after_a_withdrawal(owner: Person):
    withdraw(owner, "sensitive")
    assert len(owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").json["items"]) == 2


def test_an_unknown_kind_cannot_be_withdrawn(owner: Person):
    assert withdraw(owner, "marketing").status_code == 404


def test_withdrawal_ends_the_persons_other_session_and_no_strangers(app: Flask, owner: Person, colleague: Person):
    again, stranger = arrive(app), arrive(app, user_name="한가람", phone_no="01055556666")
    for person in (again, stranger):
        change_run(app, person.session_id, step=Step.POLL_SIMPLE_AUTH, run_state=RunState.WAITING)
    withdraw(owner, "third_party_tilko")
    stopped = again.session("GET", "/status").json
    assert (stopped["status"], stopped["error_code"]) == ("cancelled", "CONSENT_WITHDRAWN")
    assert stopped["messages"][-1]["data"]["code"] == "CONSENT_WITHDRAWN"
    assert stranger.session("GET", "/status").json["status"] == "initiated"
    assert again.session("POST", "/collect-data").json["error"]["code"] == "SESSION_OVER"
    assert {item["ended_how"] for item in consents_of(colleague)["items"]} == {None}


def test_withdrawing_the_report_leaves_a_collection_running(app: Flask, owner: Person):
    again = arrive(app)
    withdraw(owner, "third_party_mediarc")
    assert again.session("GET", "/status").json["status"] == "initiated"


def test_a_start_after_the_withdrawal_is_a_new_consent(app: Flask, owner: Person):
    withdraw(owner, "sensitive")
    again = arrive(app)
    collect(app, again, [checkup()], [])
    newest = consents_of(again)["items"][:5]
    assert {(item["session_id"], item["ended_how"]) for item in newest} == {(again.session_id, None)}


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 200), ("https://evil.test", 403)])
def test_another_sites_page_withdraws_nothing(app: Flask, owner: Person, origin: str, status: int):
    client = app.test_client()
    client.set_cookie("welno_session", owner.token)
    path = f"{API}/patients/{owner.patient_uuid}/consents/service/withdraw"
    assert client.post(path, headers={"Origin": origin}).status_code == status
