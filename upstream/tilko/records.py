"""Turns a kept answer into typed records for the import; a row that cannot be read never stops the others."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from upstream.tilko.measurements import InspectionItem, Measurements, only_objects, read_inspections
from upstream.tilko.values import read_date, read_day_of, read_text, read_whole, read_year

DETAILS = "RetrieveTreatmentInjectionInformationPersonDetailList"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckupRecord:
    """`checkup_date` is None when the provider's date does not exist in the calendar; the year is kept."""

    year: int
    checkup_date: date | None
    location: str
    code: str
    description: str
    measurements: Measurements
    items: list[InspectionItem]
    raw: dict[str, Any]

    def __repr__(self) -> str:
        return "CheckupRecord(...)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TreatmentRecord:
    """A visit or a dispensing; counts are None where the provider leaves them empty. `details` are those of the row."""

    idx: str
    page: str
    hospital_name: str
    address: str
    treatment_date: date | None
    treatment_type: str
    visit_count: int | None
    prescription_count: int | None
    medication_count: int | None
    details: list[dict[str, Any]]
    raw: dict[str, Any]

    def __repr__(self) -> str:
        return "TreatmentRecord(...)"


def checkups(raw: dict[str, Any]) -> list[CheckupRecord]:
    """In the provider's order. Rows without any year are left out: compare with the answer's count."""
    records = (_read_checkup(row) for row in only_objects(raw.get("ResultList")))
    return [record for record in records if record is not None]


def treatments(raw: dict[str, Any]) -> list[TreatmentRecord]:
    """In the provider's order."""
    return [_read_treatment(row) for row in only_objects(raw.get("ResultList"))]


def _read_checkup(row: dict[str, Any]) -> CheckupRecord | None:
    whole = read_date(row.get("CheckUpDate"))
    year = read_year(row.get("Year")) or (whole.year if whole else None)
    if year is None:
        return None
    measurements, items = read_inspections(row.get("Inspections"))
    return CheckupRecord(
        year=year,
        checkup_date=read_day_of(year, row.get("CheckUpDate")),
        location=read_text(row.get("Location")),
        code=read_text(row.get("Code")),
        description=read_text(row.get("Description")),
        measurements=measurements,
        items=items,
        raw=row,
    )


def _read_treatment(row: dict[str, Any]) -> TreatmentRecord:
    return TreatmentRecord(
        idx=read_text(row.get("Idx")),
        page=read_text(row.get("Page")),
        hospital_name=read_text(row.get("ByungEuiwonYakGukMyung")),
        address=read_text(row.get("Address")),
        treatment_date=read_date(row.get("JinRyoGaesiIl")),
        treatment_type=read_text(row.get("JinRyoHyungTae")),
        visit_count=read_whole(row.get("BangMoonIpWonIlsoo")),
        prescription_count=read_whole(row.get("CheoBangHoiSoo")),
        medication_count=read_whole(row.get("TuYakYoYangHoiSoo")),
        details=only_objects(row.get(DETAILS)),
        raw=row,
    )
