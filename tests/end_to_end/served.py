"""What the rows of a provider's answer must become in our tables: written from the protocol, not from our code."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"\d+(\.\d+)?")
_MEASURED = {
    "신장": "height_cm",
    "체중": "weight_kg",
    "허리둘레": "waist_cm",
    "체질량지수": "bmi",
    "공복혈당": "fasting_glucose_mg_dl",
    "총콜레스테롤": "total_cholesterol_mg_dl",
    "HDL콜레스테롤": "hdl_mg_dl",
    "LDL콜레스테롤": "ldl_mg_dl",
    "중성지방": "triglycerides_mg_dl",
    "혈색소": "hemoglobin_g_dl",
    "혈청크레아티닌": "creatinine_mg_dl",
    "신사구체여과율": "gfr",
    "AST(SGOT)": "ast_u_l",
    "ALT(SGPT)": "alt_u_l",
    "감마지티피(γ-GTP)": "gamma_gtp_u_l",
}
_WORDS = {"요단백": "urine_protein", "폐결핵 흉부질환": "tuberculosis", "골다공증": "bone_density"}
_PAIRS = {"시력(좌/우)": ("vision_left", "vision_right"), "청력(좌/우)": ("hearing_left", "hearing_right")}
_DETAILS = "RetrieveTreatmentInjectionInformationPersonDetailList"


def checkup_columns(row: dict[str, Any]) -> dict[str, Any]:
    items = [
        item for inspection in row["Inspections"] for illness in inspection["Illnesses"] for item in illness["Items"]
    ]
    values = {item["Name"]: item["Value"] for item in items}
    year = int(row["Year"].removesuffix("년"))
    month, day = row["CheckUpDate"].split("/")
    systolic, diastolic = values["혈압(최고/최저)"].split("/")
    return {
        "year": year,
        "checkup_date": date(year, int(month), int(day)),
        "location": row["Location"],
        "code": row["Code"],
        "description": row["Description"],
        "systolic_mmhg": _number(systolic),
        "diastolic_mmhg": _number(diastolic),
        **{column: _number(values[name]) for name, column in _MEASURED.items()},
        **{column: _finding(values[name]) for name, column in _WORDS.items()},
        **{
            column: _finding(value)
            for name, columns in _PAIRS.items()
            for column, value in zip(columns, values[name].split("/"), strict=True)
        },
        "items": [_item(item) for item in items],
        "raw_data": row,
    }


def treatment_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "hospital_name": row["ByungEuiwonYakGukMyung"],
        "address": row["Address"],
        "treatment_date": date.fromisoformat(row["JinRyoGaesiIl"]),
        "treatment_type": row["JinRyoHyungTae"],
        "visit_count": _count(row["BangMoonIpWonIlsoo"]),
        "prescription_count": _count(row["CheoBangHoiSoo"]),
        "medication_count": _count(row["TuYakYoYangHoiSoo"]),
        "details": [_without_picture(detail) for detail in row[_DETAILS]],
        "pictures": {
            str(place): detail["RetrieveMdsupDtlInfo"]["DrugImage"]
            for place, detail in enumerate(row[_DETAILS])
            if detail["RetrieveMdsupDtlInfo"]["DrugImage"]
        },
        "raw_data": {name: value for name, value in row.items() if name != _DETAILS or not value},
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    number = _number(item["Value"])
    return {
        "name": item["Name"],
        "value": item["Value"],
        "number": float(number) if number else None,
        "unit": item["Unit"],
        "references": [{"name": one["Name"], "value": one["Value"]} for one in item["ItemReferences"]],
    }


def _without_picture(detail: dict[str, Any]) -> dict[str, Any]:
    drug = detail["RetrieveMdsupDtlInfo"]
    if not drug["DrugImage"]:
        return detail
    return detail | {"RetrieveMdsupDtlInfo": {name: value for name, value in drug.items() if name != "DrugImage"}}


def _finding(text: str) -> str | None:
    """Not examined is no finding."""
    return None if text in {"", "비해당"} else text


def _number(text: str) -> Decimal | None:
    """An absent value is absent, never 0."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _count(text: str) -> int | None:
    return int(text) if text else None
