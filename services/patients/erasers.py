"""What this domain erases of a person: records, report, consents, password, the patient's row, the key of the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, update

from models.patients import (
    Checkup,
    Consent,
    ConsentEnd,
    Export,
    MediarcReport,
    Patient,
    PatientJoin,
    PatientKey,
    PatientPassword,
    PatientSession,
    Prescription,
    RecordAnswer,
    RecordVersion,
    TermsAgreement,
)
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, RowEraser
from services.patients.joins import drop_joins

_RECORDS: Mapping[str, Any] = {
    "checkups": Checkup,
    "prescriptions": Prescription,
    "reports": MediarcReport,
    "terms": TermsAgreement,
    "record_answers": RecordAnswer,
    "record_versions": RecordVersion,
    "exports": Export,
    "passwords": PatientPassword,
}


def _erase_records(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    connection = work.session.connection()
    statements = {
        place: delete(model).where(model.patient_uuid == person.patient_uuid) for place, model in _RECORDS.items()
    }
    # Also of collections that never came to know whose they are.
    theirs = or_(PatientSession.patient_uuid == person.patient_uuid, PatientSession.session_id.in_(person.session_ids))
    statements["visits"] = delete(PatientSession).where(theirs)
    return {place: connection.execute(statement).rowcount for place, statement in statements.items()}


def _erase_patient(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """The key goes with the row, and with it all names and addresses in the access log; joins went at the start."""
    drop_joins(work.session, person.patient_uuid)
    connection = work.session.connection()
    key = delete(PatientKey).where(PatientKey.patient_uuid == person.patient_uuid)
    row = delete(Patient).where(Patient.uuid == person.patient_uuid)
    return {"log_keys": connection.execute(key).rowcount, "patients": connection.execute(row).rowcount}


def _erase_consents(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """That somebody agreed to a text stays, as proof for us; not who it was."""
    theirs = or_(Consent.patient_uuid == person.patient_uuid, Consent.session_id.in_(person.session_ids))
    nobody = {
        "patient_uuid": None,
        "claimed_uuid": None,
        "session_id": func.gen_random_uuid(),
        "ended_at": func.coalesce(Consent.ended_at, func.now()),
        "ended_how": func.coalesce(Consent.ended_how, ConsentEnd.ERASED),
    }
    return {"consents": work.session.connection().execute(update(Consent).where(theirs).values(nobody)).rowcount}


CONSENTS_ERASER = RowEraser("consents", frozenset({Consent.__tablename__}), _erase_consents)
_RECORD_TABLES = frozenset(model.__tablename__ for model in (*_RECORDS.values(), PatientSession))
RECORDS_ERASER = RowEraser("records", _RECORD_TABLES, _erase_records)
_PATIENT_TABLES = frozenset(model.__tablename__ for model in (Patient, PatientKey, PatientJoin))
PATIENT_ERASER = RowEraser("patient", _PATIENT_TABLES, _erase_patient)
