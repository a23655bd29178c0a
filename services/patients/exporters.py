"""What this domain exports of a patient: who they are, their records, report, consent, and who looked at all that."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.patients import Checkup, Consent, MediarcReport, Patient, Prescription, RecordVersion, TermsAgreement
from services.patients.access_log import AccessLog
from services.patients.exports import Exporter, Rows
from services.patients.stored_json import from_stored

_MOST_LOOKS = 10_000
_OF_PATIENT: Mapping[str, Any] = {
    "checkups": Checkup,
    "prescriptions": Prescription,
    "reports": MediarcReport,
    "terms": TermsAgreement,
    "consents": Consent,
    "record_versions": RecordVersion,
}


def patients_exporter(access_log: AccessLog) -> Exporter:
    def read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
        found = {"patient": _read_rows(session, select(Patient.__table__).where(Patient.uuid == patient_uuid))}
        for name, model in _OF_PATIENT.items():
            stored = select(model.__table__).where(model.patient_uuid == patient_uuid).order_by(model.id)
            found[name] = _read_rows(session, stored)
        looks, _ = access_log.list_looks_at(session, patient_uuid, limit=_MOST_LOOKS)
        shown = ("at", "actor_kind", "actor_role", "what", "reason")
        found["access_log"] = [{name: getattr(look, name) for name in shown} for look in looks]
        return found

    return Exporter(read)


def _read_rows(session: Session, query: Select[Any]) -> Rows:
    """As they are stored, each a JSON object of PostgreSQL's own making."""
    row = query.subquery("row")
    objects = session.execute(select(func.to_jsonb(row.table_valued()))).scalars()
    return [from_stored(one) for one in objects]
