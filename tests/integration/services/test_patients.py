"""Who this is: what the authenticator proved (phone, birth date, name), and nothing else."""

import threading
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models.patients import CampaignPayment, Hospital, Patient
from services.patients.identification import identify_patient, reserve_patient, resolve_hospital
from services.patients.identity import Identity

from .conftest import NOW, PSEUDONYM_KEY, MakeIdentity


def add_patient(session: Session, identity: Identity, **changes: object) -> UUID:
    row = {
        "uuid": uuid4(),
        "hospital_id": "PEERNINE",
        "name": identity.user_name,
        "birth_date": identity.birthdate,
        "gender": identity.gender,
        "phone": identity.phone_no,
    } | changes
    session.add(Patient(**row))
    session.flush()
    return row["uuid"]


def reserve(session: Session, identity: Identity) -> UUID:
    return reserve_patient(session, identity, PSEUDONYM_KEY).patient_uuid


def test_a_new_person_gets_the_same_reserved_uuid_every_time(db_session: Session, make_identity: MakeIdentity) -> None:
    first = reserve_patient(db_session, make_identity(), PSEUDONYM_KEY)
    again = reserve_patient(db_session, make_identity(user_name="김하늘 님"), PSEUDONYM_KEY)
    assert first == again
    assert not first.known
    assert first.hospital_id == "PEERNINE"


def test_phone_birth_date_and_name_find_the_patient(db_session: Session, make_identity: MakeIdentity) -> None:
    uuid = add_patient(db_session, make_identity())
    reserved = reserve_patient(db_session, make_identity(), PSEUDONYM_KEY)
    assert (reserved.patient_uuid, reserved.known) == (uuid, True)


@pytest.mark.parametrize(
    "other", [{"user_name": "이바다"}, {"birthdate": date(1990, 1, 1)}, {"phone_no": "01099990000"}]
)
@pytest.mark.parametrize("way", ["uuid", "order", "hospital"])
def test_whoever_differs_in_one_of_the_three_reaches_nobody_elses_row(
    db_session: Session, make_identity: MakeIdentity, other: dict[str, object], way: str
) -> None:
    """A namesake with the same birth date, too, whatever of the other they know."""
    db_session.add(Hospital(hospital_id="HANBIT", name="한빛병원"))
    theirs = add_patient(db_session, make_identity(**other), hospital_id="HANBIT")
    db_session.add(CampaignPayment(oid="ORDER-1", patient_uuid=theirs))
    known = {"uuid": {"patient_uuid": theirs}, "order": {"oid": "ORDER-1"}, "hospital": {"hospital_id": "HANBIT"}}
    identity = make_identity(**known[way])
    reserved = reserve(db_session, identity)
    assert reserved != theirs
    assert identify_patient(db_session, identity, reserved, NOW).uuid != theirs


def test_a_changed_phone_is_a_new_patient(db_session: Session, make_identity: MakeIdentity) -> None:
    old = add_patient(db_session, make_identity(), phone="01099990000")
    new = identify_patient(db_session, make_identity(patient_uuid=old), old, NOW)
    assert (new.uuid != old, new.phone) == (True, "01012345678")
    assert db_session.get_one(Patient, old).phone == "01099990000"


def test_a_phone_given_to_another_person_leads_to_nobody(db_session: Session, make_identity: MakeIdentity) -> None:
    before = add_patient(db_session, make_identity())
    after = make_identity(user_name="이바다", birthdate=date(1990, 1, 1), patient_uuid=before)
    assert identify_patient(db_session, after, reserve(db_session, after), NOW).uuid != before


def test_a_number_of_before_does_not_lead_to_who_had_it(db_session: Session, make_identity: MakeIdentity) -> None:
    """The row was made with this number, and has another by now: its uuid is the one that this person would derive."""
    derived = make_identity().derive_uuid(PSEUDONYM_KEY)
    add_patient(db_session, make_identity(), uuid=derived, phone="01099990000")
    reserved = reserve(db_session, make_identity())
    assert reserved != derived
    assert identify_patient(db_session, make_identity(), reserved, NOW).uuid == reserved


