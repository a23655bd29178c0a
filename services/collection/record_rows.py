"""Turns the rows of a kept answer into rows of our tables, with what they are recognised by in another answer.

Pictures of drugs are by far the most of an answer. They are kept once, apart from the details that they belong to, so
that nobody who wants to know what was prescribed has to read them.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

from core.logs import get_logger
from services.collection.record_matching import Fingerprint
from services.patients.pictures import detach_pictures
from services.patients.stored_json import escape, needs_escape
from upstream.tilko import records as tilko
from upstream.tilko.measurements import InspectionItem, Measurements, fields_of
from upstream.tilko.values import read_text, squeeze

log = get_logger(__name__)

# The table's columns are named alike.
_MEASURED = tuple(field.name for field in fields(Measurements))
# Where a row stood in one answer, which says nothing about what it is.
_POSITION = frozenset({"Idx", "Page"})
_JSON_COLUMNS = frozenset({"raw_data", "items", "details", "pictures"})
# A name of the provider's that we do not know, in a log: long enough to be recognised.
_LONGEST_NAME, _MOST_NAMES = 40, 20


@dataclass(frozen=True)
class Row:
    """Values for one row of a table, without who it belongs to. `size_bytes` is that of its JSON."""

    values: dict[str, Any]
    fingerprint: Fingerprint
    size_bytes: int


@dataclass(frozen=True)
class ReadRows:
    """`skipped` counts entries that are no row, or none that can be kept."""

    rows: list[Row]
    skipped: int

    @property
    def is_whole(self) -> bool:
        """What is not here is not in the answer either. One that was skipped may be the record that seems to be gone,
        null too: it stands in a package for a row that no package can hold."""
        return not self.skipped


def checkup_rows(served: Iterable[Any]) -> ReadRows:
    """One per served row, also for one whose year cannot be read: then only its JSON is known."""
    read = _read_rows(served, _checkup_values, checkup_fingerprint)
    names = {item["name"] for row in read.rows for item in row.values["items"]}
    unknown = sorted(name[:_LONGEST_NAME] for name in names if name and not fields_of(name))
    if unknown:
        log.info("checkup_items_unknown", names=unknown[:_MOST_NAMES], count=len(unknown))
    return read


def prescription_rows(served: Iterable[Any]) -> ReadRows:
    return _read_rows(served, _treatment_values, treatment_fingerprint)


def checkup_fingerprint(values: Mapping[str, Any]) -> Fingerprint:
    """Of a row that is to be stored, or of the columns of one that is."""
    return Fingerprint(
        day=str(values["checkup_date"] or values["year"] or ""),
        name=squeeze(values["location"]),
        details=values["details_key"],
        kind="",
        address="",
        counts="",
        content=values["content_hash"],
    )


def treatment_fingerprint(values: Mapping[str, Any]) -> Fingerprint:
    """As `checkup_fingerprint`."""
    return Fingerprint(
        day=str(values["treatment_date"] or ""),
        name=squeeze(values["hospital_name"]),
        details=values["details_key"],
        kind=squeeze(values["treatment_type"]),
        address=squeeze(values["address"]),
        counts=f"{values['visit_count']}/{values['prescription_count']}/{values['medication_count']}",
        content=values["content_hash"],
    )


_Values = Callable[[dict[str, Any]], dict[str, Any]]
_Recognise = Callable[[Mapping[str, Any]], Fingerprint]


def _read_rows(served: Iterable[Any], read_values: _Values, fingerprint_of: _Recognise) -> ReadRows:
    rows: list[Row] = []
    skipped = 0
    for entry in served:
        row = _try_build(entry, read_values, fingerprint_of) if isinstance(entry, dict) else None
        if row is not None:
            rows.append(row)
        else:
            skipped += 1
    _number_keys(rows)
    return ReadRows(rows, skipped)


def _try_build(served: dict[str, Any], read_values: _Values, fingerprint_of: _Recognise) -> Row | None:
    """None for a row that cannot be kept: no JSON holds it (half a surrogate pair, an integer of 30 digits)."""
    try:
        content = orjson.dumps(
            {name: value for name, value in served.items() if name not in _POSITION}, option=orjson.OPT_SORT_KEYS
        )
        position = orjson.dumps([served.get(name) for name in _POSITION])
    except orjson.JSONEncodeError:
        return None
    values = read_values(served)
    if needs_escape(content) or needs_escape(position):
        values |= {name: escape(values[name]) for name in _JSON_COLUMNS & values.keys()}
    values["content_hash"] = _digest(content)
    fingerprint = fingerprint_of(values)
    # The day in the clear, for people who look into the table.
    values["record_key"] = (
        f"{fingerprint.day or 'undated'}:{_digest(f'{fingerprint.name}|{fingerprint.details}'.encode())}"
    )
    return Row(values, fingerprint, len(content))


def _number_keys(rows: list[Row]) -> None:
    """Rows that have one key get ordinals, in the order of their content and not of their appearance."""
    ordinals: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.fingerprint):
        key = row.values["record_key"]
        ordinals[key] = ordinals.get(key, 0) + 1
        row.values["record_key"] = f"{key}:{ordinals[key]}"


def _checkup_values(served: dict[str, Any]) -> dict[str, Any]:
    record = next(iter(tilko.checkups({"ResultList": [served]})), None)
    if record is None:
        texts = dict.fromkeys(("location", "code", "description", "details_key"), "")
        return dict.fromkeys(("year", "checkup_date", *_MEASURED)) | texts | {"items": [], "raw_data": served}
    return {name: getattr(record.measurements, name) for name in _MEASURED} | {
        "year": record.year,
        "checkup_date": record.checkup_date,
        "location": record.location,
        "code": record.code,
        "description": record.description,
        "items": [_item_values(item) for item in record.items],
        "details_key": _digest_all(_measured(item) for item in record.items if item.value),
        "raw_data": served,
    }


def _item_values(item: InspectionItem) -> dict[str, Any]:
    return {
        "name": item.name,
        "value": item.value,
        "number": item.number,
        "unit": item.unit,
        "references": [{"name": name, "value": value} for name, value in item.references],
    }


def _measured(item: InspectionItem) -> str:
    """Names and values vary in their spelling between answers."""
    name = "+".join(fields_of(item.name)) or squeeze(item.name)
    return f"{name}={squeeze(item.value) if item.number is None else item.number}"


def _treatment_values(served: dict[str, Any]) -> dict[str, Any]:
    record = tilko.treatments({"ResultList": [served]})[0]
    own, details, pictures = detach_pictures(served)
    return {
        "hospital_name": record.hospital_name,
        "address": record.address,
        "treatment_date": record.treatment_date,
        "treatment_type": record.treatment_type,
        "visit_count": _storable(record.visit_count),
        "medication_count": _storable(record.medication_count),
        "prescription_count": _storable(record.prescription_count),
        "details": details,
        "details_key": _digest_all(map(_drug, details)),
        "pictures": pictures,
        "raw_data": own,
    }


def _drug(detail: dict[str, Any]) -> str:
    """What was given; the rest of a detail is filled in later."""
    return squeeze(read_text(detail.get("ChoBangYakPumMyung")) or read_text(detail.get("DrugCode")))


def _digest_all(texts: Iterable[str]) -> str:
    """Of what says something, in any order; empty when nothing does."""
    known = sorted(filter(None, texts))
    return _digest("|".join(known).encode()) if known else ""


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _storable(count: int | None) -> int | None:
    """None for what no person can have had and no column can hold; the text stays in raw_data."""
    return count if count is not None and count < 1 << 31 else None
