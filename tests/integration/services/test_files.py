"""Packages into the tables: once, whatever is repeated, and as the provider served them."""

import gzip
import threading
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models.patients import CampaignPayment, Checkup, Consent, ConsentKind, Patient, Prescription, TermsAgreement
from services.collection.files import (
    CollectedAnswer,
    CollectedData,
    PatientMissing,
    UnusablePackage,
    import_package,
    keep_writable,
    packages_of,
)
from services.collection.windows import checkup_window
from services.patients.identification import identify_patient
from services.patients.identity import Identity
from services.patients.pictures import as_served
from services.patients.stored_json import from_stored
from spool import DataType, KeptAnswer, Package

from .conftest import BUYER, NOW, PSEUDONYM_KEY, MakeIdentity, MakePackages, checkup, treatment

SERVED_PARTS = select(Prescription.raw_data, Prescription.details, Prescription.pictures)


def answered(raw: bytes) -> CollectedAnswer:
    return CollectedAnswer(KeptAnswer(raw), NOW, checkup_window(NOW))


def import_all(session: Session, packages: list[Package], now: Any = NOW) -> list[tuple[int, int, int]]:
    results = [import_package(session, package, now) for package in packages]
    return [(result.inserted, result.updated, result.total) for result in results]


def patient_of(session: Session, package: Package) -> Patient:
    return session.get_one(Patient, UUID(package.metadata.patient_uuid), populate_existing=True)


def test_packages_come_in_the_order_of_import(make_packages: MakePackages) -> None:
    types = [package.metadata.data_type for package in make_packages(health=[], prescriptions=[])]
    assert types == [DataType.PATIENT, DataType.HEALTH, DataType.PRESCRIPTION]


