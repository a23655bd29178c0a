"""Opening a SMART Health Link from another site: manifest, locations, the passcode's ten tries, the flag U."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from flask import Flask
from limits import parse_many
from sqlalchemy import Engine, text

from core.clock import clock
from services.shl.errors import WrongPasscode
from services.shl.opening import LinkRecipient, PasscodeCheck, name_for_log
from services.shl.retention import delete_files
from tests.integration.webapp.people import ORIGIN
from tests.shl import CARD, decrypt
from webapp.current import parts
from webapp.limits import count_use

from .conftest import KEY, TEXT, Doctor, Links
from .test_links import soon

WRONG = {"passcode": "0000"}


def test_short_files_are_embedded_and_open_with_the_key(links: Links, doctor: Doctor):
    path = links.make(files=[links.file(), links.file(b'{"verifiableCredential":[]}', CARD)])
    fhir, card = doctor.manifest(path).json["files"]
    assert decrypt(KEY, fhir["embedded"]) == ({"alg": "dir", "enc": "A256GCM", "cty": "application/fhir+json"}, TEXT)
    assert (fhir["contentType"], fhir["status"], fhir["fhirVersion"]) == (
        "application/fhir+json",
        "can-change",
        "4.0.1",
    )
    assert (card["contentType"], "fhirVersion" in card, "location" in card) == (CARD, False, False)


@pytest.mark.parametrize(("longest", "embedded"), [(0, []), (200, [b"1"]), (100_000, [b"1", b"2" * 1000])])
def test_nothing_longer_than_is_asked_for_is_embedded(links: Links, doctor: Doctor, longest: int, embedded: list):
    path = links.make(files=[links.file(b"1"), links.file(b"2" * 1000)])
    files = doctor.manifest(path, embeddedLengthMax=longest).json["files"]
    assert [decrypt(KEY, one["embedded"])[1] for one in files if "embedded" in one] == embedded
    assert all("location" in one for one in files if "embedded" not in one)


def test_unknown_parameters_are_ignored_as_the_specification_wants(links: Links, doctor: Doctor):
    assert doctor.manifest(links.make(), _later={"x": 1}).status_code == 200


@pytest.mark.parametrize("body", [{"recipient": None}, {"recipient": ""}, {"recipient": "가" * 201}, {"passcode": 1}])
def test_whoever_does_not_say_who_they_are_gets_nothing(links: Links, doctor: Doctor, body: dict):
    path = links.make()
    assert doctor.manifest(path, **body).status_code == 400
    assert links.listed()[0]["fetches"] == []


@pytest.mark.parametrize("path", ["/api/shl/" + "A" * 43, "/api/shl/x"])
def test_an_unknown_link_is_not_found(doctor: Doctor, path: str):
    for answer in (doctor.manifest(path), doctor.get(path, recipient="x")):
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "LINK_NOT_FOUND")


def test_a_link_whose_time_is_over_is_not_found(links: Links, doctor: Doctor, engine: Engine):
    path = links.make(exp=soon())
    location = doctor.manifest(path, embeddedLengthMax=0).json["files"][0]["location"]
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_shl set expires_at = now()"))
    answers = [doctor.manifest(path), doctor.get(path, recipient="x"), doctor.get(location)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert links.listed()[0]["state"] == "expired"


def test_a_link_of_somebody_who_is_being_erased_is_not_found(links: Links, doctor: Doctor):
    path = links.make()
    assert links.person.ask("DELETE", f"/patients/{links.person.patient_uuid}").status_code == 202
    assert doctor.manifest(path).status_code == 404


# Passcodes


def test_a_wrong_passcode_says_how_many_tries_are_left(links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    refused = doctor.manifest(path, **WRONG)
    assert (refused.status_code, refused.json["remainingAttempts"]) == (401, 9)
    assert refused.json["error"]["code"] == "PASSCODE_WRONG"


def test_no_passcode_at_all_is_no_try(links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    assert [doctor.manifest(path).json["remainingAttempts"] for _ in range(3)] == [10, 10, 10]


def test_a_right_passcode_takes_no_wrong_one_back(links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    doctor.manifest(path, **WRONG)
    assert doctor.manifest(path, passcode="2026").status_code == 200
    assert doctor.manifest(path, **WRONG).json["remainingAttempts"] == 8


def test_after_ten_wrong_ones_the_right_one_opens_nothing(links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    told = [doctor.manifest(path, **WRONG) for _ in range(12)]
    assert [one.json.get("remainingAttempts") for one in told] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, None, None]
    assert [one.status_code for one in told] == [401] * 10 + [404] * 2
    assert doctor.manifest(path, passcode="2026").status_code == 404
    assert links.listed()[0]["state"] == "locked"


def test_fifty_wrong_ones_at_once_are_ten_tries(app: Flask, links: Links):
    path = links.make(passcode="2026")

    def guess(number: int) -> int:
        status: int = Doctor(app.test_client(use_cookies=False)).manifest(path, passcode=f"{number:04}").status_code
        return status

    with ThreadPoolExecutor(50) as pool:
        answers = Counter(pool.map(guess, range(50)))
    assert answers == {401: 10, 404: 40}
    [shown] = links.listed()
    assert (shown["state"], shown["remainingAttempts"]) == ("locked", 0)
    assert [one["what"] for one in shown["fetches"]] == ["wrong_passcode"] * 10


@pytest.mark.parametrize(("wrong", "at_once"), [(0, 20), (9, 5)])
def test_right_ones_at_once_all_open_and_cost_no_try(
    app: Flask, links: Links, doctor: Doctor, wrong: int, at_once: int
):
    path = links.make(passcode="2026")
    for _ in range(wrong):
        doctor.manifest(path, **WRONG)

    def open_it(_: int) -> int:
        status: int = Doctor(app.test_client(use_cookies=False)).manifest(path, passcode="2026").status_code
        return status

    with ThreadPoolExecutor(at_once) as pool:
        assert Counter(pool.map(open_it, range(at_once))) == {200: at_once}
    assert links.listed()[0]["remainingAttempts"] == 10 - wrong


def check_while(app: Flask, path: str, passcode: str, happens: Callable[[], object]) -> None:
    """Comparing a passcode, while something else happens."""
    stores = parts(app).stores

    def run(function: Callable[..., Any], *args: str) -> Any:
        happens()
        return function(*args)

    check = PasscodeCheck(stores.unit_of_work, stores.clock, stores.password_hashes, run)
    check.require(path.rpartition("/")[2], passcode, LinkRecipient("x", None))


def test_no_file_is_lost_while_the_tenth_try_turns_out_right(app: Flask, links: Links, doctor: Doctor):
    stores, path = parts(app).stores, links.make(passcode="2026")
    for _ in range(8):
        doctor.manifest(path, **WRONG)

    def use_up() -> None:
        assert doctor.manifest(path, **WRONG).status_code == 401
        assert links.listed()[0]["state"] == "active"
        with stores.unit_of_work() as work:
            delete_files(work.session, clock.now(), 10)

    check_while(app, path, "2026", use_up)
    assert doctor.manifest(path, passcode="2026").status_code == 200
    assert links.listed()[0]["remainingAttempts"] == 1


def test_the_tenth_try_locks_the_link_only_once_it_is_wrong(app: Flask, links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    for _ in range(9):
        doctor.manifest(path, **WRONG)
    with pytest.raises(WrongPasscode):
        check_while(
            app, path, "0000", lambda: links.listed()[0]["state"] == "active" or pytest.fail("locked too early")
        )
    assert links.listed()[0]["state"] == "locked"


def test_a_crash_gives_no_try_back(app: Flask, links: Links, doctor: Doctor, engine: Engine):
    path = links.make(passcode="2026")
    for _ in range(9):
        doctor.manifest(path, **WRONG)
    with pytest.raises(ConnectionError):
        check_while(app, path, "2026", crash)
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_shl set tried_at = tried_at - interval '61 seconds'"))
    assert doctor.manifest(path, passcode="2026").status_code == 404
    assert links.listed()[0]["state"] == "locked"


def test_a_try_that_lasted_too_long_is_not_taken_for_the_end_of_another(app: Flask, links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    for _ in range(8):
        doctor.manifest(path, **WRONG)
    has_begun, may_end = threading.Event(), threading.Event()

    def hang() -> None:
        has_begun.set()
        assert may_end.wait(20)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(check_while, app, path, "0000", hang)
        assert has_begun.wait(20)

        def end_slow() -> None:
            may_end.set()
            assert isinstance(slow.exception(20), WrongPasscode)
            assert links.listed()[0]["state"] == "active"

        with clock.frozen(clock.now() + timedelta(seconds=61)):
            check_while(app, path, "2026", end_slow)
    assert links.listed()[0]["remainingAttempts"] == 1
    assert doctor.manifest(path, passcode="2026").status_code == 200


def crash() -> None:
    raise ConnectionError


# Locations


def test_a_location_opens_once(links: Links, doctor: Doctor):
    path = links.make()
    location = doctor.manifest(path, embeddedLengthMax=0).json["files"][0]["location"]
    first, second = doctor.get(location), doctor.get(location)
    assert (first.status_code, first.mimetype) == (200, "application/jose")
    assert decrypt(KEY, first.text)[1] == TEXT
    assert (second.status_code, second.json["error"]["code"]) == (404, "LINK_NOT_FOUND")


def test_twenty_at_once_take_a_location_once(app: Flask, links: Links, doctor: Doctor):
    location = doctor.manifest(links.make(), embeddedLengthMax=0).json["files"][0]["location"]

    def take(_: int) -> int:
        status: int = Doctor(app.test_client(use_cookies=False)).get(location).status_code
        return status

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(take, range(20))) == {200: 1, 404: 19}


def test_a_location_outlives_redis_and_opens_once_still(links: Links, doctor: Doctor, redis_client: redis.Redis):
    location = doctor.manifest(links.make(), embeddedLengthMax=0).json["files"][0]["location"]
    redis_client.flushall()
    assert [doctor.get(location).status_code for _ in range(2)] == [200, 404]


def test_a_location_has_an_end(app: Flask, links: Links, doctor: Doctor, engine: Engine):
    assert parts(app).stores.settings.shl.location_seconds <= 3600
    location = doctor.manifest(links.make(), embeddedLengthMax=0).json["files"][0]["location"]
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_shl_locations set expires_at = now()"))
    assert doctor.get(location).status_code == 404


def test_a_preview_uses_no_location_up(links: Links, doctor: Doctor):
    location = doctor.manifest(links.make(), embeddedLengthMax=0).json["files"][0]["location"]
    assert doctor.client.head(location).status_code == 405
    assert doctor.get(location).status_code == 200


# The flag U


def test_the_only_file_is_got_directly(links: Links, doctor: Doctor):
    path = links.make()
    got = doctor.get(path, recipient="한빛의원")
    assert (got.status_code, got.mimetype, decrypt(KEY, got.text)[1]) == (200, "application/jose", TEXT)
    assert [one["what"] for one in links.listed()[0]["fetches"]] == ["direct"]
    assert doctor.get(path).status_code == 400


def test_nothing_is_got_directly_past_a_passcode_or_of_several(links: Links, doctor: Doctor):
    secret = links.make(passcode="2026")
    several = links.make(files=[links.file(b"1"), links.file(b"2")])
    assert [doctor.get(path, recipient="x").status_code for path in (secret, several)] == [404, 404]


# Any site


def test_any_site_may_read_the_answers_and_no_cookie_goes_with_them(links: Links, doctor: Doctor):
    path = links.make(passcode="2026")
    answers = [
        doctor.manifest(path),
        doctor.manifest(path, passcode="2026"),
        doctor.manifest("/api/shl/" + "A" * 43),
        doctor.get("/api/shl/locations/x"),
        doctor.client.options(path, headers=doctor.headers | {"Access-Control-Request-Method": "POST"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 200, 404, 404, 200]
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {"*"}
    assert not any("Access-Control-Allow-Credentials" in answer.headers for answer in answers)
    assert answers[-1].headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "DELETE" not in answers[-1].headers["Access-Control-Allow-Methods"]


def test_a_front_end_at_a_listed_origin_may_end_links_with_its_cookie(links: Links, doctor: Doctor):
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "DELETE"}
    answer = doctor.client.options(links.make(), headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]


def test_a_patients_own_calls_are_not_for_any_site(links: Links, doctor: Doctor):
    answer = links.person.client.get("/api/shl", headers=links.person.bearer | doctor.headers)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_too_many_fetches_of_one_link_wait(app: Flask, links: Links, doctor: Doctor):
    path, other = links.make(), links.make()
    limit = parts(app).stores.settings.shl.fetch_limit
    with app.app_context():
        most = min(item.amount for item in parse_many(limit))
        count_use(limit, "shl-fetch", name_for_log(path.rpartition("/")[2]), most)
    refused = doctor.manifest(path)
    assert (refused.status_code, refused.json["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["Retry-After"]) > 0
    assert doctor.manifest(other).status_code == 200
