"""The key of a dynamic tag goes in, and comes out nowhere."""

from typing import Any

import pytest
from flask import Flask

from core.sealing import key_id_of_text
from services.sealed_columns import SEALED_COLUMNS
from webapp.current import parts

from .conftest import Desk, code
from .dynamic_tag import DEVICE, OTHER_DEVICE, TAG_ID, DynamicTag, logged, scan, stored

OTHER_KEY = "0123456789abcdefABCDEF0123456789"


@pytest.fixture
def tag(chief: Desk) -> DynamicTag:
    return DynamicTag.hung(chief)


def change(chief: Desk, **body: Any) -> Any:
    return chief.ask("PATCH", f"/admin/tags/{TAG_ID}", json=body)


def test_answers_say_that_a_tag_is_dynamic_and_never_its_key(app: Flask, chief: Desk, tag: DynamicTag):
    answers = [
        chief.ask("GET", "/admin/tags"),
        change(chief, title="다른 이름"),
        change(chief, sun_key=tag.key),
        chief.ask("POST", f"/admin/tags/{TAG_ID}/rotate"),
    ]
    assert {one["tag_id"]: one["is_dynamic"] for one in answers[0].json["tags"]}[TAG_ID]
    assert [answer.json["tag"]["is_dynamic"] for answer in answers[1:]] == [True] * 3
    for answer in answers:
        assert "sun_key" not in answer.text
        assert tag.key.lower() not in answer.text.lower()
    assert not any(one["is_dynamic"] for one in answers[0].json["tags"] if one["tag_id"] != TAG_ID)


def test_a_key_is_sealed_at_rest_and_stands_in_no_log(app: Flask, chief: Desk, tag: DynamicTag, logged: Any):
    change(chief, sun_key=OTHER_KEY)
    change(chief, sun_key=f"{OTHER_KEY[:-1]}G")
    sealed = stored(app).sun_key
    assert sealed is not None
    assert key_id_of_text(sealed) == parts(app).stores.sealer.current_key_id
    for key in (tag.key, OTHER_KEY, OTHER_KEY[:-1]):
        assert key.lower() not in logged.getvalue().lower()


def test_a_key_is_bound_to_its_tag(app: Flask, chief: Desk, tag: DynamicTag):
    """What is sealed for one tag opens for no other."""
    other = {"tag_id": "TAG-OTHER", "tag_uid": "04A1B2C3D4E5F7", "title": "옆", "floor": 1, "x": 1, "y": 2}
    made = chief.ask("POST", "/admin/tags", json=other).json["tag"]
    assert not made["is_dynamic"]
    sealer, sealed = parts(app).stores.sealer, stored(app).sun_key or ""
    assert sealer.open_text(sealed, f"tag_sun_key:{TAG_ID}") == tag.key
    with pytest.raises(Exception, match="another context"):
        sealer.open_text(sealed, "tag_sun_key:TAG-OTHER")


def test_a_key_is_sealed_anew_when_sealing_keys_are_rotated(app: Flask, tag: DynamicTag):
    [sealed] = [one for one in SEALED_COLUMNS if one.name == "nfc_tags.sun_key"]
    row, sealer = stored(app), parts(app).stores.sealer
    assert sealer.open_text(row.sun_key or "", sealed.context(row)) == tag.key


def test_a_key_that_is_taken_away_leaves_a_static_tag(app: Flask, chief: Desk, tag: DynamicTag):
    assert code(scan(app, tag_code=tag.code)) == (404, "TAG_NOT_FOUND")
    assert not change(chief, sun_key=None).json["tag"]["is_dynamic"]
    assert scan(app, tag_code=tag.code).status_code == 200
    assert stored(app).sun_key is None


def test_a_static_tag_becomes_a_dynamic_one(app: Flask, chief: Desk, tag: DynamicTag):
    change(chief, sun_key=None)
    assert change(chief, sun_key=tag.key.lower()).json["tag"]["is_dynamic"]
    assert code(scan(app, tag_code=tag.code)) == (404, "TAG_NOT_FOUND")
    assert scan(app, **tag.body()).status_code == 200


def test_another_key_counts_anew_and_the_same_one_does_not(app: Flask, chief: Desk, tag: DynamicTag):
    """An admin who saves a form twice lets no reading of before in again."""
    first = tag.body(device_id=DEVICE)
    assert scan(app, **first).status_code == 200
    change(chief, sun_key=tag.key.lower())
    assert code(scan(app, **first | {"device_id": OTHER_DEVICE})) == (409, "TAG_REPLAYED")
    change(chief, sun_key=OTHER_KEY)
    assert code(scan(app, **tag.body())) == (404, "TAG_NOT_FOUND")
    tag.key, tag.counter = OTHER_KEY, 0
    assert scan(app, **tag.body()).status_code == 200


def test_a_rotated_code_keeps_key_and_counter(app: Flask, chief: Desk, tag: DynamicTag):
    used = tag.body(device_id=DEVICE)
    scan(app, **used)
    tag.code = chief.ask("POST", f"/admin/tags/{TAG_ID}/rotate").json["tag"]["tag_code"]
    copied = used | {"device_id": OTHER_DEVICE}
    assert code(scan(app, **copied)) == (410, "TAG_INACTIVE")
    assert code(scan(app, **copied | {"tag_code": tag.code, "device_id": "device-0003"})) == (409, "TAG_REPLAYED")
    assert scan(app, **tag.body()).status_code == 200
    assert [action for action, *_ in logged(app)] == ["scan", "inactive", "replay", "scan"]


@pytest.mark.parametrize(
    "key", ["", "0" * 31, "0" * 33, "0" * 31 + "g", "0" * 32 + "\n", "0" * 31 + "٣", 5, ["0" * 32]]
)
def test_a_key_has_thirty_two_hexadecimal_digits(chief: Desk, tag: DynamicTag, key: Any):
    answer = change(chief, sun_key=key)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["sun_key"])


@pytest.mark.parametrize("uid", ["04A1B2C3", "04A1B2C3D4E5F6A7B8C9"])
def test_a_chip_of_another_kind_has_no_key(chief: Desk, uid: str):
    """NTAG 424 DNA has a UID of seven bytes; of any other, no scan would ever be one."""
    body = {"tag_id": TAG_ID, "tag_uid": uid, "title": "옆", "floor": 1, "x": 1, "y": 2}
    answer = chief.ask("POST", "/admin/tags", json=body | {"sun_key": OTHER_KEY})
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["sun_key"])
    assert TAG_ID not in chief.ask("GET", "/admin/tags").text
    assert chief.ask("POST", "/admin/tags", json=body | {"sun_key": None}).status_code == 201
    assert code(change(chief, sun_key=OTHER_KEY)) == (400, "VALIDATION_FAILED")
