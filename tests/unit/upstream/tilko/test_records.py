"""Records are read as the provider writes them: with words, gaps and odd rows."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.tilko import records, values
from upstream.tilko.measurements import Measurements, read_inspections

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def make_checkup(*items, **more):
    illnesses = [{"Name": "검사", "Items": [{"Name": name, "Value": value} for name, value in items]}]
    row = {"Year": "2023년", "CheckUpDate": "09/28", "Inspections": [{"Gubun": "검사", "Illnesses": illnesses}]}
    return {**row, **more}


def read_one(*items, **more):
    (record,) = records.checkups({"ResultList": [make_checkup(*items, **more)]})
    return record


USUAL = [
    ("신장", "171.3", "height_cm", 171.3),
    ("체중", "69.2", "weight_kg", 69.2),
    ("허리둘레", "82", "waist_cm", 82.0),
    ("체질량지수", "23.6", "bmi", 23.6),
    ("요단백", "음성", "urine_protein", "음성"),
    ("혈색소", "15.1", "hemoglobin_g_dl", 15.1),
    ("공복혈당", "94", "fasting_glucose_mg_dl", 94.0),
    ("총콜레스테롤", "187", "total_cholesterol_mg_dl", 187.0),
    ("HDL콜레스테롤", "55", "hdl_mg_dl", 55.0),
    ("HDL-콜레스테롤", "55", "hdl_mg_dl", 55.0),
    ("LDL 콜레스테롤", "111", "ldl_mg_dl", 111.0),
    ("중성지방", "1,104 mg/dL", "triglycerides_mg_dl", 1104.0),
    ("혈청크레아티닌", "0.9", "creatinine_mg_dl", 0.9),
    ("신사구체여과율", "98 mL/min/1.73m2", "gfr", 98.0),
    ("AST(SGOT)", "22", "ast_u_l", 22.0),
    ("ALT（SGPT）", "19", "alt_u_l", 19.0),
    ("감마지티피(γ-GTP)", "24", "gamma_gtp_u_l", 24.0),
    ("폐결핵 흉부질환", "정상", "tuberculosis", "정상"),
    ("골다공증", "골감소증", "bone_density", "골감소증"),
    ("수축기 혈압", "118", "systolic_mmhg", 118.0),
    ("시력(좌)", "1.0", "vision_left", "1.0"),
    ("에이에스티(AST, SGOT)", "22", "ast_u_l", 22.0),
    ("에이에스티(AST)", "22", "ast_u_l", 22.0),
    ("에이엘티(ALT, SGPT)", "19", "alt_u_l", 19.0),
    ("간기능(ALT)", "19", "alt_u_l", 19.0),
    ("감마지티피(y-GPT)", "24", "gamma_gtp_u_l", 24.0),
    ("γ GTP", "24", "gamma_gtp_u_l", 24.0),
    ("콜레스테롤[HDL]", "55", "hdl_mg_dl", 55.0),
    ("혈압(최고)", "118", "systolic_mmhg", 118.0),
    ("혈압(이완기)", "76", "diastolic_mmhg", 76.0),
    ("청각(우)", "정상", "hearing_right", "정상"),
    ("좌측 시력", "1.0", "vision_left", "1.0"),
]


@pytest.mark.parametrize(("name", "value", "field", "expected"), USUAL)
def test_each_usual_item_finds_its_field(name, value, field, expected):
    assert getattr(read_one((name, value)).measurements, field) == expected


def test_pairs_fill_two_fields():
    found = read_one(("혈압(최고/최저)", "118/76"), ("시력(좌/우)", "1.0/0.8"), ("청력(좌/우)", "정상")).measurements
    assert (found.systolic_mmhg, found.diastolic_mmhg) == (118.0, 76.0)
    assert (found.vision_left, found.vision_right) == ("1.0", "0.8")
    assert (found.hearing_left, found.hearing_right) == ("정상", "정상")


@pytest.mark.parametrize(
    "value", ["", None, "비해당", "0", "0.0", "-5", "118/76", "60 이상", "<0.1", "9" * 400, True, [], {}]
)
def test_what_is_no_measurement_is_absent(value):
    assert read_one(("공복혈당", value)).measurements.fasting_glucose_mg_dl is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120/80㎜Hg", (120.0, 80.0)),
        ("120／80", (120.0, 80.0)),
        ("１２０/８０", (120.0, 80.0)),
        ("120 / 80 mmHg (정상)", (120.0, 80.0)),
        ("최고 120/최저 80", (120.0, 80.0)),
        ("/80", (None, 80.0)),
        ("120", (120.0, None)),
        ("해당없음", (None, None)),
    ],
)
def test_a_pressure_is_read_in_any_width(value, expected):
    found = read_one(("혈압(최고/최저)", value)).measurements
    assert (found.systolic_mmhg, found.diastolic_mmhg) == expected


@pytest.mark.parametrize("name", ["시력(좌/우)", "청각(좌/우)", "청력"])
def test_both_sides_have_a_place(name):
    found = read_one((name, "좌 1.0／우 해당없음")).measurements
    side = "vision" if "시력" in name else "hearing"
    assert (getattr(found, f"{side}_left"), getattr(found, f"{side}_right")) == ("1.0", None)


@pytest.mark.parametrize("words", ["해당없음", "검사안함", "비해당", "검사 안함(본인 거부)", "-"])
def test_words_for_no_examination_are_absent(words):
    names = ("요단백", "골다공증", "폐결핵 흉부질환", "시력(좌/우)")
    found = read_one(*((name, words) for name in names)).measurements
    assert found == Measurements()


@pytest.mark.parametrize("name", ["당화혈색소(HbA1c)", "혈당(식후)", "신장질환", "AST/ALT", "", "신장" * 5000])
def test_a_name_that_nobody_knows_has_no_place(name):
    assert read_one((name, "7")).measurements == Measurements()


def test_every_item_is_kept_as_it_was_served():
    served = {
        "Name": "당화혈색소(HbA1c)",
        "Value": "5.6(정상)",
        "Unit": "%",
        "ItemReferences": [{"Name": "정상", "Value": "5.7미만"}, None],
    }
    words = {"Name": "요단백", "Value": "정상(양성)"}
    inspections = [{"Illnesses": [{"Items": [served, None, words, {"Name": "신장", "Value": "해당없음"}]}]}]
    found, items = read_inspections(inspections)
    assert [(item.name, item.value, item.number, item.unit, item.references) for item in items] == [
        ("당화혈색소(HbA1c)", "5.6(정상)", 5.6, "%", (("정상", "5.7미만"),)),
        ("요단백", "정상(양성)", None, "", ()),
        ("신장", "해당없음", None, "", ()),
    ]
    assert (found.urine_protein, found.height_cm) == ("정상(양성)", None)


def test_first_readable_value_counts():
    assert read_one(("체중", ""), ("체중", "69.2"), ("체중", "70")).measurements.weight_kg == 69.2


@pytest.mark.parametrize(
    ("year", "day", "expected"),
    [
        ("2023년", "09/28", date(2023, 9, 28)),
        ("2023", "9/8", date(2023, 9, 8)),
        (2023, "0928", date(2023, 9, 28)),
        ("2023", "2023-09-28", date(2023, 9, 28)),
        ("2024", "02/29", date(2024, 2, 29)),
        ("2023", "02/29", None),
        ("2023", "13/01", None),
        ("2023", "", None),
        ("2023", None, None),
    ],
)
def test_checkup_date_is_a_real_date_or_none(year, day, expected):
    record = read_one(Year=year, CheckUpDate=day)
    assert (int(record.year), record.checkup_date) == (int(str(year)[:4]), expected)


def test_year_of_a_whole_date_stands_in():
    assert read_one(Year="", CheckUpDate="2022.03.04").year == 2022


def test_bad_rows_do_not_stop_the_others():
    rows = [None, 7, [], {}, {"Year": "언젠가"}, {"Year": "2021", "Inspections": {"Illnesses": 3}}, make_checkup()]
    assert [record.year for record in records.checkups({"ResultList": rows})] == [2021, 2023]


def test_what_postgresql_cannot_store_is_in_no_text():
    record = read_one(("요단백", "음\x00성"), Location="한빛\x00의원")
    assert (record.location, record.items[0].value) == ("한빛의원", "음성")


def test_treatment_is_read():
    row = {
        "Idx": "1",
        "Page": "2",
        "ByungEuiwonYakGukMyung": "새봄약국",
        "Address": "마포구 가온로",
        "JinRyoGaesiIl": "2024-03-11",
        "JinRyoHyungTae": "처방조제",
        "BangMoonIpWonIlsoo": "1",
        "CheoBangHoiSoo": "",
        "TuYakYoYangHoiSoo": "1,005",
        "RetrieveTreatmentInjectionInformationPersonDetailList": [{"DrugCode": "600000001"}, None],
    }
    (record,) = records.treatments({"ResultList": [row]})
    assert (record.idx, record.page, record.hospital_name, record.address) == ("1", "2", "새봄약국", "마포구 가온로")
    assert (record.treatment_date, record.treatment_type) == (date(2024, 3, 11), "처방조제")
    assert (record.visit_count, record.prescription_count, record.medication_count) == (1, None, 1005)
    assert (record.details, record.raw) == ([{"DrugCode": "600000001"}], row)


@pytest.mark.parametrize("raw", [{}, {"ResultList": None}, {"ResultList": "x"}, {"ResultList": [None, 3]}])
def test_nothing_to_read_is_no_error(raw):
    assert (records.checkups(raw), records.treatments(raw)) == ([], [])


def test_reprs_show_nothing():
    record = read_one(("신장", "171.3"), Location="한빛검진의원")
    (treatment,) = records.treatments({"ResultList": [{"ByungEuiwonYakGukMyung": "새봄약국"}]})
    shown = repr((record, record.measurements, treatment))
    assert not any(word in shown for word in ("171", "한빛", "새봄"))


@given(row=st.dictionaries(st.sampled_from(["Year", "CheckUpDate", "Location", "Inspections", "Idx"]), JSON_VALUES))
def test_no_row_whatever_raises(row):
    raw = {"ResultList": [row]}
    assert len(records.checkups(raw)) <= 1
    assert len(records.treatments(raw)) == 1


@given(
    number=st.decimals(min_value="0.1", max_value="99999", places=1), unit=st.sampled_from(["", " mg/dL", "cm", "%"])
)
def test_numbers_come_back_with_or_without_separators(number, unit):
    assert values.read_number(f"{number:,}{unit}") == values.read_number(f"{number}{unit}") == float(number)


@given(day=st.dates(date(1950, 1, 1), date(2100, 12, 31)))
def test_every_date_of_the_calendar_is_read(day):
    for text in (day.isoformat(), f"{day:%Y%m%d}", f"{day:%Y.%m.%d}"):
        assert values.read_date(text) == day
    assert values.read_day_of(day.year, f"{day:%m/%d}") == day
