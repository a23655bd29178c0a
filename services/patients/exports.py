"""Exports: asking for an archive, building it, its link that opens once, and its end.

Each domain says what it exports, as an exporter. The export's row is the truth: a file without one is nobody's.
"""

import io
import secrets
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from core.names import Task
from core.tokens import hash_token
from models.patients import Export, ExportState, Patient
from services.delivery.unit_of_work import Work

LINK_HOLDS = timedelta(minutes=10)
ARCHIVE_HOLDS = timedelta(hours=24)
_RESEND_AFTER = timedelta(minutes=2)
_BATCH = 50
# A day's share; more are of no use to the person, and each costs the size of all records.
MAX_OPEN = 3

Rows = list[Mapping[str, Any]]


class TooManyExports(Exception):
    """The person has so many under way or waiting to be fetched."""

    retryable = True


@dataclass(frozen=True)
class Exporter:
    """What one domain exports of a patient: by the name of the file in the archive, the rows as they are stored, of
    these tables."""

    tables: frozenset[str]
    read: Callable[[Session, UUID], Mapping[str, Rows]]


def ask_for_export(work: Work, patient_uuid: UUID, request_id: str, now: datetime) -> UUID:
    """Raises TooManyExports."""
    is_open = Export.state.in_([ExportState.BUILDING, ExportState.READY])
    query = select(func.count()).where(Export.patient_uuid == patient_uuid, is_open)
    if work.session.execute(query).scalar_one() >= MAX_OPEN:
        raise TooManyExports
    export = Export(
        id=uuid4(),
        patient_uuid=patient_uuid,
        state=ExportState.BUILDING,
        request_id=request_id,
        requested_at=now,
        resend_at=now + _RESEND_AFTER,
        expires_at=now + ARCHIVE_HOLDS,
    )
    work.session.add(export)
    work.send(Task.BUILD_EXPORT, str(export.id), request_id)
    return export.id


def find_building(session: Session, export_id: UUID) -> UUID | None:
    """Whose archive is to be built; None for one that is built, ended, or went with its patient."""
    query = select(Export.patient_uuid).where(Export.id == export_id, Export.state == ExportState.BUILDING)
    return session.scalar(query)


def is_ready(session: Session, export_id: UUID) -> bool:
    return session.scalar(select(Export.state).where(Export.id == export_id)) == ExportState.READY


def mark_ready(session: Session, export_id: UUID) -> bool:
    """False when it is not wanted any more."""
    found = (Export.id == export_id) & (Export.state == ExportState.BUILDING)
    ready = update(Export).where(found).values(state=ExportState.READY).returning(Export.id)
    return session.scalar(ready) is not None


def read_data(session: Session, exporters: Iterable[Exporter], patient_uuid: UUID) -> dict[str, Rows]:
    """All that is exported, as of one moment if the transaction's isolation is REPEATABLE READ."""
    found: dict[str, Rows] = {}
    for exporter in exporters:
        found |= exporter.read(session, patient_uuid)
    return found


def pack(data: Mapping[str, Rows], documents: Mapping[str, bytes]) -> bytes:
    """A zip with one JSON file for each name, and the documents, which have whole names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in data.items():
            archive.writestr(f"{name}.json", orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        for name, document in documents.items():
            archive.writestr(name, document)
    return packed.getvalue()


def give_link(session: Session, patient_uuid: UUID, export_id: UUID, now: datetime) -> tuple[str, str | None] | None:
    """The state, and for a ready one the key of a new link; the one of before opens nothing any more. None for an
    export that is not this patient's."""
    query = select(Export).where(Export.id == export_id, Export.patient_uuid == patient_uuid).with_for_update()
    export = session.scalar(query)
    if export is None:
        return None
    if export.state != ExportState.READY:
        return export.state, None
    key = secrets.token_urlsafe(32)
    export.link_hash, export.link_expires_at = hash_token(key), now + LINK_HOLDS
    return export.state, key


def take_archive(session: Session, export_id: UUID, key: str, now: datetime) -> UUID | None:
    """Whose it is, for the first who comes with the newest link in time; None for everybody else, and of who is being
    erased."""
    opens = (Export.id == export_id) & (Export.link_hash == hash_token(key)) & (Export.link_expires_at > now)
    patient = select(Patient.uuid).where(Patient.uuid == Export.patient_uuid, Patient.erasing_since.is_(None))
    taken = update(Export).where(opens, Export.state == ExportState.READY, patient.exists())
    return session.scalar(taken.values(state=ExportState.FETCHED, link_hash=None).returning(Export.patient_uuid))


def withdraw_links(session: Session, patient_uuid: UUID) -> None:
    """Those that were given open nothing any more; whoever may still ask is given another."""
    given = update(Export).where(Export.patient_uuid == patient_uuid, Export.link_hash.is_not(None))
    session.execute(given.values(link_hash=None))


def build_anew(session: Session, patient_uuid: UUID) -> None:
    """What is packed already holds more than this patient is shown by now."""
    unfetched = Export.state != ExportState.FETCHED  # also one that is just being marked as ready
    packed = update(Export).where(Export.patient_uuid == patient_uuid, unfetched)
    session.execute(packed.values(state=ExportState.BUILDING, link_hash=None, resend_at=func.clock_timestamp()))


def build_lost(session: Session, export_id: UUID) -> None:
    """Its store has lost or spoilt the archive: all that it held is in the database."""
    lost = update(Export).where(Export.id == export_id, Export.state == ExportState.READY)
    session.execute(lost.values(state=ExportState.BUILDING, link_hash=None, resend_at=func.clock_timestamp()))


def built_by_nobody(now: datetime) -> Select[UUID]:
    due = (Export.state == ExportState.BUILDING) & (Export.resend_at <= now) & (Export.expires_at > now)
    return select(Export.id).where(due)


def resend_exports(work: Work, now: datetime) -> int:
    """Send those again that nobody builds."""
    chosen = built_by_nobody(now).limit(_BATCH).with_for_update(skip_locked=True).cte("chosen")
    sent = update(Export).where(Export.id.in_(select(chosen.c.id))).values(resend_at=now + _RESEND_AFTER)
    rows = work.session.execute(sent.returning(Export.id, Export.request_id)).all()
    for row in rows:
        work.send(Task.BUILD_EXPORT, str(row.id), row.request_id)
    return len(rows)


def list_over(session: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """(patient, export) of those whose time is over, fetched or not."""
    query = select(Export.patient_uuid, Export.id).where(Export.expires_at <= now)
    return [(row[0], row[1]) for row in session.execute(query)]


def forget_export(session: Session, export_id: UUID) -> None:
    """After its file is gone."""
    session.execute(delete(Export).where(Export.id == export_id))
