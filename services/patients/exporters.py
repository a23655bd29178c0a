"""What this domain exports of a patient: who they are, their records, report, consent, and who looked at all that."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.sealing import Sealer
from models.patients import (
    OWN_KINDS,
    AccessEntry,
    Checkup,
    Consent,
    Export,
    MediarcReport,
    Patient,
    PatientSession,
    Prescription,
    RecordAnswer,
    RecordVersion,
    TermsAgreement,
)
from services.patients.access_log import AccessLog, LogPlace, ShownLook
from services.patients.exports import Exporter, Rows
from services.patients.session_rows import Visitor, open_visitor
from services.patients.stored_json import from_stored

_LOOKS_PAGE = 1_000
_OF_PATIENT: Mapping[str, Any] = {
    "checkups": Checkup,
    "prescriptions": Prescription,
    "reports": MediarcReport,
    "terms": TermsAgreement,
    "consents": Consent,
    "record_versions": RecordVersion,
    "record_answers": RecordAnswer,
}
_LOOK = ("at", "actor_kind", "actor_role", "what", "reason")
_SESSION = ("opened_by", "created_at", "last_seen_at", "valid_from", "expires_at", "ended_at")
_EXPORT = ("state", "requested_at", "expires_at")
_TABLES = frozenset(
    model.__tablename__ for model in (*_OF_PATIENT.values(), Patient, PatientSession, Export, AccessEntry)
)


def patients_exporter(access_log: AccessLog, sealer: Sealer) -> Exporter:
    def read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
        found = {"patient": _read_rows(session, select(Patient.__table__).where(Patient.uuid == patient_uuid))}
        for name, model in _OF_PATIENT.items():
            stored = select(model.__table__).where(model.patient_uuid == patient_uuid).order_by(model.id)
            found[name] = _read_rows(session, stored)
        found["access_log"] = [_describe_look(look) for look in _all_looks(session, access_log, patient_uuid)]
        found["sessions"] = _read_sessions(session, sealer, patient_uuid)
        exports = select(*(Export.__table__.c[name] for name in _EXPORT)).where(Export.patient_uuid == patient_uuid)
        found["exports"] = [dict(row) for row in session.execute(exports.order_by(Export.requested_at)).mappings()]
        return found

    return Exporter(_TABLES, read)


def _all_looks(session: Session, access_log: AccessLog, patient_uuid: UUID) -> Iterator[ShownLook]:
    after: LogPlace | None = None
    while True:
        looks, after = access_log.list_looks_at(session, patient_uuid, after=after, limit=_LOOKS_PAGE)
        yield from looks
        if after is None:
            return


def _describe_look(look: ShownLook) -> Mapping[str, Any]:
    """Where staff sit is not told, as on the page."""
    address = look.address if look.actor_kind in OWN_KINDS else None
    return {**{name: getattr(look, name) for name in _LOOK}, "address": address}


def _read_sessions(session: Session, sealer: Sealer, patient_uuid: UUID) -> Rows:
    query = select(PatientSession).where(PatientSession.patient_uuid == patient_uuid)
    found = session.scalars(query.order_by(PatientSession.created_at))
    return [_describe_session(row, open_visitor(row, sealer)) for row in found]


def _describe_session(row: PatientSession, visitor: Visitor) -> Mapping[str, Any]:
    told = {name: getattr(row, name) for name in _SESSION}
    return {**told, "address": visitor.address, "device": visitor.device}


def _read_rows(session: Session, query: Select[Any]) -> Rows:
    """As they are stored, each a JSON object of PostgreSQL's own making."""
    row = query.subquery("row")
    objects = session.execute(select(func.to_jsonb(row.table_valued()))).scalars()
    return [from_stored(one) for one in objects]
