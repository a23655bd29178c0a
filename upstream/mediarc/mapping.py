"""Maps a checkup to MediArc's input: what is absent is left out, never 0, for that would be a medical statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from upstream.absence import is_absent
from upstream.mediarc.errors import ReportInputsMissing

_GENDERS = {"M": 1, "F": 0}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckupValues:
    """One checkup; a field that is None was not measured."""

    year: int
    checkup_date: date | None = None
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

    def __repr__(self) -> str:
        return "CheckupValues(...)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subject:
    """Whose report: `sex` is M or F; None where unknown."""

    name: str
    birth_date: date | None
    sex: str | None

    def __repr__(self) -> str:
        return "Subject(...)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Lifestyle:
    """MediArc's own codes. None means not asked, and is left out; an empty tuple means asked, and nothing."""

    drink: str | None = None
    smoke: str | None = None
    family: tuple[str, ...] | None = None
    disease: tuple[str, ...] | None = None
    cancer: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return "Lifestyle(...)"


NOT_ASKED = Lifestyle()

# MediArc's name -> ours. `gpt` is γ-GTP: the API's own name.
_NUMBERS = {
    "height": "height_cm",
    "weight": "weight_kg",
    "waist": "waist_cm",
    "sbp": "systolic_mmhg",
    "dbp": "diastolic_mmhg",
    "fbs": "fasting_glucose_mg_dl",
    "scr": "creatinine_mg_dl",
    "ast": "ast_u_l",
    "alt": "alt_u_l",
    "gpt": "gamma_gtp_u_l",
    "tc": "total_cholesterol_mg_dl",
    "hdl": "hdl_mg_dl",
    "tg": "triglycerides_mg_dl",
    "ldl": "ldl_mg_dl",
    "gfr": "gfr",
    "hgb": "hemoglobin_g_dl",
}
_TEXTS = {"up": "urine_protein", "tb": "tuberculosis"}
_REQUIRED = {
    "height": ("height_cm",),
    "weight": ("weight_kg",),
    "blood_pressure": ("systolic_mmhg", "diastolic_mmhg"),
    "fasting_glucose": ("fasting_glucose_mg_dl",),
}


def choose_checkup(records: Sequence[CheckupValues]) -> CheckupValues | None:
    """The newest that has all required values; else the newest, so that `missing_inputs` can say what lacks."""
    newest_first = sorted(records, key=_age_key, reverse=True)
    complete = (record for record in newest_first if not _missing_values(record))
    return next(complete, newest_first[0] if newest_first else None)


def missing_inputs(subject: Subject, checkup: CheckupValues | None) -> list[str]:
    """Names of what MediArc cannot do without; empty when a report can be ordered."""
    missing = [] if subject.birth_date else ["birth_date"]
    if subject.sex not in _GENDERS:
        missing.append("sex")
    return missing + (_missing_values(checkup) if checkup else list(_REQUIRED))


def build_report_request(
    subject: Subject, checkup: CheckupValues | None, *, tid: str, lifestyle: Lifestyle = NOT_ASKED
) -> dict[str, Any]:
    """Without the API key, which the client adds. `tid` is the same for every retry of the same report.

    Raises ReportInputsMissing.
    """
    missing = missing_inputs(subject, checkup)
    if missing or checkup is None or subject.birth_date is None or subject.sex is None:
        raise ReportInputsMissing(missing)
    data = {
        "tid": tid,
        "birth": subject.birth_date.isoformat(),
        "gender": _GENDERS[subject.sex],
        "checkup": _map_checkup(checkup),
        **_map_lifestyle(lifestyle),
    }
    return {"user_name": subject.name, "return_type": "both", "twobecon_data": data}


def _age_key(record: CheckupValues) -> date:
    return record.checkup_date or date(record.year, 1, 1)


def _missing_values(record: CheckupValues) -> list[str]:
    return [name for name, fields in _REQUIRED.items() if not all(getattr(record, field) for field in fields)]


def _map_checkup(checkup: CheckupValues) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    if checkup.checkup_date:
        mapped["date"] = checkup.checkup_date.isoformat()
    for name, field in _NUMBERS.items():
        number = getattr(checkup, field)
        if number:
            mapped[name] = _shorten(number)
    mapped["bmi"] = _shorten(checkup.bmi or _compute_bmi(checkup))
    for name, field in _TEXTS.items():
        text = (getattr(checkup, field) or "").strip()
        if not is_absent(text):
            mapped[name] = text
    return mapped


def _compute_bmi(checkup: CheckupValues) -> float:
    """Height and weight are there: `missing_inputs` was empty."""
    assert checkup.height_cm is not None
    assert checkup.weight_kg is not None
    return round(float(checkup.weight_kg) / (float(checkup.height_cm) / 100) ** 2, 1)


def _shorten(number: float) -> float:
    """Whole numbers as such, and a database's Decimal as a float: 94, not 94.0."""
    plain = float(number)
    return int(plain) if plain.is_integer() else plain


def _map_lifestyle(lifestyle: Lifestyle) -> dict[str, Any]:
    scalars = {"drink": lifestyle.drink, "smoke": lifestyle.smoke}
    lists = {"family": lifestyle.family, "disease": lifestyle.disease, "cancer": lifestyle.cancer}
    known: dict[str, Any] = {name: code for name, code in scalars.items() if code is not None}
    return known | {name: list(codes) for name, codes in lists.items() if codes is not None}
