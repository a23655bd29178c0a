"""Brings the rows of one answer into the tables, as `record_matching` decides.

A first import is one insert for all rows; a later one reads what the stored records are recognised by, not their JSON.
Statements take all rows as one parameter: one with a parameter per value is another one for each number of rows, and to
compile it costs more than to import them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    Insert,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    case,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.patients import Checkup, Patient, Prescription, RecordAnswer, RecordKind, RecordVersion
from models.table import Table as Declared
from services.collection.record_matching import (
    CHECKUP_RULES,
    TREATMENT_RULES,
    Answer,
    Changes,
    StoredRecord,
    decide_changes,
)
from services.collection.record_rows import ReadRows, Row, checkup_fingerprint, treatment_fingerprint
from services.collection.windows import Window

Model = type[Checkup | Prescription]

# A statement with a person's drug images can weigh tens of MiB: both bounds keep it, and our memory, small.
_CHUNK_ROWS = 200
_CHUNK_BYTES = 4 * 1024 * 1024
_FIXED = frozenset({"id", "patient_uuid", "record_key", "created_at", "answered_at", "withdrawn_at"})
_RECOGNISED = {
    Checkup: ("year", "checkup_date", "location"),
    Prescription: (
        "treatment_date",
        "hospital_name",
        "treatment_type",
        "address",
        "visit_count",
        "prescription_count",
        "medication_count",
    ),
}
_FLAGS = {Checkup: "has_health_data", Prescription: "has_prescription_data"}
_KINDS = {Checkup: RecordKind.CHECKUP, Prescription: RecordKind.PRESCRIPTION}
_ANSWERS = select(
    RecordAnswer.session_id, RecordAnswer.answered_at, RecordAnswer.window_first, RecordAnswer.window_last
).where(RecordAnswer.patient_uuid == bindparam("patient_uuid"), RecordAnswer.kind == bindparam("kind"))
_INSERT_ANSWER = insert(cast("Table", RecordAnswer.__table__))
_PATIENTS = cast("Table", Patient.__table__)
# Plain tables: an object of the ORM costs as much again as the statement.
_NOTE_ON_PATIENT = {
    flag: update(_PATIENTS)
    .where(_PATIENTS.c.uuid == bindparam("own"))
    .values({flag: bindparam("has_current"), "last_data_update": bindparam("now"), "updated_at": bindparam("now")})
    for flag in _FLAGS.values()
}


@dataclass(frozen=True, kw_only=True)
class AnswerOrigin:
    """Whose answer it is, and of when. No window: it says nothing of what it does not hold."""

    session_id: UUID
    hospital_id: str
    answered_at: datetime
    window: Window | None


@dataclass(frozen=True)
class ImportCounts:
    """Of `total` rows so many were new, so many changed a stored record; so many records are withdrawn since."""

    inserted: int
    updated: int
    withdrawn: int
    total: int
    skipped: int


def import_records(
    session: Session, patient: Patient, model: Model, *, read: ReadRows, origin: AnswerOrigin, now: datetime
) -> ImportCounts:
    """Idempotent. The patient's row has to be locked: imports of one patient take turns."""
    known = session.execute(_ANSWERS, {"patient_uuid": patient.uuid, "kind": _KINDS[model]}).all()
    if any(row.session_id == origin.session_id for row in known):
        return ImportCounts(0, 0, 0, len(read.rows), read.skipped)
    # Without an answer of before and without a record there is nothing to read.
    has_stored = known or getattr(patient, _FLAGS[model])
    stored, taken_keys = _read_stored(session, model, patient.uuid) if has_stored else ([], set())
    answer = Answer(origin.answered_at, origin.window if read.is_whole else None)
    changes = decide_changes(
        stored,
        [row.fingerprint for row in read.rows],
        answer=answer,
        earlier=[Answer(row.answered_at, _join_window(row.window_first, row.window_last)) for row in known],
        rules=CHECKUP_RULES if model is Checkup else TREATMENT_RULES,
    )
    own = _own_values(patient, origin, now)
    _write_changes(session, model, read.rows, changes, own=own, taken_keys=taken_keys)
    _note_answer(session, own | {"kind": _KINDS[model]}, answer.window, read)
    _note_on_patient(session, patient, model, changes=changes, now=now)
    return ImportCounts(len(changes.inserted), len(changes.replaced), changes.withdrawn, len(read.rows), read.skipped)


