"""A dynamic tag's scan counts with what its chip has just said, and once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from core.settings import Settings
from models.journey import PatientState, TagLog
from services.journey.tags import short_code_of
from tests.integration.conftest import AppOf
from tests.sun_tags import VECTOR, VECTOR_COUNTER, VECTOR_KEY, VECTOR_UID
from webapp.current import parts

from .conftest import Desk, Phone, code, phone_of
from .dynamic_tag import DEVICE, OTHER_DEVICE, TAG_ID, DynamicTag, logged, scan, stored
from .test_scan_bounds import by_http, by_socket

TOGETHER = 4
Act = Callable[[Phone, dict[str, str]], str]


@pytest.fixture
def tag(chief: Desk) -> DynamicTag:
    return DynamicTag.hung(chief)


@pytest.fixture(params=[by_http, by_socket])
def act(request: pytest.FixtureRequest) -> Act:
    chosen: Act = request.param
    return chosen


def counted(action: str) -> float:
    return REGISTRY.get_sample_value("welno_journey_tags_total", {"action": action}) or 0.0


def age_logs(app: Flask, **by: float) -> None:
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(TagLog).values(created_at=TagLog.created_at - timedelta(**by)))


def state_of(phone: Phone) -> str:
    state: str = phone.ask("GET", "/patient-journey/current-state/").json["journey_state"]
    return state


def test_the_public_vector_is_a_scan(app: Flask, chief: Desk):
    tag = DynamicTag.hung(chief, uid=VECTOR_UID, key=VECTOR_KEY)
    assert scan(app, tag_code=tag.code, **VECTOR).json["tag"]["tag_id"] == TAG_ID
    assert logged(app) == [("scan", TAG_ID, VECTOR_COUNTER)]
    assert stored(app).sun_counter == VECTOR_COUNTER


def test_it_may_be_said_by_the_address_that_was_read(app: Flask, tag: DynamicTag):
    said = tag.read()
    address = f"https://welno.example/t/{tag.code}?e={said['e']}&c={said['c']}"
    assert scan(app, tag_code=tag.code, ndef=address).json["tag"]["tag_id"] == TAG_ID
    assert logged(app) == [("scan", TAG_ID, 1)]
    assert scan(app, tag_code=tag.code, ndef=address).json["error"]["code"] == "TAG_REPLAYED"


@pytest.mark.parametrize(
    "ndef", ["", "https://[", "https://welno.example/t/x", "https://welno.example/t/x?e=&c=", "?e=1"]
)
def test_an_address_that_says_nothing_is_no_scan(app: Flask, tag: DynamicTag, ndef: str):
    assert scan(app, tag_code=tag.code, ndef=ndef).json["error"]["code"] == "TAG_NOT_FOUND"


def test_a_stranger_gets_a_scan_token_and_signs_in_with_it(app: Flask, tag: DynamicTag):
    answer = scan(app, **tag.body(device_id=DEVICE, via="url")).json
    assert (answer["tag"]["tag_id"], answer["transition"]) == (TAG_ID, False)
    person = {"phone_last4": "0001", "birth_date": "1940-02-01", "device_id": DEVICE}
    signed_in = app.test_client().post("/api/v1/auth/simple-login", json=person | {"scan_token": answer["scan_token"]})
    assert signed_in.json["journey"]["journey_state"] == "REGISTERED"


def test_a_patient_arrives_once_and_scans_again(app: Flask, phone: Phone, tag: DynamicTag):
    first = phone.ask("POST", "/nfc/scan/", json=tag.body()).json
    assert (first["transition"], first["journey"]["journey_state"], first["scan_token"]) == (True, "ARRIVED", None)
    age_logs(app, seconds=4)
    again = phone.ask("POST", "/nfc/scan/", json=tag.body()).json
    assert (again["transition"], again["journey"]["journey_state"]) == (False, "ARRIVED")
    assert logged(app) == [("scan", TAG_ID, 1), ("rescan", TAG_ID, 2)]


def test_an_action_arrives_by_it(app: Flask, phone: Phone, tag: DynamicTag, act: Act):
    assert act(phone, tag.body()) == "ARRIVED"
    assert logged(app) == [("scan", TAG_ID, 1)]
    assert stored(app).sun_counter == 1


@pytest.mark.parametrize("name", ["tag_uid", "tag_id", "short_code"])
def test_however_it_is_named_it_must_say_something(app: Flask, phone: Phone, tag: DynamicTag, act: Act, name: str):
    named = {"tag_uid": tag.uid, "tag_id": TAG_ID, "tag_code": short_code_of(tag.code)}
    wanted = "tag_code" if name == "short_code" else name
    payload = {wanted: named[wanted]}
    assert act(phone, payload) == "TAG_NOT_FOUND"
    assert act(phone, payload | tag.read()) == "ARRIVED"


def mangled(tag: DynamicTag, how: str) -> dict[str, str]:
    told, other = tag.read(), DynamicTag(uid="04A1B2C3D4E5F7", key=tag.key)
    return {
        "nothing": {},
        "no c": {"e": told["e"]},
        "no e": {"c": told["c"]},
        "another c": {**told, "c": "0" * 16},
        "another e": {**told, "e": "0" * 32},
        "another key": DynamicTag(key="1" * 32).told(5),
        "another chip": other.told(5),
        "another reading's c": {**told, "c": tag.read()["c"]},
        "no digits": {"e": "hello", "c": " "},
    }[how]


EACH_MANGLED = pytest.mark.parametrize(
    "how",
    [
        "nothing",
        "no c",
        "no e",
        "another c",
        "another e",
        "another key",
        "another chip",
        "another reading's c",
        "no digits",
    ],
)


@EACH_MANGLED
def test_without_a_pair_of_its_own_it_is_a_tag_that_nobody_knows(app: Flask, phone: Phone, tag: DynamicTag, how: str):
    unknown = counted("unknown")
    for ask in (lambda body: scan(app, **body), lambda body: phone.ask("POST", "/nfc/scan/", json=body)):
        answer = ask({"tag_code": tag.code, **mangled(tag, how)})
        assert code(answer) == (404, "TAG_NOT_FOUND")
    assert logged(app) == [("unknown", None, None)] * 2
    assert counted("unknown") == unknown + 2
    assert state_of(phone) == "UNREGISTERED"
    assert stored(app).sun_counter is None
    assert scan(app, **tag.body()).status_code == 200  # a wrong try uses nothing up


@EACH_MANGLED
def test_an_action_without_a_pair_of_its_own_is_none(app: Flask, phone: Phone, tag: DynamicTag, act: Act, how: str):
    assert act(phone, {"tag_code": tag.code, **mangled(tag, how)}) == "TAG_NOT_FOUND"
    assert logged(app) == [("unknown", None, None)]
    assert state_of(phone) == "UNREGISTERED"
    assert stored(app).sun_counter is None


def test_a_copied_address_moves_nobody_else(
    app: Flask, phone: Phone, other_phone: Phone, tag: DynamicTag, logged_lines: Callable[[], str]
):
    replays, copied = counted("replay"), tag.body()
    assert phone.ask("POST", "/nfc/scan/", json=copied).json["transition"]
    answer = other_phone.ask("POST", "/nfc/scan/", json=copied)
    assert code(answer) == (409, "TAG_REPLAYED")
    assert answer.json["error"]["message"] == "휴대폰을 태그에 다시 한 번 대 주세요."
    assert state_of(other_phone) == "UNREGISTERED"
    assert logged(app) == [("scan", TAG_ID, 1), ("replay", TAG_ID, None)]
    assert counted("replay") == replays + 1
    for secret in (copied["e"], copied["c"], tag.code):
        assert secret.lower() not in logged_lines().lower()


@pytest.fixture
def logged_lines(request: pytest.FixtureRequest) -> Callable[[], str]:
    written = request.getfixturevalue("logged")
    told: Callable[[], str] = written.getvalue
    return told


def test_a_copied_address_is_no_arrival_by_an_action(
    app: Flask, phone: Phone, other_phone: Phone, tag: DynamicTag, act: Act
):
    copied, replays = tag.body(), counted("replay")
    assert act(phone, copied) == "ARRIVED"
    assert act(other_phone, copied) == "TAG_REPLAYED"
    assert state_of(other_phone) == "UNREGISTERED"
    assert logged(app) == [("scan", TAG_ID, 1), ("replay", TAG_ID, None)]
    assert counted("replay") == replays + 1


def test_an_older_reading_is_replayed_though_nobody_has_sent_it(app: Flask, phone: Phone, tag: DynamicTag):
    kept = tag.body()
    assert scan(app, **tag.body(device_id=DEVICE)).status_code == 200
    assert code(phone.ask("POST", "/nfc/scan/", json=kept)) == (409, "TAG_REPLAYED")
    assert phone.ask("POST", "/nfc/scan/", json=tag.body()).json["transition"]


def test_a_scan_that_failed_uses_nothing_up(app: Flask, phone: Phone, tag: DynamicTag):
    struck: list[str] = []

    def strike(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "welno.tag_logs" in statement and "INSERT" in statement and not struck:
            struck.append(statement)
            raise OperationalError("lost", {}, Exception("away"))

    body, engine = tag.body(), parts(app).stores.engine
    event.listen(engine, "before_cursor_execute", strike)
    try:
        assert phone.ask("POST", "/nfc/scan/", json=body).status_code == 503
    finally:
        event.remove(engine, "before_cursor_execute", strike)
    assert (stored(app).sun_counter, logged(app)) == (None, [])
    assert phone.ask("POST", "/nfc/scan/", json=body).json["transition"]


def test_who_lost_the_answer_is_answered_as_the_first_time(app: Flask, phone: Phone, tag: DynamicTag):
    body = tag.body(device_id=DEVICE)
    first = phone.ask("POST", "/nfc/scan/", json=body).json
    other = scan(app, **tag.body())  # somebody else behind them
    again = phone.ask("POST", "/nfc/scan/", json=body)
    assert other.status_code == again.status_code == 200
    assert [again.json[name] for name in ("transition", "tag", "scan_token")] == [
        first[name] for name in ("transition", "tag", "scan_token")
    ]
    assert again.json["journey"]["journey_state"] == "ARRIVED"
    assert logged(app) == [("scan", TAG_ID, 1), ("scan", TAG_ID, 2)]


def test_a_later_scan_whose_answer_was_lost_is_no_arrival_the_second_time_either(
    app: Flask, phone: Phone, tag: DynamicTag
):
    phone.ask("POST", "/nfc/scan/", json=tag.body())
    age_logs(app, seconds=4)
    body = tag.body()
    answers = [phone.ask("POST", "/nfc/scan/", json=body) for _ in range(2)]
    assert [(one.status_code, one.json["transition"]) for one in answers] == [(200, False)] * 2
    assert logged(app) == [("scan", TAG_ID, 1), ("rescan", TAG_ID, 2)]


def test_a_stranger_who_lost_the_answer_gets_a_token_for_the_same_one_person(
    app: Flask, people: list[UUID], tag: DynamicTag
):
    body = tag.body(device_id=DEVICE)
    tokens = [scan(app, **body).json["scan_token"] for _ in range(2)]
    answers = []
    for token, number in zip(tokens, (1, 2), strict=True):
        born = {1: "1940-02-01", 2: "1940-03-03"}[number]
        person = {"phone_last4": f"000{number}", "birth_date": born, "device_id": DEVICE, "scan_token": token}
        answers.append(app.test_client().post("/api/v1/auth/simple-login", json=person))
    assert answers[0].status_code == 200
    assert code(answers[1]) == (409, "SCAN_TOKEN_USED")


def test_two_minutes_later_the_same_address_is_replayed_for_themselves_too(app: Flask, phone: Phone, tag: DynamicTag):
    """A tab that is opened again the next day."""
    body = tag.body(device_id=DEVICE)
    phone.ask("POST", "/nfc/scan/", json=body)
    age_logs(app, minutes=3)
    assert code(phone.ask("POST", "/nfc/scan/", json=body)) == (409, "TAG_REPLAYED")
    assert logged(app) == [("scan", TAG_ID, 1), ("replay", TAG_ID, None)]


def test_who_went_home_does_not_arrive_again_by_the_same_reading(app: Flask, phone: Phone, tag: DynamicTag):
    body = tag.body(device_id=DEVICE)
    phone.ask("POST", "/nfc/scan/", json=body)
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(_leave(phone.user_id))
    assert code(phone.ask("POST", "/nfc/scan/", json=body)) == (409, "TAG_REPLAYED")
    assert state_of(phone) == "UNREGISTERED"


def _leave(user_id: UUID) -> Any:
    gone = {"current_state": "UNREGISTERED", "visit_id": None}
    return update(PatientState).where(PatientState.user_id == user_id).values(gone)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"device_id": DEVICE}, {"device_id": OTHER_DEVICE}),
        ({"device_id": DEVICE}, {}),
        ({}, {}),
        ({}, {"device_id": DEVICE}),
    ],
)
def test_a_stranger_s_reading_is_their_device_s(
    app: Flask, people: list[UUID], tag: DynamicTag, first: dict[str, str], second: dict[str, str]
):
    body = tag.body()
    assert scan(app, **body, **first).status_code == 200
    assert code(scan(app, **body, **second)) == (409, "TAG_REPLAYED")


def test_a_device_that_says_it_is_another_s_does_not_take_a_person_s_reading(
    app: Flask, phone: Phone, other_phone: Phone, tag: DynamicTag
):
    body = tag.body(device_id=DEVICE)
    phone.ask("POST", "/nfc/scan/", json=body)
    age_logs(app, seconds=4)
    assert code(other_phone.ask("POST", "/nfc/scan/", json=body)) == (409, "TAG_REPLAYED")
    age_logs(app, seconds=4)
    assert code(scan(app, **body)) == (409, "TAG_REPLAYED")


def test_the_same_person_within_three_seconds_is_one_row(app: Flask, phone: Phone, tag: DynamicTag):
    phone.ask("POST", "/nfc/scan/", json=tag.body())
    later = tag.body()
    assert phone.ask("POST", "/nfc/scan/", json=later).status_code == 200
    assert logged(app) == [("scan", TAG_ID, 2)]
    assert phone.ask("POST", "/nfc/scan/", json=later).status_code == 200


def test_what_was_refused_before_hides_no_scan(app: Flask, phone: Phone, tag: DynamicTag):
    """Within three seconds: told to hold the phone to the tag again, they do."""
    old = tag.body()
    scan(app, **tag.body())
    assert code(phone.ask("POST", "/nfc/scan/", json=old)) == (409, "TAG_REPLAYED")
    assert phone.ask("POST", "/nfc/scan/", json=tag.body()).json["transition"]
    assert logged(app) == [("scan", TAG_ID, 2), ("replay", TAG_ID, None), ("scan", TAG_ID, 3)]


def test_of_many_with_one_reading_at_once_one_passes(app: Flask, people: list[UUID], tag: DynamicTag):
    phones, body, together = [phone_of(app, one) for one in people[:TOGETHER]], tag.body(), Barrier(TOGETHER)

    def arrive(phone: Phone) -> int:
        together.wait(timeout=20)
        return phone.ask("POST", "/nfc/scan/", json=body).status_code

    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(arrive, phones))
    assert sorted(answers) == [200] + [409] * (TOGETHER - 1)
    assert sorted(map(state_of, phones)) == ["ARRIVED"] + ["UNREGISTERED"] * (TOGETHER - 1)
    assert sorted(logged(app), key=str) == [("replay", TAG_ID, None)] * (TOGETHER - 1) + [("scan", TAG_ID, 1)]


def test_one_person_who_sends_the_same_at_once_arrives_once(app: Flask, phone: Phone, tag: DynamicTag):
    body, together = tag.body(), Barrier(TOGETHER)

    def arrive(_: int) -> tuple[int, Any]:
        together.wait(timeout=20)
        answer = phone.ask("POST", "/nfc/scan/", json=body)
        return answer.status_code, answer.json.get("transition")

    with ThreadPoolExecutor(TOGETHER) as pool:
        assert list(pool.map(arrive, range(TOGETHER))) == [(200, True)] * TOGETHER
    assert logged(app) == [("scan", TAG_ID, 1)]


def test_its_printed_code_leads_nowhere(app: Flask, people: list[UUID], tag: DynamicTag):
    """A QR code says the same for ever; nor does what previews ask for use a reading up."""
    answer = app.test_client().get(f"/api/v1/nfc/qr-backup/{tag.code}")
    assert code(answer) == (404, "TAG_NOT_FOUND")
    told = tag.read()
    assert code(app.test_client().get(f"/api/v1/nfc/qr-backup/{tag.code}", query_string=told)) == (404, "TAG_NOT_FOUND")
    assert app.test_client().get(f"/t/{tag.code}", query_string=told).status_code == 200
    assert (stored(app).sun_counter, {action for action, *_ in logged(app)}) == (None, {"unknown"})
    assert scan(app, tag_code=tag.code, **told).status_code == 200


def test_staff_s_scan_uses_its_reading_up_and_moves_nobody(app: Flask, desk: Desk, tag: DynamicTag):
    body = tag.body()
    assert desk.ask("POST", "/nfc/scan/", json=body).status_code == 200
    assert code(scan(app, **body)) == (409, "TAG_REPLAYED")
    assert code(desk.ask("POST", "/nfc/scan/", json={"tag_code": tag.code})) == (404, "TAG_NOT_FOUND")
    assert [action for action, *_ in logged(app)] == ["rescan", "replay", "unknown"]


def test_who_is_assisted_needs_no_tag(app: Flask, desk: Desk, people: list[UUID], tag: DynamicTag):
    address = f"/staff/patients/{people[0]}/assist"
    with_tag = {"action_type": "scan_nfc", "payload": {"tag_id": TAG_ID}}
    assert code(desk.ask("POST", address, json=with_tag)) == (404, "TAG_NOT_FOUND")
    assert desk.ask("POST", address, json={"action_type": "scan_nfc"}).json["journey_state"] == "ARRIVED"


def test_the_same_key_of_a_call_is_answered_from_its_store(app: Flask, phone: Phone, tag: DynamicTag):
    sent = {"action_type": "scan_nfc", "payload": tag.body(), "idempotency_key": "key-1"}
    answers = [phone.ask("POST", "/patient-journey/perform-action/", json=sent) for _ in range(2)]
    assert [answer.json["journey_state"] for answer in answers] == ["ARRIVED"] * 2
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_wrong_pairs_are_limited_as_other_codes_that_are_typed(
    app_of: AppOf, people: list[UUID], demo_env: Any, tag: DynamicTag
):
    strict = app_of(Settings.read(demo_env | {"WELNO_LOGIN_FAILURES_ADDRESS": "3 per 15 minutes"}))
    forged = {"tag_code": short_code_of(tag.code), "e": "0" * 32, "c": "0" * 16}
    assert [scan(strict, **forged).status_code for _ in range(4)] == [404] * 3 + [429]


def test_a_static_tag_asks_for_nothing_and_reads_nothing(app: Flask, phone: Phone):
    body = {"tag_code": "demo-entrance-7f3a9c21e5b84d06", "e": "whatever", "c": "it says"}
    assert phone.ask("POST", "/nfc/scan/", json=body).json["transition"]
    assert logged(app) == [("scan", "TAG-ENTRANCE", None)]


@pytest.mark.parametrize("field", ["e", "c"])
@pytest.mark.parametrize("value", ["x" * 65, 5, "a\x00"])
def test_what_is_wrong_in_the_body_is_named(app: Flask, tag: DynamicTag, field: str, value: Any):
    answer = scan(app, tag_code=tag.code, **{field: value})
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), [field])
