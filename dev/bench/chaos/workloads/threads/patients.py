"""Invented patients for a bench of the threads: stored checkups, and a token as whoever typed the password has it."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from core.clock import clock
from dev.bench.chaos.workloads.journey.hospital import TOKEN_LIFE, sign_token
from models.accounts import Scope
from models.patients import DEFAULT_HOSPITAL, Checkup, Patient
from services.patients.session_rows import Visitor, note_password
from services.stores import Stores

_BORN, _FIRST_CHECKUP = date(1940, 1, 1), date(2000, 1, 1)
_PLACE = "시연의원"


def add_patient(stores: Stores, number: int, records: int, record_bytes: int) -> tuple[UUID, str]:
    """Their uuid, and their token."""
    patient_uuid, now = uuid4(), clock.now()
    patient = Patient(
        uuid=patient_uuid,
        hospital_id=DEFAULT_HOSPITAL,
        name=f"시연{number:04}",
        birth_date=_BORN + timedelta(days=number),
        gender="F",
        phone=f"0109{number:07}",
        has_health_data=records > 0,
    )
    with stores.unit_of_work() as work:
        work.session.add(patient)
        work.session.flush()
        work.session.add_all(_checkup(patient_uuid, one, record_bytes) for one in range(records))
        row_id = note_password(work.session, patient_uuid, Visitor(), stores.sealer, proved_at=now, life=TOKEN_LIFE)
    return patient_uuid, _token(stores, patient_uuid, row_id, now)


def _checkup(patient_uuid: UUID, number: int, record_bytes: int) -> Checkup:
    return Checkup(
        patient_uuid=patient_uuid,
        hospital_id=DEFAULT_HOSPITAL,
        session_id=uuid4(),
        record_key=f"bench-{number}",
        checkup_date=_FIRST_CHECKUP + timedelta(days=number),
        location=_PLACE,
        code="bench",
        description="x" * record_bytes,
        raw_data={},
    )


def _token(stores: Stores, patient_uuid: UUID, row_id: UUID, now: datetime) -> str:
    claims = {"role": "patient", "scope": str(Scope.RECORDS), "issued_at": now.timestamp(), "session": str(row_id)}
    return sign_token(stores.settings.secrets.jwt_secret, patient_uuid, claims)