def test_what_could_not_be_had_makes_no_package(make_packages: MakePackages) -> None:
    types = [package.metadata.data_type for package in make_packages(prescriptions=[])]
    assert types == [DataType.PATIENT, DataType.PRESCRIPTION]


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"ResultList": ['])
def test_an_answer_that_is_no_object_makes_no_package(make_identity: MakeIdentity, raw: bytes) -> None:
    collected = CollectedData(uuid4(), uuid4(), "PEERNINE", make_identity(), answered(raw), None)
    with pytest.raises(UnusablePackage):
        packages_of(collected, NOW)


@pytest.mark.parametrize(("buyer", "oid"), [({}, "ORDER-1"), ({"user_phone": "01099990000"}, None)])
def test_a_patient_s_file_attaches_their_own_order_alone(
    db_session: Session, make_packages: MakePackages, buyer: dict[str, str], oid: str | None
) -> None:
    db_session.add(CampaignPayment(**BUYER | buyer))
    [package] = make_packages(oid="ORDER-1")
    agree(db_session, UUID(package.metadata.session_id))
    import_all(db_session, [package])
    assert db_session.scalars(select(TermsAgreement.oid)).one() == oid


def agree(session: Session, session_id: UUID) -> None:
    given = {"text_version": "3", "text_sha256": "0" * 64, "given_at": NOW, "expires_at": NOW + timedelta(days=30)}
    session.add_all(Consent(session_id=session_id, kind=kind, **given) for kind in ConsentKind)
    session.flush()


def test_rows_that_are_no_records_are_skipped(db_session: Session, make_packages: MakePackages) -> None:
    packages = make_packages(health=[checkup(), None, 7, "row"], prescriptions=[None, treatment()])
    assert import_all(db_session, packages) == [(1, 0, 1), (1, 0, 1), (1, 0, 1)]


def test_a_row_that_no_package_can_hold_stays_as_it_is_stored(db_session: Session, make_packages: MakePackages) -> None:
    served = [checkup("2023년"), checkup("2021년")]
    import_all(db_session, make_packages(health=served))
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    later = make_packages(health=served, now=NOW + timedelta(days=1))[1]
    odd = replace(later, raw_data=later.raw_data | {"ResultList": [served[0], served[1] | {"Odd": deep}]})
    result = import_package(db_session, keep_writable(odd), NOW + timedelta(days=1))
    assert (result.total, result.skipped, result.withdrawn) == (1, 1, 0)
    assert db_session.scalars(select(Checkup.withdrawn_at)).all() == [None, None]


def test_a_refusal_that_was_saved_withdraws_nothing(db_session: Session, make_packages: MakePackages) -> None:
    import_all(db_session, make_packages(health=[checkup()]))
    later = make_packages(health=[], now=NOW + timedelta(days=1))
    refused = replace(later[1], raw_data={"Status": "Error", "Message": "점검 중", "ResultList": None})
    with pytest.raises(UnusablePackage, match="answer_refused"):
        import_package(db_session, refused, NOW + timedelta(days=1))
    assert db_session.scalars(select(Checkup.withdrawn_at)).all() == [None]


def test_an_answer_that_is_odd_all_over_is_imported(db_session: Session, make_identity: MakeIdentity) -> None:
    raw = b'\xef\xbb\xbf{"status":"ok","resultList":[{"Year":"2023","Location":"\\ud83c"},null]} <!-- 3 -->'
    kept = KeptAnswer(gzip.compress(raw), {"headers": {"content-encoding": "gzip"}})
    packages = packages_of(
        CollectedData(
            uuid4(), uuid4(), "PEERNINE", make_identity(), CollectedAnswer(kept, NOW, checkup_window(NOW)), None
        ),
        NOW,
    )
    assert import_all(db_session, packages) == [(1, 0, 1), (1, 0, 1)]


def test_the_patients_file_restores_a_lost_row(db_session: Session, make_packages: MakePackages) -> None:
    packages = make_packages()
    assert import_all(db_session, packages) == [(1, 0, 1)]
    patient = patient_of(db_session, packages[0])
    assert (patient.name, patient.phone, patient.birth_date) == ("김하늘", "01012345678", date(1984, 5, 17))


def test_the_patients_file_never_turns_a_row_back(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    packages = make_packages()
    patient = identify_patient(db_session, make_identity(), UUID(packages[0].metadata.patient_uuid), NOW)
    patient.gender = "F"  # known better since the file was written
    assert import_all(db_session, packages) == [(0, 0, 1)]
    assert patient_of(db_session, packages[0]).gender == "F"


def test_a_person_with_another_row_by_now_is_left_to_people(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    identify_patient(db_session, make_identity(), uuid4(), NOW)
    with pytest.raises(UnusablePackage, match="patient_has_another_uuid"):
        import_all(db_session, make_packages(patient_uuid=uuid4()))


def test_a_checkup_gets_its_typed_columns(db_session: Session, make_packages: MakePackages) -> None:
    served = checkup()
    packages = make_packages(health=[served])
    assert import_all(db_session, packages) == [(1, 0, 1), (1, 0, 1)]
    stored = db_session.scalars(select(Checkup)).one()
    assert (stored.year, stored.checkup_date, stored.location) == (2023, date(2023, 9, 28), "한빛검진의원")
    assert (stored.height_cm, stored.systolic_mmhg, stored.diastolic_mmhg) == (Decimal("171.3"), 118, 76)
    assert stored.total_cholesterol_mg_dl is None
    assert stored.raw_data == served


def test_a_treatment_gets_its_typed_columns(db_session: Session, make_packages: MakePackages) -> None:
    served = treatment()
    import_all(db_session, make_packages(prescriptions=[served]))
    stored = db_session.scalars(select(Prescription)).one()
    assert (stored.hospital_name, stored.treatment_date) == ("새봄약국", date(2024, 3, 11))
    assert (stored.visit_count, stored.prescription_count, stored.medication_count) == (1, 2, None)
    assert stored.details == served["RetrieveTreatmentInjectionInformationPersonDetailList"]
    assert as_served(stored.raw_data, stored.details, stored.pictures) == served


def test_no_text_or_number_changes_on_its_way(db_session: Session, make_packages: MakePackages) -> None:
    awkward = """100% '새봄' "약국"\\ {0} %(records)s :records \U0001f48a\t"""
    served = treatment(place=f"{awkward}.", more=[awkward, 1.1, -(2**63), None, {}])
    import_all(db_session, make_packages(health=[checkup(신장="171.125")], prescriptions=[served]))
    stored = db_session.scalars(select(Prescription)).one()
    assert stored.hospital_name == f"{awkward}."
    assert as_served(stored.raw_data, stored.details, stored.pictures) == served
    assert db_session.scalar(select(Checkup.height_cm)) == Decimal("171.125")


def test_the_patient_shows_what_there_is(db_session: Session, make_packages: MakePackages) -> None:
    packages = make_packages(health=[checkup()], prescriptions=[])
    import_all(db_session, packages)
    patient = patient_of(db_session, packages[0])
    assert (patient.has_health_data, patient.has_prescription_data) == (True, False)
    assert patient.last_data_update == NOW


@pytest.mark.parametrize("rows", ["[]", "null"])
def test_no_records_are_a_success(db_session: Session, make_identity: MakeIdentity, rows: str) -> None:
    raw = f'{{"Status": "OK", "ResultList": {rows}}}'.encode()
    packages = packages_of(CollectedData(uuid4(), uuid4(), "PEERNINE", make_identity(), answered(raw), None), NOW)
    assert import_all(db_session, packages) == [(1, 0, 1), (0, 0, 0)]


def test_importing_twice_changes_nothing(db_session: Session, make_packages: MakePackages) -> None:
    packages = make_packages(health=[checkup(), checkup("2021")], prescriptions=[treatment(), treatment()])
    import_all(db_session, packages)
    before = snapshot(db_session)
    assert import_all(db_session, packages, NOW + timedelta(hours=1)) == [(0, 0, 1), (0, 0, 2), (0, 0, 2)]
    assert snapshot(db_session) == before


def snapshot(session: Session) -> list[tuple[Any, ...]]:
    tables = [Patient.__table__, Checkup.__table__, Prescription.__table__]
    return [tuple(row) for table in tables for row in session.execute(select(table).order_by(*table.primary_key))]


def test_a_later_session_adds_only_what_is_new(db_session: Session, make_packages: MakePackages) -> None:
    import_all(db_session, make_packages(health=[checkup()]))
    later = make_packages(health=[checkup("2025"), checkup()], now=NOW + timedelta(days=1))
    assert import_all(db_session, later) == [(0, 0, 1), (1, 0, 2)]


def test_a_later_session_brings_a_correction(db_session: Session, make_packages: MakePackages) -> None:
    import_all(db_session, make_packages(health=[checkup(공복혈당="94")]))
    later = make_packages(health=[checkup(공복혈당="95")], now=NOW + timedelta(days=1))
    assert import_all(db_session, later) == [(0, 0, 1), (0, 1, 1)]
    assert db_session.scalar(select(Checkup.fasting_glucose_mg_dl)) == 95


def test_an_older_file_replaces_nothing_newer(db_session: Session, make_packages: MakePackages) -> None:
    older = make_packages(health=[checkup(공복혈당="94")], now=NOW - timedelta(days=1))
    import_all(db_session, make_packages(health=[checkup(공복혈당="95")]))
    assert import_all(db_session, older, NOW + timedelta(days=1)) == [(0, 0, 1), (0, 0, 1)]
    assert db_session.scalar(select(Checkup.fasting_glucose_mg_dl)) == 95


def test_twins_of_one_day_are_both_kept(db_session: Session, make_packages: MakePackages) -> None:
    rows = [treatment(idx="1"), treatment(idx="2"), treatment(idx="1", CheoBangHoiSoo="3")]
    assert import_all(db_session, make_packages(prescriptions=rows))[1] == (3, 0, 3)
    shuffled = make_packages(prescriptions=rows[::-1], now=NOW + timedelta(days=1))
    assert import_all(db_session, shuffled)[1][0::2] == (0, 3)


def test_hundreds_of_treatments_arrive_each_as_served(db_session: Session, make_packages: MakePackages) -> None:
    first = date(2024, 1, 1)
    rows = [treatment((first + timedelta(days=number // 2)).isoformat(), idx=str(number)) for number in range(450)]
    packages = make_packages(prescriptions=rows)
    assert import_all(db_session, packages)[1] == (450, 0, 450)
    stored = [as_served(*row) for row in db_session.execute(SERVED_PARTS)]
    assert {row["Idx"]: row for row in stored} == {row["Idx"]: row for row in rows}


def test_thirty_mebibytes_are_imported_in_chunks(db_session: Session, make_packages: MakePackages) -> None:
    image = "A" * 1024 * 1024
    rows = [treatment(idx=str(number), DrugImage=image) for number in range(30)]
    assert import_all(db_session, make_packages(prescriptions=rows))[1] == (30, 0, 30)


def test_nul_characters_survive(db_session: Session, make_packages: MakePackages) -> None:
    served = treatment(place="새봄\x00약국", Address="마포구\x00")
    import_all(db_session, make_packages(prescriptions=[served]))
    stored = db_session.scalars(select(Prescription)).one()
    assert from_stored(as_served(stored.raw_data, stored.details, stored.pictures)) == served
    assert (stored.hospital_name, stored.address) == ("새봄약국", "마포구")


def test_a_checkup_of_an_impossible_day_is_kept(db_session: Session, make_packages: MakePackages) -> None:
    import_all(db_session, make_packages(health=[checkup("2023", "02/30"), checkup("", "")]))
    stored = db_session.execute(select(Checkup.year, Checkup.checkup_date).order_by(Checkup.id)).all()
    assert stored == [(2023, None), (None, None)]


def test_records_need_their_patient(db_session: Session, make_packages: MakePackages) -> None:
    _, health = make_packages(health=[checkup()])
    with pytest.raises(PatientMissing):
        import_package(db_session, health, NOW)


@pytest.mark.parametrize("raw_data", [None, [], {}, {"ResultList": "x"}])
def test_records_of_another_shape_are_unusable(db_session: Session, make_packages: MakePackages, raw_data: Any) -> None:
    patient, health = make_packages(health=[])
    import_package(db_session, patient, NOW)
    with pytest.raises(UnusablePackage):
        import_package(db_session, Package(health.metadata, raw_data), NOW)


@pytest.mark.parametrize("raw_data", [None, {}, {"user_name": "김하늘"}, {"birthdate": 5}])
def test_an_unreadable_identity_is_unusable_and_not_quoted(
    db_session: Session, make_packages: MakePackages, raw_data: Any
) -> None:
    (patient,) = make_packages()
    with pytest.raises(UnusablePackage, match=r"^identity_unreadable$"):
        import_package(db_session, Package(patient.metadata, raw_data), NOW)


def test_two_imports_of_one_file_at_once_make_one_set(
    sessions: sessionmaker[Session], make_packages: MakePackages
) -> None:
    patient, health = make_packages(health=[checkup(str(year)) for year in range(2000, 2026)])
    with sessions.begin() as session:
        import_package(session, patient, NOW)
    inserted: list[int] = []

    def run() -> None:
        with sessions.begin() as session:
            inserted.append(import_package(session, health, NOW).inserted)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(inserted) == [0, 0, 26]


def test_reprs_show_nothing_personal(make_identity: MakeIdentity, make_packages: MakePackages) -> None:
    identity: Identity = make_identity()
    collected = CollectedData(uuid4(), identity.derive_uuid(PSEUDONYM_KEY), "PEERNINE", identity, answered(b"{}"), None)
    shown = repr(collected) + repr(make_packages(health=[checkup()]))
    assert "김하늘" not in shown
    assert "한빛검진의원" not in shown
