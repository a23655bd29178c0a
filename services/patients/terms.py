"""Agreements to the terms: kept once per patient and session."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.patients import TermsAgreement
from services.patients.identity import Identity


def record_agreement(
    session: Session, *, patient_uuid: UUID, session_id: UUID, identity: Identity, now: datetime
) -> bool:
    """Whether a row was added: False when the person did not agree, or when this session's agreement is there."""
    if not identity.terms_agreed:
        return False
    row = {
        "patient_uuid": patient_uuid,
        "session_id": session_id,
        "oid": identity.oid,
        "terms_agreed_at": identity.terms_agreed_at or now,
        "terms_expires_at": identity.terms_expires_at,
        "created_at": now,
    }
    statement = insert(TermsAgreement).values(row).on_conflict_do_nothing().returning(TermsAgreement.id)
    return session.scalar(statement) is not None
