"""Two answers made of one: respelled, reordered, with rows gone and rows added. Whichever is imported first, however
often, the tables are the same: every record of the newer answer once, as it says, and nothing withdrawn shown as there.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.patients import Checkup, Patient, Prescription, RecordVersion
from services.collection.files import import_package
from services.collection.windows import Window
from services.patients.pictures import DETAILS, as_served
from spool import Package

from .conftest import NOW, MakePackages, checkup, treatment

LATER = NOW + timedelta(days=40)
Row = dict[str, Any]
Change = Callable[[Row], Row]
# What says which answer a row came with, and where it stood there, is no part of what it says.
_PROVENANCE = {"id", "session_id", "hospital_id", "record_key", "created_at", "updated_at", "content_hash"}
_POSITION = {"Idx", "Page"}


@dataclass(frozen=True)
class Pair:
    """Two answers: `kept` of the first are in the second, changed or not; `keeps_all`: every one of them."""

    older: list[Row]
    newer: list[Row]
    older_window: Window
    newer_window: Window
    keeps_all: bool


def spread_blanks(text: str) -> str:
    return f"  {'  '.join(text)} "


def decompose(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def widen(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


RESPELLINGS = (spread_blanks, decompose, widen)


def change_texts(*names: str) -> list[Change]:
    return [lambda row, respell=respell: row | {name: respell(row[name]) for name in names} for respell in RESPELLINGS]


def change_details(change: Change) -> Change:
    return lambda row: row | {DETAILS: [change(detail) for detail in row[DETAILS]]}


def change_items(change: Change) -> Change:
    def changed(row: Row) -> Row:
        copy = deepcopy(row)
        for inspection in copy["Inspections"]:
            for illness in inspection["Illnesses"]:
                illness["Items"] = [change(item) for item in illness["Items"]]
        return copy

    return changed


TREATMENT_CHANGES: list[Change] = [
    lambda row: row,
    *change_texts("Address", "ByungEuiwonYakGukMyung", "JinRyoHyungTae"),
    lambda row: row | {"Address": row["Address"] or "마포구 가온로"},
    lambda row: row | {"JinRyoHyungTae": "외래조제"},
    lambda row: row | {"ByungEuiwonYakGukMyung": f"{row['ByungEuiwonYakGukMyung']} 2호점"},
    lambda row: row | {"TuYakYoYangHoiSoo": "5"},
    change_details(lambda detail: detail | {"ChoBangYakPumMyung": spread_blanks(detail["ChoBangYakPumMyung"])}),
    change_details(lambda detail: detail | {"TuyakIlSoo": "5", "RetrieveMdsupDtlInfo": {"DrugImage": "QUJD"}}),
]
CHECKUP_CHANGES: list[Change] = [
    lambda row: row,
    *change_texts("Location"),
    lambda row: row | {"Location": f"새 {row['Location']}"},
    lambda row: row | {"Year": row["Year"].removesuffix("년"), "Description": "혈압 관리가 필요합니다."},
    change_items(lambda item: item | {"Value": widen(item["Value"])}),
    change_items(lambda item: item | {"Name": f"{item['Name']}(검사)"}),
    change_items(lambda item: item | {"Unit": "단위", "ItemReferences": [{"Name": "정상", "Value": "100미만"}]}),
]

_days = st.sampled_from(["2025-10-03", "2025-12-24", "2026-03-11"])
_drugs = st.sampled_from(["가나정500mg", "다라캡슐250mg", "마바정10mg"])
treatments = st.builds(
    lambda day, place, address, drugs: treatment(
        day, place, Address=address, **{DETAILS: [{"ChoBangYakPumMyung": drug, "TuyakIlSoo": ""} for drug in drugs]}
    ),
    _days,
    st.sampled_from(["새봄약국", "누리약국", "한빛내과의원"]),
    st.sampled_from(["마포구 가온로", "성북구 한빛길", ""]),
    st.lists(_drugs, min_size=1, max_size=2, unique=True),
)
checkups = st.builds(
    lambda year, day, place, sugar: checkup(year, day, place, 신장="171.3", 공복혈당=sugar),
    st.sampled_from(["2021년", "2023년", "2025년"]),
    st.sampled_from(["03/02", "09/28"]),
    st.sampled_from(["한빛검진의원", "새봄내과의원"]),
    st.sampled_from(["94", "101"]),
)
_windows = st.builds(Window, st.sampled_from([date(2021, 1, 1), date(2025, 11, 1)]), st.just(date(2026, 9, 21)))


@st.composite
def answers(draw: st.DrawFn, rows: st.SearchStrategy[Row], changes: list[Change]) -> Pair:
    older = draw(st.lists(rows, max_size=5))
    keeps_all = draw(st.booleans())
    dropped = set() if keeps_all else draw(st.sets(st.integers(0, 4), max_size=2)) & set(range(len(older)))
    kept = [draw(st.sampled_from(changes))(row) for place, row in enumerate(older) if place not in dropped]
    added = [] if keeps_all else draw(st.lists(rows, max_size=2))
    newer = [row | {"Idx": str(place)} for place, row in enumerate(draw(st.permutations(kept + added)))]
    return Pair(older, newer, draw(_windows), draw(_windows), keeps_all)


@contextmanager
def thrown_away(session: Session) -> Iterator[None]:
    """Each example begins with empty tables."""
    outer = session.begin_nested()
    try:
        yield
    finally:
        outer.rollback()


def import_all(session: Session, packages: list[Package]) -> UUID:
    for package in packages:
        import_package(session, package, LATER)
    return UUID(packages[0].metadata.patient_uuid)


def everything(session: Session, model: type[Checkup | Prescription]) -> tuple[Counter[bytes], Counter[bytes], Any]:
    """Records and versions, whatever their order and their ids, and what the patient shows."""
    records = Counter(_canonical(dict(row)) for row in session.execute(select(model.__table__)).mappings())
    versions = Counter(
        _canonical({"content": version.content, "answered_at": version.answered_at})
        for version in session.scalars(select(RecordVersion))
    )
    patient = session.scalars(select(Patient).execution_options(populate_existing=True)).one()
    return records, versions, (patient.has_health_data, patient.has_prescription_data)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(_without_provenance(value), option=orjson.OPT_SORT_KEYS, default=str)


def _without_provenance(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in row.items() if name not in _PROVENANCE}
    for holder in (known, known.get("content", {})):
        if "raw_data" in holder:
            holder["raw_data"] = {name: part for name, part in holder["raw_data"].items() if name not in _POSITION}
    return known


def current(session: Session, model: type[Checkup | Prescription]) -> Counter[bytes]:
    rows = session.scalars(select(model).where(model.withdrawn_at.is_(None)))
    return Counter(
        _served(as_served(row.raw_data, row.details, row.pictures) if isinstance(row, Prescription) else row.raw_data)
        for row in rows
    )


def _served(row: Row) -> bytes:
    return orjson.dumps({name: row[name] for name in row.keys() - _POSITION}, option=orjson.OPT_SORT_KEYS)


def check(
    session: Session, model: type[Checkup | Prescription], older: list[Package], newer: list[Package], pair: Pair
) -> None:
    seen = []
    for order in ([older, newer], [newer, older], [older, newer, older, newer], [newer, newer, older, older]):
        with thrown_away(session):
            for packages in order:
                import_all(session, packages)
            seen.append(everything(session, model))
            shown = current(session, model)
        promised = Counter(map(_served, pair.newer))
        assert promised - shown == Counter()
        if pair.keeps_all:
            assert (shown, sum(seen[-1][0].values())) == (promised, len(pair.older))
        if pair.newer_window.first <= date(2021, 1, 1):
            assert shown == promised
    assert seen[1:] == seen[:1] * 3


_PATIENCE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_PATIENCE
@given(pair=answers(treatments, TREATMENT_CHANGES))
def test_treatments_end_the_same_whichever_answer_comes_first(
    db_session: Session, make_packages: MakePackages, pair: Pair
) -> None:
    older = make_packages(prescriptions=pair.older, now=NOW, window=pair.older_window)
    newer = make_packages(prescriptions=pair.newer, now=LATER, window=pair.newer_window)
    check(db_session, Prescription, older, newer, pair)


@_PATIENCE
@given(pair=answers(checkups, CHECKUP_CHANGES))
def test_checkups_end_the_same_whichever_answer_comes_first(
    db_session: Session, make_packages: MakePackages, pair: Pair
) -> None:
    older = make_packages(health=pair.older, now=NOW, window=pair.older_window)
    newer = make_packages(health=pair.newer, now=LATER, window=pair.newer_window)
    check(db_session, Checkup, older, newer, pair)
