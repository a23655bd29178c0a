"""Packages of a session's records: built from what was collected, and imported into the tables.

Errors: FilesError
├── UnusablePackage            its content is not what the provider or we write: to be parked, never imported
├── PatientErased              what is late of an erased patient: to be deleted
└── PatientMissing (retryable) the patient's own file has to be imported first
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.patients import Checkup, Patient, Prescription
from services.collection.campaigns import find_own_order
from services.collection.record_import import AnswerOrigin, import_records
from services.collection.record_rows import ReadRows, checkup_rows, prescription_rows
from services.collection.windows import Window
from services.patients.consents import attach_consents, was_withdrawn
from services.patients.identification import identify_patient, resolve_hospital
from services.patients.identity import Identity
from services.patients.tombstones import is_buried, is_buried_for_import
from spool import DataType, KeptAnswer, Metadata, Package, is_writable
from upstream.tilko.answers import is_refusal, read_answer, rows_of
from upstream.tilko.errors import AnswerUnreadable

log = get_logger(__name__)


class FilesError(Exception):
    """`reason` is a short code that holds no content."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnusablePackage(FilesError):
    """No later try can import it."""


class PatientErased(FilesError):
    """They have asked to be forgotten, and nothing brings them back."""

    def __init__(self) -> None:
        super().__init__("patient_erased")


class PatientMissing(FilesError):
    """The patient's file comes first."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("patient_missing")


@dataclass(frozen=True, repr=False)
class CollectedAnswer:
    """The bytes as they came, when they came, and the days that were asked for."""

    raw: KeptAnswer
    answered_at: datetime
    window: Window

    def __repr__(self) -> str:
        return f"CollectedAnswer(answered_at={self.answered_at:%FT%T%z}, ...)"


@dataclass(frozen=True, repr=False)
class CollectedData:
    """What a run has at its end. None where that part could not be had."""

    session_id: UUID
    patient_uuid: UUID
    hospital_id: str
    identity: Identity
    health: CollectedAnswer | None
    prescription: CollectedAnswer | None

    def __repr__(self) -> str:
        return f"CollectedData({self.session_id})"


@dataclass(frozen=True)
class ImportResult:
    """What one file did: of `total` records so many were new, so many changed; the others were there already. So many
    that are stored were not in it; so many of its rows could not be kept."""

    data_type: DataType
    inserted: int
    updated: int
    total: int
    withdrawn: int = 0
    skipped: int = 0


def packages_of(collected: CollectedData, now: datetime) -> list[Package]:
    """In the order of import, the patient's first. Raises UnusablePackage when an answer cannot be read."""
    packages = [Package(_metadata(collected, DataType.PATIENT, now), collected.identity.to_dict())]
    for data_type, answer in ((DataType.HEALTH, collected.health), (DataType.PRESCRIPTION, collected.prescription)):
        if answer is not None:
            packages.append(Package(_metadata(collected, data_type, now, answer), _parse_answer(answer.raw)))
    return packages


def keep_writable(package: Package) -> Package:
    """Of an answer, what a package can hold: a row or field that it cannot (one that nests too deep) is null, which
    counts as one bad row, and keeps the answer from withdrawing anything."""
    answer, rows = package.raw_data, _served_rows(package)
    writable = {
        name: value if is_writable({name: value}) else None for name, value in answer.items() if name != "ResultList"
    }
    listed = [row if is_writable({"ResultList": [row]}) else None for row in rows]
    return replace(package, raw_data=writable | {"ResultList": listed})


def import_package(session: Session, package: Package, now: datetime) -> ImportResult:
    """Bring one package into the tables. Import it again and nothing changes, not even a time.

    Raises UnusablePackage, PatientErased, PatientMissing.
    """
    match package.metadata.data_type:
        case DataType.PATIENT:
            return _import_patient(session, package, now)
        case DataType.HEALTH:
            return _import_records(session, package, Checkup, read=checkup_rows(_served_rows(package)), now=now)
        case DataType.PRESCRIPTION:
            return _import_records(
                session, package, Prescription, read=prescription_rows(_served_rows(package)), now=now
            )


