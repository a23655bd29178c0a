"""Rows of an answer: what they are recognised by, and keys that are the same at every import."""

import unicodedata
from dataclasses import fields, replace
from typing import Any

import pytest

from models.patients import Checkup
from services.collection.record_rows import checkup_rows, prescription_rows
from services.patients.pictures import DETAILS, attach_pictures, detach_pictures
from upstream.tilko.measurements import Measurements


def treatment(**changes: Any) -> dict[str, Any]:
    row = {
        "Idx": "1",
        "ByungEuiwonYakGukMyung": "새봄약국",
        "JinRyoGaesiIl": "2024-03-11",
        "JinRyoHyungTae": "처방조제",
    }
    return row | changes


def keys_of(*served: dict[str, Any]) -> list[str]:
    return [row.values["record_key"] for row in prescription_rows(list(served)).rows]


def test_position_in_the_answer_is_no_part_of_the_key() -> None:
    assert keys_of(treatment(Idx="1", Page="1")) == keys_of(treatment(Idx="7", Page="3"))


def test_day_place_and_drugs_tell_treatments_apart() -> None:
    rows = [
        treatment(),
        treatment(JinRyoGaesiIl="2024-03-12"),
        treatment(ByungEuiwonYakGukMyung="가온의원"),
        treatment(**{DETAILS: [{"ChoBangYakPumMyung": "가나정500mg"}]}),
    ]
    assert len({key.rpartition(":")[0] for key in keys_of(*rows)}) == 4


@pytest.mark.parametrize(
    "respelled",
    [
        treatment(ByungEuiwonYakGukMyung=" 새 봄 약 국 "),
        treatment(ByungEuiwonYakGukMyung=unicodedata.normalize("NFD", "새봄약국")),
        treatment(ByungEuiwonYakGukMyung="새봄약국", Address="", JinRyoGaesiIl="2024.03.11"),
        treatment(JinRyoGaesiIl="２０２４－０３－１１"),
    ],
)
def test_spelling_is_no_part_of_what_a_row_is_recognised_by(respelled: dict[str, Any]) -> None:
    (one,), (other,) = (prescription_rows([row]).rows for row in (treatment(), respelled))
    assert one.fingerprint.content != other.fingerprint.content
    assert replace(one.fingerprint, content="") == replace(other.fingerprint, content="")


def test_what_is_filled_into_a_detail_leaves_what_was_given() -> None:
    sparse = {"ChoBangYakPumMyung": "가나정500mg", "TuyakIlSoo": ""}
    filled = {"ChoBangYakPumMyung": "가나정 500㎎", "TuyakIlSoo": "5", "RetrieveMdsupDtlInfo": {"DrugImage": "UElM"}}
    (one,), (other,) = (prescription_rows([treatment(**{DETAILS: [row]})]).rows for row in (sparse, filled))
    assert one.fingerprint.details == other.fingerprint.details != ""


def test_pictures_stand_apart_and_are_found_again() -> None:
    details = [{"RetrieveMdsupDtlInfo": {"DrugCode": "6", "DrugImage": image}} for image in ("", "UElM")]
    served = treatment(**{DETAILS: [*details, None]})
    own, kept, pictures = detach_pictures(served)
    assert (own[DETAILS], pictures) == ([None], {"1": "UElM"})
    assert "UElM" not in str((own, kept))
    assert attach_pictures(kept, pictures) == details


def test_a_row_that_no_json_can_hold_is_skipped() -> None:
    read = prescription_rows([treatment(), treatment(Address="\ud83c"), treatment(Idx=10**30)])
    assert (len(read.rows), read.skipped, read.is_whole) == (1, 2, False)


def test_twins_get_the_same_keys_in_any_order() -> None:
    one, other = treatment(Idx="1", CheoBangHoiSoo="1"), treatment(Idx="2", CheoBangHoiSoo="2")
    first, second = keys_of(one, other)
    assert first != second
    assert keys_of(other, one) == [second, first]


def test_identical_twins_stay_two_records() -> None:
    assert len(set(keys_of(treatment(Idx="1"), treatment(Idx="2")))) == 2


def test_a_checkup_without_a_year_keeps_its_json() -> None:
    (row,) = checkup_rows([{"Year": "", "Location": "한빛검진의원"}]).rows
    assert row.values["year"] is None
    assert row.values["raw_data"] == {"Year": "", "Location": "한빛검진의원"}


def test_a_key_stays_short_however_long_the_name() -> None:
    (key,) = keys_of(treatment(ByungEuiwonYakGukMyung="가" * 10_000))
    assert len(key) < 80


def test_an_impossible_count_is_left_out() -> None:
    (row,) = prescription_rows([treatment(BangMoonIpWonIlsoo="999,999,999,999,999,999,999")]).rows
    assert row.values["visit_count"] is None


def test_every_measurement_has_a_column() -> None:
    assert {field.name for field in fields(Measurements)} <= set(Checkup.__table__.columns.keys())
