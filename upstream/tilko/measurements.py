"""Finds the common measurements among a checkup's inspections."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from upstream.tilko.values import read_number, read_number_pair, read_text, read_text_pair


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Measurements:
    """None where the checkup does not have it, or has it in words that are no measurement."""

    height_cm: float | None = None
    weight_kg: float | None = None
    waist_cm: float | None = None
    bmi: float | None = None
    systolic_mmhg: float | None = None
    diastolic_mmhg: float | None = None
    fasting_glucose_mg_dl: float | None = None
    total_cholesterol_mg_dl: float | None = None
    hdl_mg_dl: float | None = None
    ldl_mg_dl: float | None = None
    triglycerides_mg_dl: float | None = None
    hemoglobin_g_dl: float | None = None
    creatinine_mg_dl: float | None = None
    gfr: float | None = None
    ast_u_l: float | None = None
    alt_u_l: float | None = None
    gamma_gtp_u_l: float | None = None
    urine_protein: str | None = None
    tuberculosis: str | None = None
    bone_density: str | None = None
    vision_left: str | None = None
    vision_right: str | None = None
    hearing_left: str | None = None
    hearing_right: str | None = None

    def __repr__(self) -> str:
        return "Measurements(...)"


# Names as `_plain_name` leaves them: without spaces, signs and what stands in brackets.
_NUMBERS = {
    "신장": "height_cm",
    "키": "height_cm",
    "체중": "weight_kg",
    "몸무게": "weight_kg",
    "허리둘레": "waist_cm",
    "체질량지수": "bmi",
    "bmi": "bmi",
    "공복혈당": "fasting_glucose_mg_dl",
    "식전혈당": "fasting_glucose_mg_dl",
    "총콜레스테롤": "total_cholesterol_mg_dl",
    "hdl콜레스테롤": "hdl_mg_dl",
    "고밀도콜레스테롤": "hdl_mg_dl",
    "ldl콜레스테롤": "ldl_mg_dl",
    "저밀도콜레스테롤": "ldl_mg_dl",
    "중성지방": "triglycerides_mg_dl",
    "트리글리세라이드": "triglycerides_mg_dl",
    "혈색소": "hemoglobin_g_dl",
    "혈청크레아티닌": "creatinine_mg_dl",
    "크레아티닌": "creatinine_mg_dl",
    "신사구체여과율": "gfr",
    "사구체여과율": "gfr",
    "egfr": "gfr",
    "gfr": "gfr",
    "ast": "ast_u_l",
    "sgot": "ast_u_l",
    "alt": "alt_u_l",
    "sgpt": "alt_u_l",
    "감마지티피": "gamma_gtp_u_l",
    "γgtp": "gamma_gtp_u_l",
    "ggt": "gamma_gtp_u_l",
    "수축기혈압": "systolic_mmhg",
    "최고혈압": "systolic_mmhg",
    "이완기혈압": "diastolic_mmhg",
    "최저혈압": "diastolic_mmhg",
}
_TEXTS = {
    "요단백": "urine_protein",
    "폐결핵흉부질환": "tuberculosis",
    "폐결핵": "tuberculosis",
    "흉부질환": "tuberculosis",
    "골다공증": "bone_density",
    "골밀도": "bone_density",
}
_SIDES = {"시력": ("vision_left", "vision_right"), "청력": ("hearing_left", "hearing_right")}

_BRACKETS = re.compile(r"\([^()]*\)")
_SIGNS = re.compile(r"[\W_]+")


def read_measurements(inspections: object) -> Measurements:
    """The first readable value of a name counts, in the provider's order."""
    found: dict[str, Any] = {}
    for name, value in _walk_items(inspections):
        for field, reading in _read_item(name, value):
            if reading is not None:
                found.setdefault(field, reading)
    return Measurements(**found)


def _walk_items(inspections: object) -> Iterator[tuple[str, object]]:
    for inspection in only_objects(inspections):
        for illness in only_objects(inspection.get("Illnesses")):
            for item in only_objects(illness.get("Items")):
                yield read_text(item.get("Name")), item.get("Value")


def only_objects(value: object) -> list[dict[str, Any]]:
    """The objects of what should be an array of objects."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _read_item(name: str, value: object) -> list[tuple[str, float | str | None]]:
    plain = _plain_name(name)
    if plain == "혈압":
        return list(zip(("systolic_mmhg", "diastolic_mmhg"), read_number_pair(value), strict=True))
    if plain in _SIDES:
        return _read_sides(name, _SIDES[plain], value)
    if plain in _TEXTS:
        return [(_TEXTS[plain], read_text(value) or None)]
    return [(_NUMBERS[plain], read_number(value))] if plain in _NUMBERS else []


def _read_sides(name: str, fields: tuple[str, str], value: object) -> list[tuple[str, float | str | None]]:
    """`시력(좌/우)` holds both sides, `시력(좌)` one."""
    left, right = "좌" in name, "우" in name
    if left != right:
        return [(fields[0] if left else fields[1], read_text(value) or None)]
    return list(zip(fields, read_text_pair(value), strict=True))


def _plain_name(name: str) -> str:
    bare = unicodedata.normalize("NFKC", name)
    return _SIGNS.sub("", _BRACKETS.sub("", bare)).casefold()