def refuse_withdrawn(session: Session, package: Package) -> None:
    """Raises UnusablePackage when the person has withdrawn what the collection needed."""
    session_id, _ = _read_ids(package)
    if was_withdrawn(session, session_id):
        raise UnusablePackage("consent_withdrawn")


def _metadata(
    collected: CollectedData, data_type: DataType, now: datetime, answer: CollectedAnswer | None = None
) -> Metadata:
    return Metadata(
        str(collected.session_id),
        data_type,
        str(collected.patient_uuid),
        collected.hospital_id,
        now,
        answered_at=answer.answered_at if answer else None,
        window_first=answer.window.first if answer else None,
        window_last=answer.window.last if answer else None,
    )


def _parse_answer(kept: KeptAnswer) -> dict[str, Any]:
    try:
        return read_answer(kept.about.get("headers", {}), kept.body)
    except AnswerUnreadable as exc:
        raise UnusablePackage(f"answer_{exc.reason}") from exc


def _served_rows(package: Package) -> list[Any]:
    answer = package.raw_data
    if not isinstance(answer, dict) or "ResultList" not in answer:
        raise UnusablePackage("no_result_list")
    if is_refusal(answer):  # an empty list would withdraw all that is stored
        raise UnusablePackage("answer_refused")
    rows, _ = rows_of(answer)
    if rows is None:
        raise UnusablePackage("result_list_unreadable")
    # Rows that are no records are counted where the others are read.
    return answer["ResultList"] if isinstance(answer["ResultList"], list) else rows


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
    if is_buried_for_import(session, patient_uuid):
        raise PatientErased
    inserted = session.get(Patient, patient_uuid) is None
    if inserted and identify_patient(session, identity, patient_uuid, now).uuid != patient_uuid:
        # This person has another row by now. Which of the two is right is for people to decide.
        raise UnusablePackage("patient_has_another_uuid")
    order = find_own_order(session, identity)
    attach_consents(session, patient_uuid=patient_uuid, session_id=session_id, oid=order, now=now)
    return ImportResult(DataType.PATIENT, int(inserted), 0, 1)


def _read_identity(package: Package) -> Identity:
    try:
        return Identity.from_dict(package.raw_data)
    except (KeyError, TypeError, ValueError):
        # Not chained: the error may quote the person's values.
        raise UnusablePackage("identity_unreadable") from None


def _import_records(
    session: Session, package: Package, model: type[Checkup | Prescription], *, read: ReadRows, now: datetime
) -> ImportResult:
    session_id, patient_uuid = _read_ids(package)
    # The lock makes imports of one patient take turns: each decides from what the ones before it have written.
    query = select(Patient).where(Patient.uuid == patient_uuid).with_for_update(key_share=True)
    patient = session.scalar(query.execution_options(populate_existing=True))
    if patient is None or patient.erasing_since is not None:
        raise PatientErased if is_buried(session, patient_uuid) else PatientMissing
    metadata = package.metadata
    origin = AnswerOrigin(
        session_id=session_id,
        hospital_id=resolve_hospital(session, metadata.hospital_id),
        # A package of before the upgrade does not know it: it was saved a little later.
        answered_at=metadata.answered_at or metadata.created_at,
        window=Window(metadata.window_first, metadata.window_last)
        if metadata.window_first and metadata.window_last
        else None,
    )
    counts = import_records(session, patient, model, read=read, origin=origin, now=now)
    if counts.skipped:
        log.warning("records_skipped", session_id=metadata.session_id, kind=metadata.data_type, count=counts.skipped)
    return ImportResult(
        metadata.data_type, counts.inserted, counts.updated, counts.total, counts.withdrawn, counts.skipped
    )
