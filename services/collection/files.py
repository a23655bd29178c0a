"""Packages of a session's records: built from what was collected, and imported into the tables.

Errors: FilesError
├── UnusablePackage            its content is not what the provider or we write: to be parked, never imported
└── PatientMissing (retryable) the patient's own file has to be imported first
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Table, Text, bindparam, column, func, literal_column, or_, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from models.patients import Checkup, Patient, Prescription
from services.collection.record_rows import Row, checkup_rows, prescription_rows
from services.patients.consents import attach_consents, was_withdrawn
from services.patients.identification import identify_patient, resolve_hospital
from services.patients.identity import Identity
from spool import DataType, Metadata, Package

_BOM = b"\xef\xbb\xbf"
# A statement with a person's drug images can weigh tens of MiB: both bounds keep it, and our memory, small.
_CHUNK_ROWS = 200
_CHUNK_BYTES = 4 * 1024 * 1024
# A record keeps the session and hospital that brought its present content.
_NOT_CONTENT = frozenset({"id", "patient_uuid", "record_key", "session_id", "hospital_id", "created_at", "updated_at"})

# xmax is 0 only in a row version that no other one preceded.
_IS_NEW = literal_column("(xmax = 0)", Boolean)


class FilesError(Exception):
    """`reason` is a short code that holds no content."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnusablePackage(FilesError):
    """No later try can import it."""


class PatientMissing(FilesError):
    """The patient's file comes first."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("patient_missing")


@dataclass(frozen=True, repr=False)
class CollectedData:
    """What a run has at its end. The answers are the bytes as they came; None where that part could not be had."""

    session_id: UUID
    patient_uuid: UUID
    hospital_id: str
    identity: Identity
    health: bytes | None
    prescription: bytes | None

    def __repr__(self) -> str:
        return f"CollectedData({self.session_id})"


@dataclass(frozen=True)
class ImportResult:
    """What one file did: of `total` records so many were new, so many changed; the others were there already."""

    data_type: DataType
    inserted: int
    updated: int
    total: int


def packages_of(collected: CollectedData, now: datetime) -> list[Package]:
    """In the order of import, the patient's first. Raises UnusablePackage when an answer is no JSON object."""
    parts = [(DataType.PATIENT, collected.identity.to_dict())]
    for data_type, raw in ((DataType.HEALTH, collected.health), (DataType.PRESCRIPTION, collected.prescription)):
        if raw is not None:
            parts.append((data_type, _parse_answer(raw)))
    return [Package(_metadata(collected, data_type, now), raw_data) for data_type, raw_data in parts]


def import_package(session: Session, package: Package, now: datetime) -> ImportResult:
    """Bring one package into the tables. Import it again and nothing changes, not even a time.

    Raises UnusablePackage, PatientMissing.
    """
    match package.metadata.data_type:
        case DataType.PATIENT:
            return _import_patient(session, package, now)
        case DataType.HEALTH:
            rows = checkup_rows(_served_rows(package))
            return _import_records(session, package, Checkup, rows, now)
        case DataType.PRESCRIPTION:
            rows = prescription_rows(_served_rows(package))
            return _import_records(session, package, Prescription, rows, now)


def refuse_withdrawn(session: Session, package: Package) -> None:
    """Raises UnusablePackage when the person has withdrawn what the collection needed."""
    session_id, _ = _read_ids(package)
    if was_withdrawn(session, session_id):
        raise UnusablePackage("consent_withdrawn")


def _metadata(collected: CollectedData, data_type: DataType, now: datetime) -> Metadata:
    return Metadata(str(collected.session_id), data_type, str(collected.patient_uuid), collected.hospital_id, now)


