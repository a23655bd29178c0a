"""Finds the common measurements among a checkup's inspections, and lists all of its items as they were served."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from upstream.tilko.values import (
    fold,
    read_finding,
    read_finding_pair,
    read_number,
    read_number_pair,
    read_side,
    read_text,
    squeeze,
)


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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InspectionItem:
    """One item as it was served. `number` is None for words and for pairs; `references` are the served ones, in order:
    name and value of each."""

    name: str
    value: str
    number: float | None
    unit: str
    references: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "InspectionItem(...)"


# Names as `squeeze` leaves them.
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
    "hdl": "hdl_mg_dl",
    "hdl콜레스테롤": "hdl_mg_dl",
    "고밀도콜레스테롤": "hdl_mg_dl",
    "ldl": "ldl_mg_dl",
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
    "에이에스티": "ast_u_l",
    "ast": "ast_u_l",
    "sgot": "ast_u_l",
    "got": "ast_u_l",
    "에이엘티": "alt_u_l",
    "alt": "alt_u_l",
    "sgpt": "alt_u_l",
    "gpt": "alt_u_l",
    "감마지티피": "gamma_gtp_u_l",
    "γgtp": "gamma_gtp_u_l",
    "γgpt": "gamma_gtp_u_l",
    "ygtp": "gamma_gtp_u_l",
    "ygpt": "gamma_gtp_u_l",
    "rgtp": "gamma_gtp_u_l",
    "gtp": "gamma_gtp_u_l",
    "ggtp": "gamma_gtp_u_l",
    "ggt": "gamma_gtp_u_l",
    "수축기혈압": "systolic_mmhg",
    "최고혈압": "systolic_mmhg",
    "이완기혈압": "diastolic_mmhg",
    "최저혈압": "diastolic_mmhg",
}
_TEXTS = {
    "요단백": "urine_protein",
    "단백뇨": "urine_protein",
    "폐결핵흉부질환": "tuberculosis",
    "폐결핵": "tuberculosis",
    "흉부질환": "tuberculosis",
    "골다공증": "bone_density",
    "골밀도": "bone_density",
    "골밀도검사": "bone_density",
}
_PRESSURE = ("systolic_mmhg", "diastolic_mmhg")
_SIDES = {
    "시력": ("vision_left", "vision_right"),
    "청력": ("hearing_left", "hearing_right"),
    "청각": ("hearing_left", "hearing_right"),
}
_ONE_FINDING = frozenset(_TEXTS.values())
_FINDINGS = _ONE_FINDING.union(*_SIDES.values())

_LONGEST_NAME = 100
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_SEPARATORS = re.compile(r"[,/·;、 ]+")
_SIDED = re.compile(r"(좌|우|왼쪽|오른쪽)?측?(시력|청력|청각)(좌|우|왼쪽|오른쪽)?측?")
_LEFT, _RIGHT = frozenset({"좌", "좌측", "왼쪽"}), frozenset({"우", "우측", "오른쪽"})
_HIGH, _LOW = frozenset({"최고", "수축기"}), frozenset({"최저", "이완기"})


def read_inspections(inspections: object) -> tuple[Measurements, list[InspectionItem]]:
    """In the provider's order; of two items for one place the first readable value counts."""
    found: dict[str, Any] = {}
    items = []
    for served in _walk_items(inspections):
        item = _read_item(served)
        items.append(item)
        fields = fields_of(item.name)
        for field, reading in zip(fields, _read_fields(fields, item), strict=True):
            if reading is not None:
                found.setdefault(field, reading)
    return Measurements(**found), items


def only_objects(value: object) -> list[dict[str, Any]]:
    """The objects of what should be an array of objects."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


@lru_cache(maxsize=512)
def fields_of(name: str) -> tuple[str, ...]:
    """The places of an item: two for a pair, none for a name that nobody knows.

    Centres write `AST(SGOT)`, `에이에스티(AST, SGOT)`, `간기능(AST)`: what stands before the brackets decides, and what
    stands in them where that says nothing.
    """
    if len(name) > _LONGEST_NAME:
        return ()
    folded = fold(name)
    before = squeeze(_BRACKETS.sub("", folded))
    inside = [text for text in _BRACKETS.findall(folded) if text]
    tokens = {squeeze(part) for text in inside for part in _SEPARATORS.split(text)} - {""}
    if before == "혈압":
        return _choose(_PRESSURE, is_first=bool(tokens & _HIGH), is_second=bool(tokens & _LOW))
    if sided := _SIDED.fullmatch(before):
        tokens |= {sided[1], sided[3]} - {None}
        return _choose(_SIDES[sided[2]], is_first=bool(tokens & _LEFT), is_second=bool(tokens & _RIGHT))
    for token in (before, *map(squeeze, inside), *sorted(tokens)):
        if field := _NUMBERS.get(token) or _TEXTS.get(token):
            return (field,)
    return ()


def _choose(pair: tuple[str, str], *, is_first: bool, is_second: bool) -> tuple[str, ...]:
    if is_first == is_second:
        return pair
    return pair[:1] if is_first else pair[1:]


def _walk_items(inspections: object) -> Iterator[dict[str, Any]]:
    for inspection in only_objects(inspections):
        for illness in only_objects(inspection.get("Illnesses")):
            yield from only_objects(illness.get("Items"))


def _read_item(served: dict[str, Any]) -> InspectionItem:
    value = read_text(served.get("Value"))
    references = only_objects(served.get("ItemReferences"))
    return InspectionItem(
        name=read_text(served.get("Name")),
        value=value,
        number=read_number(value),
        unit=read_text(served.get("Unit")),
        references=tuple((read_text(one.get("Name")), read_text(one.get("Value"))) for one in references),
    )


def _read_fields(fields: tuple[str, ...], item: InspectionItem) -> tuple[float | str | None, ...]:
    if len(fields) == 2:
        return read_number_pair(item.value) if fields == _PRESSURE else read_finding_pair(item.value)
    if not fields or fields[0] not in _FINDINGS:
        return (item.number,) * len(fields)
    return (read_finding(item.value) if fields[0] in _ONE_FINDING else read_side(item.value),)