def _join_window(first: date | None, last: date | None) -> Window | None:
    return Window(first, last) if first and last else None


def _own_values(patient: Patient, origin: AnswerOrigin, now: datetime) -> dict[str, Any]:
    return {
        "patient_uuid": patient.uuid,
        "session_id": origin.session_id,
        "hospital_id": origin.hospital_id,
        "answered_at": origin.answered_at,
        # Of the answer, not of the import: a file that failed and is retried days later is no newer for that.
        "updated_at": origin.answered_at,
        "created_at": now,
    }


def _read_stored(session: Session, model: Model, patient_uuid: UUID) -> tuple[list[StoredRecord], set[str]]:
    """What the patient's records are recognised by, and their keys."""
    rows = session.execute(_stored_of(model), {"patient_uuid": patient_uuid}).mappings().all()
    recognise = checkup_fingerprint if model is Checkup else treatment_fingerprint
    records = [
        StoredRecord(row["id"], recognise(dict(row)), row["answered_at"], row["updated_at"], row["withdrawn_at"])
        for row in rows
    ]
    return records, {row["record_key"] for row in rows}


@cache
def _stored_of(model: Model) -> Select[Any]:
    names = ("id", "record_key", "details_key", "content_hash", "answered_at", "updated_at", "withdrawn_at")
    table = _table(model)
    chosen = [table.c[name] for name in (*names, *_RECOGNISED[model])]
    return select(*chosen).where(table.c.patient_uuid == bindparam("patient_uuid")).order_by(table.c.id)


def _write_changes(
    session: Session, model: Model, rows: Sequence[Row], changes: Changes, *, own: dict[str, Any], taken_keys: set[str]
) -> None:
    new = []
    for place, withdrawn_at in changes.inserted.items():
        key = _free_key(rows[place].values["record_key"], taken_keys)
        new.append(
            _Written(
                own | rows[place].values | {"record_key": key, "withdrawn_at": withdrawn_at}, rows[place].size_bytes
            )
        )
    _execute(session, new, _insert_of(model))
    _execute(session, _with_ids(own, rows, changes.replaced), _keep_replaced_of(model), _replace_of(model))
    _execute(session, _with_ids(own, rows, changes.outdated), _keep_outdated_of(model))
    if changes.moved:
        session.execute(_move_of(model), {"records": orjson.dumps(changes.moved).decode()})


@dataclass(frozen=True)
class _Written:
    """A row on its way into a statement."""

    values: dict[str, Any]
    size_bytes: int


def _with_ids(own: dict[str, Any], rows: Sequence[Row], places: Mapping[int, int]) -> list[_Written]:
    return [_Written({**own, **rows[place].values, "id": id_}, rows[place].size_bytes) for place, id_ in places.items()]


def _free_key(key: str, taken: set[str]) -> str:
    """A record keeps its key when its content changes: another one that is like its first content gets the next
    ordinal."""
    name, _, ordinal = key.rpartition(":")
    number = int(ordinal)
    while f"{name}:{number}" in taken:
        number += 1
    taken.add(f"{name}:{number}")
    return f"{name}:{number}"


def _execute(session: Session, rows: Iterable[_Written], *statements: Insert | Update) -> None:
    for chunk in _chunks(rows):
        # Decimals as text: a number would be rounded on its way.
        records = orjson.dumps([row.values for row in chunk], default=str).decode()
        for statement in statements:
            session.execute(statement, {"records": records})


