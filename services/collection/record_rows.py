"""Turns the rows of a kept answer into rows of our tables, each with a key that is the same at every import.

The provider gives its rows no identity: `Idx` and `Page` say where a row stood in one answer. So a checkup is known by
year, day and place, a treatment by day, place, address and kind. Rows that agree in all of these are told apart by an
ordinal, given in the order of their content's hash and not of their appearance: an answer in another order makes the
same keys. When such a twin appears later (the insurer publishes late) the twins may swap ordinals; both rows are then
rewritten and the set of records is still right.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import orjson

from models.patients import Checkup
from services.patients.stored_json import to_stored
from upstream.tilko import records as tilko
from upstream.tilko.measurements import Measurements

# What the table has a column for: the names are the same on both sides.
_MEASURED = tuple(field.name for field in fields(Measurements) if field.name in Checkup.__table__.columns)
# Where a row stood in one answer, which says nothing about what it is.
_POSITION = frozenset({"Idx", "Page"})


@dataclass(frozen=True)
class Row:
    """Values for one row of a table, without who it belongs to. `size_bytes` is that of its JSON."""

    values: dict[str, Any]
    size_bytes: int


def checkup_rows(served: list[dict[str, Any]]) -> Iterator[Row]:
    """One per served row, also for one whose year cannot be read: then only its JSON is known."""
    # Row by row: the reader leaves out what it cannot read, and each record has to find back to its row.
    records = [next(iter(tilko.checkups({"ResultList": [row]})), None) for row in served]
    keys = [_checkup_key(record) for record in records]
    return _build_rows(served, keys, map(_checkup_values, records))


def prescription_rows(served: list[dict[str, Any]]) -> Iterator[Row]:
    records = tilko.treatments({"ResultList": served})
    keys = [_treatment_key(record) for record in records]
    return _build_rows(served, keys, map(_treatment_values, records))


def _build_rows(served: list[dict[str, Any]], keys: list[str], typed: Iterable[dict[str, Any]]) -> Iterator[Row]:
    ordinals = _ordinals(served, keys)
    for row, key, ordinal, values in zip(served, keys, ordinals, typed, strict=True):
        own = {"record_key": f"{key}:{ordinal}", "raw_data": to_stored(row)}
        yield Row(own | values, len(orjson.dumps(row)))


def _ordinals(served: list[dict[str, Any]], keys: list[str]) -> list[int]:
    twins: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        twins[key].append(place)
    ordinals = [1] * len(keys)
    for places in twins.values():
        if len(places) > 1:
            for ordinal, place in enumerate(sorted(places, key=lambda place: _content(served[place])), start=1):
                ordinals[place] = ordinal
    return ordinals


def _content(row: dict[str, Any]) -> bytes:
    known = {name: value for name, value in row.items() if name not in _POSITION}
    return hashlib.sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).digest()


def _key(day: date | int | None, *parts: str) -> str:
    """The day in the clear, for people who look into the table; the rest hashed, since an index entry has a limit."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return f"{day if day is not None else 'undated'}:{digest}"


def _checkup_key(record: tilko.CheckupRecord | None) -> str:
    return _key(record.checkup_date or record.year, record.location) if record else _key(None)


def _treatment_key(record: tilko.TreatmentRecord) -> str:
    return _key(record.treatment_date, record.hospital_name, record.address, record.treatment_type)


def _checkup_values(record: tilko.CheckupRecord | None) -> dict[str, Any]:
    if record is None:
        empty = dict.fromkeys(("year", "checkup_date", *_MEASURED))
        return empty | {"location": "", "code": "", "description": ""}
    measured = {name: getattr(record.measurements, name) for name in _MEASURED}
    return measured | {
        "year": record.year,
        "checkup_date": record.checkup_date,
        "location": record.location,
        "code": record.code,
        "description": record.description,
    }


def _treatment_values(record: tilko.TreatmentRecord) -> dict[str, Any]:
    return {
        "hospital_name": record.hospital_name,
        "address": record.address,
        "treatment_date": record.treatment_date,
        "treatment_type": record.treatment_type,
        "visit_count": _storable(record.visit_count),
        "medication_count": _storable(record.medication_count),
        "prescription_count": _storable(record.prescription_count),
        "details": to_stored(record.details),
    }


def _storable(count: int | None) -> int | None:
    """None for what no person can have had and no column can hold; the text stays in raw_data."""
    return count if count is not None and count < 1 << 31 else None
