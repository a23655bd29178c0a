"""Checkups and treatments: deterministic, plausible, in the provider's shape."""

import re
from dataclasses import replace
from datetime import date

import pytest

from dev.sandbox.checkups import build_checkups
from dev.sandbox.people import SEED_PEOPLE, Person
from dev.sandbox.prescriptions import build_treatments
from dev.sandbox.records import Question

TODAY = date(2026, 11, 21)
ALWAYS = (date(2000, 1, 1), TODAY)
WOMAN = Person("나라온", "19600505", "01000009001", "F", checkups=10, prescriptions=50, image_bytes=300)


def measured(row):
    items = (item for part in row["Inspections"] for illness in part["Illnesses"] for item in illness["Items"])
    return {item["Name"]: item["Value"] for item in items}


def test_the_same_person_and_seed_have_the_same_records():
    assert build_checkups(WOMAN, 1, TODAY) == build_checkups(WOMAN, 1, TODAY)
    assert build_treatments(WOMAN, 1, TODAY, *ALWAYS) == build_treatments(WOMAN, 1, TODAY, *ALWAYS)


def test_another_seed_gives_other_values():
    assert build_checkups(WOMAN, 1, TODAY) != build_checkups(WOMAN, 2, TODAY)


@pytest.mark.parametrize("person", [person for person in SEED_PEOPLE if person.checkups])
def test_values_are_plausible(person):
    for row in build_checkups(person, 7, TODAY):
        values = measured(row)
        high, low = map(int, values["혈압(최고/최저)"].split("/"))
        assert 85 <= low + 30 <= high <= 190
        assert 140 <= float(values["신장"]) <= 200
        assert 15 <= float(values["체질량지수"]) <= 38
        assert values["공복혈당"] == "" or 70 <= int(values["공복혈당"]) <= 160
        assert values["LDL콜레스테롤"] == "" or 60 <= int(values["LDL콜레스테롤"]) <= 220


def test_height_stays_and_bmi_fits_height_and_weight():
    rows = [measured(row) for row in build_checkups(WOMAN, 1, TODAY)]
    assert len({row["신장"] for row in rows}) == 1
    for row in rows:
        assert abs(float(row["체중"]) / (float(row["신장"]) / 100) ** 2 - float(row["체질량지수"])) < 0.2


def test_years_come_with_and_without_the_suffix():
    many = Person("나라온", "19600505", "01000009001", "F", checkups=40)
    years = [row["Year"] for row in build_checkups(many, 1, TODAY)]
    assert any(year.endswith("년") for year in years)
    assert any(re.fullmatch(r"\d{4}", year) for year in years)


def test_the_newest_record_can_lack_the_blood_sugar():
    person = Person("윤슬기", "19880808", "01000000007", "F", newest_lacks_sugar=True)
    sugars = [measured(row)["공복혈당"] for row in build_checkups(person, 7, TODAY)]
    assert sugars[0] == ""
    assert all(sugars[1:])


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 6, 30), date(2028, 2, 29)])
def test_no_checkup_lies_in_the_future(today):
    row = build_checkups(WOMAN, 1, today)[0]
    month, day = map(int, row["CheckUpDate"].split("/"))
    assert date(int(row["Year"].removesuffix("년")), month, day) < today


def test_a_place_and_a_day_name_one_treatment():
    crowded = Person("나라온", "19600505", "01000009001", "F", prescriptions=3000)
    rows = build_treatments(crowded, 1, TODAY, *ALWAYS)
    assert len({(row["ByungEuiwonYakGukMyung"], row["JinRyoGaesiIl"]) for row in rows}) == len(rows) == 3000


def test_treatments_are_newest_first_and_numbered():
    rows = build_treatments(WOMAN, 1, TODAY, *ALWAYS)
    days = [row["JinRyoGaesiIl"] for row in rows]
    assert days == sorted(days, reverse=True)
    assert [row["Idx"] for row in rows] == [str(n) for n in range(1, 51)]
    assert (rows[9]["Page"], rows[10]["Page"]) == ("1", "2")


def test_a_narrower_window_serves_the_same_treatments():
    every = build_treatments(WOMAN, 1, TODAY, *ALWAYS)
    day = date.fromisoformat(every[5]["JinRyoGaesiIl"])
    part = build_treatments(WOMAN, 1, TODAY, date(2000, 1, 1), day)
    without_numbers = [{k: v for k, v in row.items() if k not in ("Idx", "Page")} for row in every]
    expected = [row for row in without_numbers if row["JinRyoGaesiIl"] <= day.isoformat()]
    assert [{k: v for k, v in row.items() if k not in ("Idx", "Page")} for row in part] == expected


def test_some_visits_have_no_medication_and_empty_counts():
    visits = [r for r in build_treatments(WOMAN, 1, TODAY, *ALWAYS) if r["JinRyoHyungTae"] == "일반외래"]
    assert visits
    assert {row["TuYakYoYangHoiSoo"] for row in visits} == {""}
    assert "" in {row["CheoBangHoiSoo"] for row in visits}


def test_another_spelling_tells_the_same_with_a_null_row_more():
    other = replace(WOMAN, spelling="other")
    for window in (None, ALWAYS):
        usual, respelled = (Question(person, 1, TODAY, window).build() for person in (WOMAN, other))
        assert usual is not None
        assert respelled is not None
        assert (len(respelled), respelled[-1]) == (len(usual) + 1, None)
        assert not any(row in usual for row in respelled)
    names = measured(Question(other, 1, TODAY, None).build()[0])
    assert names["청각(좌/우)"]
    assert re.fullmatch(r"[0-9]+／[0-9]+㎜Hg", names["혈압(최고/최저)"])
