"""A patient's SMART Health Links: made of files that nobody here can read, replaced, ended, listed."""

import os

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from tests.shl import CARD, encode, encrypt
from webapp.bodies import BODY_MAX_BYTES
from webapp.current import parts

from .conftest import KEY, Doctor, Links

IN_AN_HOUR = 3600


def soon() -> int:
    return int(clock.now().timestamp()) + IN_AN_HOUR


def test_a_new_link_has_an_address_that_fits_into_a_qr_code(links: Links):
    made = links.post(label="건강검진 2026", exp=soon(), longTerm=True, passcode="2026-가나")
    assert made.status_code == 201
    assert len(made.json["id"]) == 43
    assert made.json["url"] == f"http://localhost/api/shl/{made.json['id']}"
    assert len(made.json["url"]) <= 128


def test_a_host_that_is_too_long_for_a_link_is_refused(links: Links):
    body = {"files": [links.file()]}
    refused = links.person.client.post(
        "/api/shl", json=body, headers=links.person.bearer | {"Host": f"{'a' * 60}.example.org"}
    )
    assert (refused.status_code, list(refused.json["error"]["details"])) == (400, ["url"])


def test_files_of_nearly_five_mebibytes_are_taken_as_they_came(links: Links, doctor: Doctor, engine: Engine):
    large = links.file(os.urandom(3_800_000))
    assert BODY_MAX_BYTES < len(large["jwe"]) < 5 * 1024 * 1024
    path = links.make(files=[large])
    with engine.connect() as connection:
        assert connection.scalar(text("select jwe from welno.welno_shl_files")) == large["jwe"]
    [given] = doctor.manifest(path).json["files"]
    assert doctor.get(given["location"]).text == large["jwe"]


def test_files_of_more_than_five_mebibytes_are_refused(links: Links):
    refused = links.post(files=[{"contentType": CARD, "jwe": "x" * (5 * 1024 * 1024)}])
    assert (refused.status_code, refused.json["error"]["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "jwe",
    [
        "not.a.jwe",
        "....",
        encrypt(KEY, b"x").replace(".", "..", 1),
        encrypt(KEY, b"x")[:-4],
        encrypt(KEY, b"x", CARD),
        f"{encode(b'[]')}{encrypt(KEY, b'x')[encrypt(KEY, b'x').index('.') :]}",
        f"{encode(b'{')}.." + ".".join([encode(bytes(12)), encode(b"x"), encode(bytes(16))]),
    ],
    ids=["words", "dots", "key", "cut", "type", "list", "json"],
)
def test_what_is_no_compact_jwe_of_its_type_is_refused(links: Links, jwe: str):
    refused = links.post(files=[{"contentType": "application/fhir+json", "jwe": jwe}])
    assert (refused.status_code, list(refused.json["error"]["details"])) == (400, ["files.0.jwe"])


def test_a_nonce_that_comes_twice_under_one_key_is_refused(links: Links):
    twice = [{"contentType": CARD, "jwe": encrypt(KEY, text, CARD, iv=bytes(12))} for text in (b"a", b"b")]
    refused = links.post(files=twice)
    assert (refused.status_code, list(refused.json["error"]["details"])) == (400, ["files.1.jwe"])
    path = links.make(files=twice[:1]).removeprefix("/api/shl")
    assert links.ask("PUT", f"{path}/files", json={"files": twice[1:]}).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "가" * 81},
        {"passcode": "123"},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": 10**12},
        {"longTerm": "yes"},
        {"files": []},
        {"files": [{"contentType": "text/plain", "jwe": "x"}]},
        {"flag": "U"},
    ],
)
def test_a_wrong_field_is_refused(links: Links, wrong: dict):
    assert links.post(**wrong).status_code == 400
    assert links.listed() == []


def test_a_label_has_eighty_characters_at_most(links: Links):
    links.make(label="가" * 80)
    assert links.listed()[0]["label"] == "가" * 80


def test_replaced_files_are_the_only_ones_and_old_locations_end(links: Links, doctor: Doctor):
    path = links.make(files=[links.file(b"1"), links.file(b"2")], longTerm=True)
    old = doctor.manifest(path, embeddedLengthMax=0).json["files"]
    new = links.file(b"3")
    assert links.ask("PUT", f"{path.removeprefix('/api/shl')}/files", json={"files": [new]}).status_code == 200
    assert [one["embedded"] for one in doctor.manifest(path).json["files"]] == [new["jwe"]]
    assert [doctor.get(one["location"]).status_code for one in old] == [404, 404]