def _chunks(rows: Iterable[_Written]) -> Iterator[list[_Written]]:
    chunk: list[_Written] = []
    size = 0
    for row in rows:
        if chunk and (len(chunk) == _CHUNK_ROWS or size + row.size_bytes > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += row.size_bytes
    if chunk:
        yield chunk


def _table(model: type[Declared]) -> Table:
    return cast("Table", model.__table__)


def _served(model: Model, *, with_id: bool) -> Any:
    """The rows of the parameter, as a table to select from."""
    columns = [column(own.name, own.type) for own in _table(model).columns if with_id or not own.primary_key]
    records = func.jsonb_to_recordset(sql_cast(bindparam("records", type_=Text), JSONB))
    return records.table_valued(*columns).render_derived(name="served", with_types=True)


@cache
def _insert_of(model: Model) -> Insert:
    served = _served(model, with_id=False)
    names = [own.name for own in _table(model).columns if not own.primary_key]
    return insert(_table(model)).from_select(names, select(*(served.c[name] for name in names)))


@cache
def _replace_of(model: Model) -> Update:
    table, served = _table(model), _served(model, with_id=True)
    values = {own.name: served.c[own.name] for own in table.columns if own.name not in _FIXED}
    return update(table).where(table.c.id == served.c.id).values(values)


@cache
def _keep_replaced_of(model: Model) -> Insert:
    """Before a record is replaced."""
    table, served = _table(model), _served(model, with_id=True)
    return _keep(model, table, served, kept=table, other=served)


@cache
def _keep_outdated_of(model: Model) -> Insert:
    """Of an answer that comes after a newer one."""
    table, served = _table(model), _served(model, with_id=True)
    return _keep(model, table, served, kept=served, other=table)


def _keep(model: Model, table: Table, served: Any, *, kept: Any, other: Any) -> Insert:
    parts: list[Any] = ["raw_data", kept.c.raw_data]
    if model is Prescription:
        same = kept.c.pictures == other.c.pictures
        pictures = case((same, sql_cast("{}", JSONB)), else_=kept.c.pictures)
        parts += ["details", kept.c.details, "pictures", pictures]
    version = {
        "patient_uuid": table.c.patient_uuid,
        "kind": literal(str(_KINDS[model])),
        "record_id": table.c.id,
        "session_id": kept.c.session_id,
        "answered_at": kept.c.updated_at,
        "content": func.jsonb_build_object(*parts),
    }
    chosen = select(*version.values()).where(table.c.id == served.c.id)
    return insert(_table(RecordVersion)).from_select(list(version), chosen)


@cache
def _move_of(model: Model) -> Update:
    table = _table(model)
    columns = [column(name, table.c[name].type) for name in ("id", "answered_at", "withdrawn_at")]
    records = func.jsonb_to_recordset(sql_cast(bindparam("records", type_=Text), JSONB))
    moved = records.table_valued(*columns).render_derived(name="moved", with_types=True)
    values = {name: moved.c[name] for name in ("answered_at", "withdrawn_at")}
    return update(table).where(table.c.id == moved.c.id).values(values)


def _note_answer(session: Session, own: dict[str, Any], window: Window | None, read: ReadRows) -> None:
    of_answer = {name: own[name] for name in ("patient_uuid", "kind", "session_id", "answered_at", "created_at")}
    seen = {"records": len(read.rows), "skipped": read.skipped}
    days = {"window_first": window.first if window else None, "window_last": window.last if window else None}
    session.execute(_INSERT_ANSWER, of_answer | seen | days)


def _note_on_patient(session: Session, patient: Patient, model: Model, *, changes: Changes, now: datetime) -> None:
    flag = _FLAGS[model]
    if changes.alters_lists or getattr(patient, flag) != changes.has_current:
        session.execute(_NOTE_ON_PATIENT[flag], {"own": patient.uuid, "has_current": changes.has_current, "now": now})