def _parse_answer(raw: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(raw.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        # Not chained: the parser's error holds the whole text.
        raise UnusablePackage("answer_not_json") from None
    if not isinstance(answer, dict):
        raise UnusablePackage("answer_not_an_object")
    return answer


def _served_rows(package: Package) -> list[dict[str, Any]]:
    answer = package.raw_data
    if not isinstance(answer, dict) or "ResultList" not in answer:
        raise UnusablePackage("no_result_list")
    served = [] if answer["ResultList"] is None else answer["ResultList"]
    if not isinstance(served, list) or not all(isinstance(row, dict) for row in served):
        raise UnusablePackage("result_list_unreadable")
    return served


def _read_ids(package: Package) -> tuple[UUID, UUID]:
    """Session and patient."""
    try:
        return UUID(package.metadata.session_id), UUID(package.metadata.patient_uuid)
    except ValueError as exc:
        raise UnusablePackage("bad_ids") from exc


def _import_patient(session: Session, package: Package, now: datetime) -> ImportResult:
    """The collection wrote the row already; the file restores it where it is gone, and never turns it back in time."""
    session_id, patient_uuid = _read_ids(package)
    identity = _read_identity(package)
    inserted = session.get(Patient, patient_uuid) is None
    if inserted and identify_patient(session, identity, patient_uuid, now).uuid != patient_uuid:
        # This person has another row by now. Which of the two is right is for people to decide.
        raise UnusablePackage("patient_has_another_uuid")
    attach_consents(session, patient_uuid=patient_uuid, session_id=session_id, oid=identity.oid, now=now)
    return ImportResult(DataType.PATIENT, int(inserted), 0, 1)


def _read_identity(package: Package) -> Identity:
    try:
        return Identity.from_dict(package.raw_data)
    except (KeyError, TypeError, ValueError):
        # Not chained: the error may quote the person's values.
        raise UnusablePackage("identity_unreadable") from None


def _import_records(
    session: Session, package: Package, model: type[Checkup | Prescription], rows: Iterator[Row], now: datetime
) -> ImportResult:
    session_id, patient_uuid = _read_ids(package)
    # The lock makes imports of one patient take turns: two of them could meet in each other's rows and deadlock.
    query = select(Patient).where(Patient.uuid == patient_uuid).with_for_update(key_share=True)
    patient = session.scalar(query.execution_options(populate_existing=True))
    if patient is None:
        raise PatientMissing
    common = {
        "patient_uuid": patient_uuid,
        "session_id": session_id,
        "hospital_id": resolve_hospital(session, package.metadata.hospital_id),
        "created_at": now,
        # When it was collected, not when it was imported: a file that failed and is retried days later must not
        # replace what a newer session brought meanwhile.
        "updated_at": package.metadata.created_at,
    }
    total = inserted = changed = 0
    for chunk in _chunks(rows):
        outcome = _upsert(session, model, [common | row.values for row in chunk])
        inserted, changed, total = inserted + sum(outcome), changed + len(outcome), total + len(chunk)
    _note_on_patient(session, patient, model, has_records=total > 0, changed=changed > 0, now=now)
    return ImportResult(package.metadata.data_type, inserted, changed - inserted, total)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        if chunk and (len(chunk) == _CHUNK_ROWS or size + row.size_bytes > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += row.size_bytes
    if chunk:
        yield chunk


def _upsert(session: Session, model: type[Checkup | Prescription], rows: list[dict[str, Any]]) -> list[bool]:
    """One entry per row that was written: True if it is new. Rows with the same content are left alone."""
    records = orjson.dumps(rows, default=str).decode()  # decimals as text: a number would be rounded on its way
    return list(session.execute(_upsert_of(model), {"records": records}).scalars())


@cache
def _upsert_of(model: type[Checkup | Prescription]) -> ReturningInsert[bool]:
    """Takes all rows as one parameter: a statement with a parameter per value is another one for each number of rows,
    and to compile it costs more than to import them."""
    table = cast("Table", model.__table__)
    columns = [column(own.name, own.type) for own in table.columns if not own.primary_key]
    records = func.jsonb_to_recordset(sql_cast(bindparam("records", type_=Text), JSONB))
    served = records.table_valued(*columns)
    names = [own.name for own in columns]
    statement = insert(table).from_select(names, select(served.render_derived(name="served", with_types=True)))
    content = [name for name in names if name not in _NOT_CONTENT]
    return statement.on_conflict_do_update(
        index_elements=["patient_uuid", "record_key"],
        set_={name: statement.excluded[name] for name in (*content, "session_id", "hospital_id", "updated_at")},
        where=(table.c.updated_at <= statement.excluded.updated_at)
        & or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in content)),
    ).returning(_IS_NEW)


def _note_on_patient(
    session: Session,
    patient: Patient,
    model: type[Checkup | Prescription],
    *,
    has_records: bool,
    changed: bool,
    now: datetime,
) -> None:
    flag = "has_health_data" if model is Checkup else "has_prescription_data"
    values: dict[str, Any] = {flag: True} if has_records and not getattr(patient, flag) else {}
    if changed or values:
        values |= {"last_data_update": now, "updated_at": now}
        session.execute(update(Patient).where(Patient.uuid == patient.uuid).values(**values))
