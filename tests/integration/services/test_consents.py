"""Consents in the database: by its clock, with the text, ended once, and the owner's short form of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.patients import Consent, ConsentEnd, ConsentKind, Patient, TermsAgreement
from models.patients.consents import COLLECTING_KINDS
from services.patients.consent_texts import ConsentText
from services.patients.consents import (
    Consents,
    attach_consents,
    expire_consents,
    holds_consent,
    list_consents,
    record_consents,
)
from services.patients.identification import identify_patient

from .conftest import NOW, PSEUDONYM_KEY, MakeIdentity

TEXTS = {kind: ConsentText(kind, "3", f"{kind}\n\n하는 일: 보여드려요.") for kind in ConsentKind}
CONSENTS = Consents(TEXTS, valid_for=timedelta(days=30), pseudonym_key=PSEUDONYM_KEY)
SENSITIVE = ConsentKind.SENSITIVE


@pytest.fixture
def patient(db_session: Session, make_identity: MakeIdentity) -> Patient:
    return identify_patient(db_session, make_identity(), uuid4(), NOW)


def give(
    session: Session, make_identity: MakeIdentity, kinds: list[ConsentKind] | None = None, until: datetime | None = None
) -> UUID:
    session_id = uuid4()
    given = CONSENTS.agree(make_identity(), kinds or list(ConsentKind), wants_report=False, now=NOW, until=until)
    record_consents(session, session_id, given)
    return session_id


def attach(session: Session, session_id: UUID, patient: Patient) -> bool:
    return attach_consents(session, patient_uuid=patient.uuid, session_id=session_id, oid="ORDER-1", now=NOW)


def end_of(session: Session, session_id: UUID, kind: ConsentKind) -> str | None:
    query = select(Consent.ended_how).where(Consent.session_id == session_id, Consent.kind == kind)
    return session.execute(query).scalar_one()


def test_a_row_per_kind_says_which_text_when_and_until_when(db_session: Session, make_identity: MakeIdentity):
    session_id = give(db_session, make_identity)
    now = db_session.scalar(text("select now()"))
    rows = db_session.scalars(select(Consent).where(Consent.session_id == session_id).order_by(Consent.id)).all()
    assert [row.kind for row in rows] == list(ConsentKind)
    assert {(row.text_version, row.text_sha256) for row in rows} == {("3", one.sha256) for one in TEXTS.values()}
    # Not NOW, which is the process's: the database says when.
    assert {(row.given_at, row.expires_at) for row in rows} == {(now, now + timedelta(days=30))}
    assert {(row.ended_at, row.ended_how, row.patient_uuid) for row in rows} == {(None, None, None)}


@pytest.mark.parametrize(("days", "kept"), [(2, 2), (9000, 30)])
def test_a_consent_ends_sooner_when_asked_and_never_later(
    db_session: Session, make_identity: MakeIdentity, days: int, kept: int
):
    now = db_session.scalar(text("select now()"))
    session_id = give(db_session, make_identity, until=now + timedelta(days=days))
    ends = db_session.scalars(select(Consent.expires_at).where(Consent.session_id == session_id))
    assert set(ends) == {now + timedelta(days=kept)}


def test_the_short_form_is_written_from_the_consents_once(
    db_session: Session, make_identity: MakeIdentity, patient: Patient
):
    session_id = give(db_session, make_identity, sorted(COLLECTING_KINDS))
    assert [attach(db_session, session_id, patient) for _ in range(2)] == [True, False]
    kept = db_session.scalars(select(TermsAgreement)).one()
    first = db_session.scalars(select(Consent).where(Consent.session_id == session_id)).first()
    assert first is not None
    assert first.patient_uuid == kept.patient_uuid == patient.uuid
    assert (kept.terms_agreed_at, kept.terms_expires_at, kept.oid) == (first.given_at, first.expires_at, "ORDER-1")


def test_without_consents_there_is_no_short_form(db_session: Session, patient: Patient):
    assert not attach(db_session, uuid4(), patient)
    assert db_session.scalar(select(TermsAgreement.id)) is None


def test_withdrawal_ends_the_kind_in_every_session_of_the_person_and_only_once(
    db_session: Session, make_identity: MakeIdentity, patient: Patient
):
    earlier, under_way = give(db_session, make_identity), give(db_session, make_identity)
    attach(db_session, earlier, patient)
    assert set(CONSENTS.withdraw(db_session, patient, SENSITIVE)) == {earlier, under_way}
    assert CONSENTS.withdraw(db_session, patient, SENSITIVE) == []
    for session_id in (earlier, under_way):
        assert end_of(db_session, session_id, SENSITIVE) == ConsentEnd.WITHDRAWN
        assert end_of(db_session, session_id, ConsentKind.SERVICE) is None
        assert not holds_consent(db_session, session_id, SENSITIVE)


def test_withdrawal_ends_the_short_form(db_session: Session, make_identity: MakeIdentity, patient: Patient):
    attach(db_session, give(db_session, make_identity), patient)
    CONSENTS.withdraw(db_session, patient, ConsentKind.THIRD_PARTY_MEDIARC)
    now = db_session.scalar(text("select now()"))
    assert db_session.execute(select(TermsAgreement.terms_expires_at)).scalar_one() > now
    CONSENTS.withdraw(db_session, patient, SENSITIVE)
    assert db_session.execute(select(TermsAgreement.terms_expires_at)).scalar_one() == now


def test_withdrawal_leaves_other_people_alone(db_session: Session, make_identity: MakeIdentity, patient: Patient):
    def somebody(**changes: object):
        return make_identity(user_name="박바다", **changes)

    theirs = give(db_session, somebody)
    CONSENTS.withdraw(db_session, patient, SENSITIVE)
    assert end_of(db_session, theirs, SENSITIVE) is None


def test_what_is_given_after_a_withdrawal_is_in_force(
    db_session: Session, make_identity: MakeIdentity, patient: Patient
):
    give(db_session, make_identity)
    CONSENTS.withdraw(db_session, patient, SENSITIVE)
    assert holds_consent(db_session, give(db_session, make_identity), SENSITIVE)


def pass_time(session: Session, session_id: UUID) -> datetime:
    """As if the consents had been given long ago."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    values = {"given_at": long_ago, "expires_at": long_ago + timedelta(days=30)}
    session.execute(update(Consent).where(Consent.session_id == session_id).values(**values))
    return long_ago + timedelta(days=30)


