"""Reports: ordered from what is stored, kept once, noted on patient and order."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.patients import CampaignPayment, MediarcReport, Patient
from services.collection.files import import_package
from services.collection.reports import (
    MadeReport,
    MissingInputs,
    ReportOrder,
    mark_report_failed,
    prepare_report,
    report_tid,
    store_report,
)
from services.patients.identity import Identity
from services.patients.records import newest_report
from upstream.mediarc.answers import ReportAnswer

from .conftest import BUYER, NOW, MakeIdentity, MakePackages, checkup

SESSION = UUID("3f9c1a2b-0000-4000-8000-000000000000")


def bring(session: Session, make_packages: MakePackages, **records: Any) -> Patient:
    packages = make_packages(**records)
    for package in packages:
        import_package(session, package, NOW)
    return session.get_one(Patient, UUID(packages[0].metadata.patient_uuid))


def make_report(**changes: Any) -> ReportAnswer:
    facts: dict[str, Any] = {
        "mkt_uuid": "m-1",
        "report_url": "https://reports.example/1.pdf",
        "bodyage": 38,
        "rank": 15,
        "analyzed_at": NOW,
        "provider": "twobecon",
        "diseases": [{"type": "disease", "name": "고혈압", "rate": 1.3}],
        "cancers": [{"type": "cancer", "name": "위암", "rate": 0.8}],
        "raw": {"mkt_uuid": "m-1", "note": "a\x00b"},
    }
    return ReportAnswer(**(facts | changes))


def store(session: Session, patient: Patient, identity: Identity, now: Any = NOW, **changes: Any) -> None:
    report = make_report(**changes)
    made = MadeReport(report, date(2023, 9, 28))
    store_report(session, patient_uuid=patient.uuid, session_id=SESSION, identity=identity, report=made, now=now)


def test_the_tid_is_the_same_for_every_retry() -> None:
    assert report_tid(SESSION) == f"TM_WELNO_{SESSION.hex}"


def test_the_newest_checkup_that_has_the_values_is_sent(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    served = [checkup("2025", 신장="171.0"), checkup("2023"), checkup("2019"), checkup("")]
    patient = bring(db_session, make_packages, health=served)
    order = prepare_report(db_session, patient, make_identity(), "TM_WELNO_1")
    assert isinstance(order, ReportOrder)
    assert order.checkup_date == date(2023, 9, 28)
    data = order.payload["twobecon_data"]
    assert (data["tid"], data["birth"], data["gender"]) == ("TM_WELNO_1", "1984-05-17", 1)
    assert data["checkup"] == {
        "date": "2023-09-28",
        "height": 171.3,
        "weight": 69.2,
        "sbp": 118,
        "dbp": 76,
        "fbs": 94,
        "bmi": 23.6,
    }


def test_what_is_missing_is_named(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    patient = bring(db_session, make_packages, health=[checkup(신장="171.3", 체중="69.2")])
    order = prepare_report(db_session, patient, make_identity(), "TM_WELNO_1")
    assert order == MissingInputs(["blood_pressure", "fasting_glucose"])


def test_without_a_checkup_there_is_nothing_to_order(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    patient = bring(db_session, make_packages, health=[])
    assert isinstance(prepare_report(db_session, patient, make_identity(), "TM_WELNO_1"), MissingInputs)


def test_a_report_is_kept_whole(db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity) -> None:
    patient = bring(db_session, make_packages)
    store(db_session, patient, make_identity())
    kept = newest_report(db_session, patient.uuid)
    assert kept is not None
    assert (kept.report_url, kept.bodyage, kept.rank) == ("https://reports.example/1.pdf", 38, 15)
    assert kept.checkup_date == date(2023, 9, 28)
    assert (kept.analyzed_at, kept.provider, kept.hospital_id) == (NOW, "twobecon", "PEERNINE")
    assert kept.disease_data[0]["name"] == "고혈압"
    assert kept.mediarc_response == {"mkt_uuid": "m-1", "note": "a\x00b"}
    db_session.refresh(patient)
    assert patient.has_mediarc_report


def test_the_newest_report_wins(db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity) -> None:
    patient = bring(db_session, make_packages)
    store(db_session, patient, make_identity(), bodyage=38)
    store(db_session, patient, make_identity(), NOW + timedelta(days=1), bodyage=37)
    store(db_session, patient, make_identity(), NOW - timedelta(days=1), bodyage=36)
    assert db_session.scalar(select(func.count()).select_from(MediarcReport)) == 1
    assert db_session.scalar(select(MediarcReport.bodyage)) == 37


def test_the_order_gets_its_report(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    patient = bring(db_session, make_packages)
    db_session.add(CampaignPayment(**BUYER))
    store(db_session, patient, make_identity(oid="ORDER-1"), raw={"mkt_uuid": "m-1"})
    order = db_session.get_one(CampaignPayment, "ORDER-1")
    assert (order.pipeline_step, order.report_url) == ("REPORT_COMPLETED", "https://reports.example/1.pdf")
    assert (order.mediarc_response, order.patient_uuid) == ({"mkt_uuid": "m-1"}, patient.uuid)


def test_somebody_elses_order_gets_no_report(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    patient = bring(db_session, make_packages)
    db_session.add(CampaignPayment(**(BUYER | {"user_name": "이바다"})))
    store(db_session, patient, make_identity(oid="ORDER-1"))
    assert db_session.get_one(CampaignPayment, "ORDER-1").report_url is None


def test_a_failure_is_noted_on_the_order_and_takes_nothing_away(
    db_session: Session, make_packages: MakePackages, make_identity: MakeIdentity
) -> None:
    patient = bring(db_session, make_packages)
    identity = make_identity(oid="ORDER-1")
    db_session.add(CampaignPayment(**BUYER))
    assert mark_report_failed(db_session, patient_uuid=patient.uuid, identity=identity, now=NOW)
    assert db_session.get_one(CampaignPayment, "ORDER-1").pipeline_step == "REPORT_FAILED"
    store(db_session, patient, identity)
    mark_report_failed(db_session, patient_uuid=patient.uuid, identity=identity, now=NOW)
    assert db_session.get_one(CampaignPayment, "ORDER-1").pipeline_step == "REPORT_COMPLETED"


def test_without_an_order_a_failure_marks_nothing(db_session: Session, make_identity: MakeIdentity) -> None:
    assert not mark_report_failed(db_session, patient_uuid=uuid4(), identity=make_identity(), now=NOW)
