"""Keys of records: the same at every import, different for different records."""

from typing import Any

from services.collection.record_rows import checkup_rows, prescription_rows


def treatment(**changes: Any) -> dict[str, Any]:
    row = {
        "Idx": "1",
        "ByungEuiwonYakGukMyung": "새봄약국",
        "JinRyoGaesiIl": "2024-03-11",
        "JinRyoHyungTae": "처방조제",
    }
    return row | changes


def keys_of(*served: dict[str, Any]) -> list[str]:
    return [row.values["record_key"] for row in prescription_rows(list(served))]


def test_position_in_the_answer_is_no_part_of_the_key() -> None:
    assert keys_of(treatment(Idx="1", Page="1")) == keys_of(treatment(Idx="7", Page="3"))


def test_day_place_address_and_kind_tell_treatments_apart() -> None:
    rows = [
        treatment(),
        treatment(JinRyoGaesiIl="2024-03-12"),
        treatment(ByungEuiwonYakGukMyung="가온의원"),
        treatment(Address="마포구"),
        treatment(JinRyoHyungTae="외래"),
    ]
    assert len(set(keys_of(*rows))) == 5


def test_twins_get_the_same_keys_in_any_order() -> None:
    one, other = treatment(Idx="1", CheoBangHoiSoo="1"), treatment(Idx="2", CheoBangHoiSoo="2")
    first, second = keys_of(one, other)
    assert first != second
    assert keys_of(other, one) == [second, first]


def test_identical_twins_stay_two_records() -> None:
    assert len(set(keys_of(treatment(Idx="1"), treatment(Idx="2")))) == 2


def test_a_checkup_without_a_year_keeps_its_json() -> None:
    (row,) = checkup_rows([{"Year": "", "Location": "한빛검진의원"}])
    assert row.values["year"] is None
    assert row.values["raw_data"] == {"Year": "", "Location": "한빛검진의원"}


def test_a_key_stays_short_however_long_the_name() -> None:
    (key,) = keys_of(treatment(ByungEuiwonYakGukMyung="가" * 10_000))
    assert len(key) < 80


def test_an_impossible_count_is_left_out() -> None:
    (row,) = prescription_rows([treatment(BangMoonIpWonIlsoo="999,999,999,999,999,999,999")])
    assert row.values["visit_count"] is None
