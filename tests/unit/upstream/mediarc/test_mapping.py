"""What is sent to MediArc says nothing that the checkup does not say."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from upstream.mediarc.errors import ReportInputsMissing
from upstream.mediarc.mapping import (
    CheckupValues,
    Lifestyle,
    Subject,
    build_report_request,
    choose_checkup,
    missing_inputs,
)

SUBJECT = Subject(name="김하늘", birth_date=date(1984, 5, 17), sex="M")
LEAST = CheckupValues(
    year=2023,
    checkup_date=date(2023, 9, 28),
    height_cm=171.3,
    weight_kg=69.2,
    systolic_mmhg=118.0,
    diastolic_mmhg=76.0,
    fasting_glucose_mg_dl=94.0,
)
FULL = replace(
    LEAST,
    waist_cm=82.0,
    bmi=23.7,
    total_cholesterol_mg_dl=187.0,
    hdl_mg_dl=55.0,
    ldl_mg_dl=111.0,
    triglycerides_mg_dl=104.0,
    hemoglobin_g_dl=Decimal("15.1"),
    creatinine_mg_dl=0.9,
    gfr=98.0,
    ast_u_l=22.0,
    alt_u_l=19.0,
    gamma_gtp_u_l=24.0,
    urine_protein="음성",
    tuberculosis="정상",
)


def map_checkup(checkup):
    return build_report_request(SUBJECT, checkup, tid="TM_WELNO_3f9c1a2b")["twobecon_data"]["checkup"]


def test_full_checkup_maps_to_the_protocols_example():
    assert map_checkup(FULL) == {
        "date": "2023-09-28",
        "height": 171.3,
        "weight": 69.2,
        "waist": 82,
        "bmi": 23.7,
        "sbp": 118,
        "dbp": 76,
        "fbs": 94,
        "scr": 0.9,
        "ast": 22,
        "alt": 19,
        "gpt": 24,
        "tc": 187,
        "hdl": 55,
        "tg": 104,
        "ldl": 111,
        "gfr": 98,
        "hgb": 15.1,
        "up": "음성",
        "tb": "정상",
    }


def test_absent_values_are_left_out_and_bmi_is_computed():
    assert map_checkup(LEAST) == {
        "date": "2023-09-28",
        "height": 171.3,
        "weight": 69.2,
        "bmi": 23.6,
        "sbp": 118,
        "dbp": 76,
        "fbs": 94,
    }


def test_what_was_not_examined_is_left_out():
    mapped = map_checkup(replace(LEAST, checkup_date=None, waist_cm=0.0, urine_protein="비해당", tuberculosis=" "))
    assert not {"date", "waist", "up", "tb"} & mapped.keys()


@pytest.mark.parametrize(
    "words",
    [
        *("해당없음", "해당 없음", "검사안함", "검사 안함(본인 거부)", "미실시", "-", "해당없음/해당없음"),
        *("수검 거부", "미검", "비대상(만 54세)", "실시하지 않음", "측정불가/측정불가", "검사불가(임신)"),
    ],
)
def test_words_for_no_examination_are_no_finding(words):
    mapped = map_checkup(replace(LEAST, urine_protein=words, tuberculosis=words))
    assert not {"up", "tb"} & mapped.keys()


@pytest.mark.parametrize("words", ["음성", "±", "(-)", "1+", "정상(양성)", "없음", "미검출", "불검출"])
def test_findings_are_sent_as_they_are(words):
    assert map_checkup(replace(LEAST, urine_protein=words))["up"] == words


def test_request_names_the_person_and_the_transaction():
    request = build_report_request(SUBJECT, FULL, tid="TM_WELNO_3f9c1a2b")
    data = request["twobecon_data"]
    assert (request["user_name"], request["return_type"]) == ("김하늘", "both")
    assert (data["tid"], data["birth"], data["gender"]) == ("TM_WELNO_3f9c1a2b", "1984-05-17", 1)
    assert not {"drink", "smoke", "family", "disease", "cancer"} & data.keys()


def test_woman_is_zero_and_known_lifestyle_is_sent():
    lifestyle = Lifestyle(drink="DRK0001", smoke="SMK0003", family=("FH0001",), disease=())
    woman = replace(SUBJECT, sex="F")
    data = build_report_request(woman, FULL, tid="t", lifestyle=lifestyle)["twobecon_data"]
    assert (data["gender"], data["drink"], data["smoke"]) == (0, "DRK0001", "SMK0003")
    assert (data["family"], data["disease"]) == (["FH0001"], [])
    assert "cancer" not in data


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("height_cm", "height"),
        ("weight_kg", "weight"),
        ("systolic_mmhg", "blood_pressure"),
        ("diastolic_mmhg", "blood_pressure"),
        ("fasting_glucose_mg_dl", "fasting_glucose"),
    ],
)
def test_missing_value_is_named_and_nothing_is_built(field, name):
    checkup = replace(FULL, **{field: None})
    with pytest.raises(ReportInputsMissing) as caught:
        build_report_request(SUBJECT, checkup, tid="t")
    assert (caught.value.missing, caught.value.retryable) == ([name], False)


def test_everything_missing_is_listed():
    nobody = Subject(name="김하늘", birth_date=None, sex=None)
    expected = ["birth_date", "sex", "height", "weight", "blood_pressure", "fasting_glucose"]
    assert missing_inputs(nobody, None) == expected


def test_newest_checkup_with_the_values_is_chosen():
    older, gap = replace(FULL, year=2019, checkup_date=None), replace(FULL, checkup_date=date(2025, 3, 1), gfr=None)
    lacking = replace(FULL, year=2026, checkup_date=date(2026, 3, 1), fasting_glucose_mg_dl=None)
    assert choose_checkup([older, lacking, gap, FULL]) is gap


def test_without_a_usable_checkup_the_newest_tells_what_lacks():
    newest = replace(FULL, year=2026, checkup_date=None, height_cm=None)
    assert choose_checkup([replace(newest, year=2020), newest]) is newest
    assert choose_checkup([]) is None


def test_reprs_show_nothing():
    shown = repr((SUBJECT, FULL, Lifestyle(drink="DRK0001")))
    assert not any(word in shown for word in ("김하늘", "1984", "171", "DRK"))