def test_a_consent_whose_time_is_over_is_listed_as_expired_at_once(
    db_session: Session, make_identity: MakeIdentity, patient: Patient
):
    session_id = give(db_session, make_identity)
    attach(db_session, session_id, patient)
    ended_at = pass_time(db_session, session_id)
    assert not holds_consent(db_session, session_id, SENSITIVE)
    items, _ = list_consents(db_session, patient.uuid, limit=50)
    assert {(item.ended_at, item.ended_how) for item in items} == {(ended_at, ConsentEnd.EXPIRED)}
    assert CONSENTS.withdraw(db_session, patient, SENSITIVE) == []


def test_the_sweep_notes_what_has_expired(db_session: Session, make_identity: MakeIdentity):
    old, young = give(db_session, make_identity), give(db_session, make_identity)
    pass_time(db_session, old)
    assert (expire_consents(db_session), expire_consents(db_session)) == (5, 0)
    assert (end_of(db_session, old, SENSITIVE), end_of(db_session, young, SENSITIVE)) == (ConsentEnd.EXPIRED, None)


def test_the_list_is_newest_first_page_by_page(db_session: Session, make_identity: MakeIdentity, patient: Patient):
    sessions = [give(db_session, make_identity) for _ in range(2)]
    for session_id in sessions:
        attach(db_session, session_id, patient)
    first, following = list_consents(db_session, patient.uuid, limit=6)
    second, last = list_consents(db_session, patient.uuid, limit=6, after=following)
    items = first + second
    assert [item.session_id for item in items] == [sessions[1]] * 5 + [sessions[0]] * 5
    assert [item.id for item in items] == sorted((item.id for item in items), reverse=True)
    assert last is None


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "marketing"}, {"ended_how": "withdrawn"}, {"ended_at": NOW}, {"expires_at": NOW - timedelta(days=9000)}],
    ids=str,
)
def test_the_database_refuses_a_consent_that_makes_no_sense(
    db_session: Session, make_identity: MakeIdentity, wrong: dict[str, object]
):
    session_id = give(db_session, make_identity, sorted(COLLECTING_KINDS))
    with pytest.raises(IntegrityError), db_session.begin_nested():
        db_session.execute(update(Consent).where(Consent.session_id == session_id).values(**wrong))


def test_a_consent_outlives_the_patients_row(db_session: Session, make_identity: MakeIdentity, patient: Patient):
    session_id = give(db_session, make_identity)
    attach(db_session, session_id, patient)
    db_session.execute(text("delete from welno.welno_patients where uuid = :u"), {"u": patient.uuid})
    owners = db_session.scalars(select(Consent.patient_uuid).where(Consent.session_id == session_id))
    assert set(owners) == {None}