def test_identifying_twice_changes_nothing(db_session: Session, make_identity: MakeIdentity) -> None:
    uuid = reserve(db_session, make_identity())
    first = identify_patient(db_session, make_identity(), uuid, NOW)
    second = identify_patient(db_session, make_identity(), uuid, NOW + timedelta(days=1))
    assert (first.uuid, second.uuid, second.updated_at) == (uuid, uuid, NOW)
    assert db_session.scalar(select(func.count()).select_from(Patient)) == 1


def test_a_row_with_the_natural_key_wins_over_the_reserved_uuid(
    db_session: Session, make_identity: MakeIdentity
) -> None:
    uuid = add_patient(db_session, make_identity())
    assert identify_patient(db_session, make_identity(), uuid4(), NOW).uuid == uuid


def test_a_reserved_uuid_of_somebody_else_is_never_touched(db_session: Session, make_identity: MakeIdentity) -> None:
    theirs = add_patient(db_session, make_identity(user_name="이바다", phone_no="01099990000"))
    patient = identify_patient(db_session, make_identity(), theirs, NOW)
    assert patient.uuid != theirs
    assert db_session.get_one(Patient, theirs).name == "이바다"


def test_the_hospital_that_sends_the_person_is_taken(db_session: Session, make_identity: MakeIdentity) -> None:
    db_session.add(Hospital(hospital_id="HANBIT", name="한빛병원"))
    identity = make_identity(hospital_id="HANBIT")
    reserved = reserve_patient(db_session, identity, PSEUDONYM_KEY)
    assert reserved.hospital_id == "HANBIT"
    assert identify_patient(db_session, identity, reserved.patient_uuid, NOW).hospital_id == "HANBIT"


@pytest.mark.parametrize("stated", [None, "PEERNINE", "MADE-UP", "NEW"])
def test_what_is_stored_stays_whatever_a_session_says(
    db_session: Session, make_identity: MakeIdentity, stated: str | None
) -> None:
    db_session.add_all([Hospital(hospital_id="HANBIT", name="한빛병원"), Hospital(hospital_id="NEW", name="새병원")])
    uuid = add_patient(db_session, make_identity(), hospital_id="HANBIT", gender="F")
    identity = make_identity(hospital_id=stated, gender="M")
    assert reserve_patient(db_session, identity, PSEUDONYM_KEY).hospital_id == "HANBIT"
    patient = identify_patient(db_session, identity, uuid, NOW)
    assert (patient.hospital_id, patient.gender, patient.phone) == ("HANBIT", "F", "01012345678")


def test_an_unknown_hospital_falls_back_and_is_not_created(db_session: Session) -> None:
    assert resolve_hospital(db_session, "MADE-UP") == "PEERNINE"
    assert db_session.get(Hospital, "MADE-UP") is None


def test_two_sessions_of_a_new_person_end_with_one_patient(
    sessions: sessionmaker[Session], make_identity: MakeIdentity
) -> None:
    found: list[UUID] = []
    both_reserved = threading.Barrier(2, timeout=10)

    def run() -> None:
        with sessions.begin() as session:
            uuid = reserve(session, make_identity())
            both_reserved.wait()
            found.append(identify_patient(session, make_identity(), uuid, NOW).uuid)

    run_both(run, run)
    assert len(found) == 2
    with sessions() as session:
        assert session.scalars(select(Patient.uuid)).all() == [found[0]] == [found[1]]


def test_two_keys_at_the_same_moment_end_with_one_patient(
    sessions: sessionmaker[Session], make_identity: MakeIdentity
) -> None:
    found: list[UUID] = []
    both_ready = threading.Barrier(2, timeout=10)

    def run() -> None:
        both_ready.wait()
        with sessions.begin() as session:
            found.append(identify_patient(session, make_identity(), uuid4(), NOW).uuid)

    run_both(run, run)
    assert found[0] == found[1]


def run_both(*functions: object) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
