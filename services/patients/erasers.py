"""What this domain erases of a person: records, report, consent, password, the patient's row, the key of the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete

from models.patients import (
    Checkup,
    Export,
    MediarcReport,
    Patient,
    PatientKey,
    PatientPassword,
    Prescription,
    TermsAgreement,
)
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, RowEraser

_RECORDS: Mapping[str, Any] = {
    "checkups": Checkup,
    "prescriptions": Prescription,
    "reports": MediarcReport,
    "terms": TermsAgreement,
    "exports": Export,
    "passwords": PatientPassword,
}


def _erase_records(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    connection = work.session.connection()
    statements = {
        place: delete(model).where(model.patient_uuid == person.patient_uuid) for place, model in _RECORDS.items()
    }
    return {place: connection.execute(statement).rowcount for place, statement in statements.items()}


def _erase_patient(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """The key goes with the row, and with it all names and addresses in the access log."""
    connection = work.session.connection()
    key = delete(PatientKey).where(PatientKey.patient_uuid == person.patient_uuid)
    row = delete(Patient).where(Patient.uuid == person.patient_uuid)
    return {"log_keys": connection.execute(key).rowcount, "patients": connection.execute(row).rowcount}


RECORDS_ERASER = RowEraser("records", frozenset(model.__tablename__ for model in _RECORDS.values()), _erase_records)
PATIENT_ERASER = RowEraser("patient", frozenset({Patient.__tablename__, PatientKey.__tablename__}), _erase_patient)