def test_an_ended_link_keeps_no_file_and_is_still_shown(links: Links, doctor: Doctor, engine: Engine):
    path = links.make()
    location = doctor.manifest(path, embeddedLengthMax=0).json["files"][0]["location"]
    assert [links.ask("DELETE", path.removeprefix("/api/shl")).status_code for _ in range(2)] == [204, 204]
    assert [doctor.manifest(path).status_code, doctor.get(location).status_code] == [404, 404]
    [shown] = links.listed()
    assert (shown["state"], shown["files"]) == ("revoked", [])
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from welno.welno_shl_files")) == 0


def test_no_more_links_than_the_setting_are_active(app: Flask, links: Links):
    most = parts(app).stores.settings.shl.links_max
    paths = [links.make() for _ in range(most)]
    refused = links.post()
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "TOO_MANY_LINKS")
    links.ask("DELETE", paths[0].removeprefix("/api/shl"))
    assert links.post().status_code == 201


def test_the_list_says_who_came_when_and_from_which_network(links: Links, doctor: Doctor):
    until = soon()
    path = links.make(passcode="2026", label="검진", exp=until)
    doctor.manifest(path, passcode="0000")
    [given] = doctor.manifest(path, passcode="2026", embeddedLengthMax=0).json["files"]
    doctor.get(given["location"])
    [shown] = links.listed()
    assert [(one["what"], one["recipient"], one["network"]) for one in shown["fetches"]] == [
        ("file", "한빛의원", "127.0.0.0/24"),
        ("manifest", "한빛의원", "127.0.0.0/24"),
        ("wrong_passcode", "한빛의원", "127.0.0.0/24"),
    ]
    assert (shown["remainingAttempts"], shown["hasPasscode"], shown["exp"]) == (9, True, until)


def test_the_newest_fifty_who_came_are_shown_of_each_link(links: Links, engine: Engine):
    paths = [links.make() for _ in range(2)]
    query = """
        insert into welno.welno_shl_fetches (id, link_id, kind, recipient, at)
        select gen_random_uuid(), :id, 'manifest', n::text, now() - n * interval '1 second'
        from generate_series(1, :n) as n
    """
    with engine.begin() as connection:
        numbers = [{"id": path.rpartition("/")[2], "n": n} for path, n in zip(paths, (60, 2), strict=True)]
        connection.execute(text(query), numbers)
    shown = {one["id"]: [fetch["recipient"] for fetch in one["fetches"]] for one in links.listed()}
    assert [shown[one["id"]] for one in numbers] == [[str(n) for n in range(1, 51)], ["1", "2"]]


def test_two_hundred_that_have_ended_are_shown_and_every_one_that_opens(links: Links, engine: Engine):
    oldest = links.make().rpartition("/")[2]
    query = """
        insert into welno.welno_shl (id, patient_uuid, is_long_term, created_at, revoked_at)
        select 'ended-' || n, patient_uuid, false, now() + n * interval '1 second', now()
        from welno.welno_shl, generate_series(1, 203) as n
    """
    with engine.begin() as connection:
        connection.execute(text(query))
    shown = [one["id"] for one in links.listed()]
    assert shown == [*(f"ended-{n}" for n in range(203, 3, -1)), oldest]


def test_the_access_log_names_who_has_the_link_as_such(links: Links, doctor: Doctor):
    doctor.manifest(links.make())
    looks = links.person.ask("GET", f"/patients/{links.person.patient_uuid}/access-log").json["items"]
    assert [(one["action"], one["actor_kind"], one["address"]) for one in looks[:2]] == [
        ("shared", "recipient", None),
        ("share", "session", "127.0.0.1"),
    ]


def test_whoever_was_shown_the_records_is_no_stranger_who_opened_them(links: Links, doctor: Doctor):
    doctor.manifest(links.make())
    told = links.person.ask("GET", f"/patients/{links.person.patient_uuid}/access-log").json
    assert told["opened_since_last_visit"] == []


def test_the_passcode_is_stored_as_passwords_are(links: Links, engine: Engine):
    links.make(passcode="열려라 참깨")
    with engine.connect() as connection:
        stored = connection.scalar(text("select passcode_hash from welno.welno_shl"))
    assert stored.startswith("p1$argon2id$")
