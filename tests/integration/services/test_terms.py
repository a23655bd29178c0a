"""Agreements to the terms."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.patients import TermsAgreement
from services.patients.identification import identify_patient
from services.patients.terms import record_agreement

from .conftest import NOW, MakeIdentity


def test_an_agreement_is_kept_once_per_session(db_session: Session, make_identity: MakeIdentity) -> None:
    agreed_at = NOW - timedelta(minutes=5)
    identity = make_identity(terms_agreed=True, terms_agreed_at=agreed_at, oid="ORDER-1")
    uuid = identify_patient(db_session, identity, uuid4(), NOW).uuid
    session_id = uuid4()
    added = [
        record_agreement(db_session, patient_uuid=uuid, session_id=session_id, identity=identity, now=NOW)
        for _ in range(2)
    ]
    kept = db_session.scalars(select(TermsAgreement).where(TermsAgreement.patient_uuid == uuid)).one()
    assert added == [True, False]
    assert (kept.terms_agreed_at, kept.oid) == (agreed_at, "ORDER-1")


def test_who_did_not_agree_has_no_agreement(db_session: Session, make_identity: MakeIdentity) -> None:
    uuid = identify_patient(db_session, make_identity(), uuid4(), NOW).uuid
    assert not record_agreement(db_session, patient_uuid=uuid, session_id=uuid4(), identity=make_identity(), now=NOW)
    assert db_session.scalar(select(TermsAgreement.id).where(TermsAgreement.patient_uuid == uuid)) is None
