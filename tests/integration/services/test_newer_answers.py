"""A newer answer is the truth for its window: rows change, go and come back; an older one takes nothing back."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from core.logs import get_logger
from models.patients import Checkup, Patient, Prescription, RecordAnswer, RecordVersion
from services.collection import record_rows
from services.collection.files import ImportResult, import_package
from services.collection.windows import Window
from services.patients.records import list_checkups, list_prescriptions, records_version
from spool import DataType

from .conftest import NOW, MakePackages, checkup, treatment

LATER = NOW + timedelta(days=40)
PLACES = ("새봄약국", "누리약국", "다온약국", "한빛내과의원")


@pytest.fixture
def collect(db_session: Session, make_packages: MakePackages) -> Any:
    """Import what one session collected; the results by kind."""

    def run(now: datetime = NOW, **records: Any) -> dict[DataType, ImportResult]:
        packages = make_packages(now=now, **records)
        return {package.metadata.data_type: import_package(db_session, package, LATER) for package in packages}

    return run


def patient(session: Session) -> Patient:
    return session.scalars(select(Patient).execution_options(populate_existing=True)).one()


def shown(session: Session) -> list[str]:
    return [row.hospital_name for row in list_prescriptions(session, patient(session).uuid, limit=50).items]


def test_one_more_space_doubles_nothing(db_session: Session, collect: Any) -> None:
    years = ("2021년", "2023년", "2025년")
    collect(
        health=[checkup(year, location="한빛검진의원") for year in years],
        prescriptions=[treatment(place=place, Address="마포구 가온로") for place in PLACES],
    )
    results = collect(
        now=LATER,
        health=[checkup(year, location="한빛 검진의원") for year in years],
        prescriptions=[treatment(place=f"{place} ", Address="마포구  가온로") for place in PLACES],
    )
    assert [(one.inserted, one.updated, one.total) for one in results.values()][1:] == [(0, 3, 3), (0, 4, 4)]
    assert len(db_session.scalars(select(Checkup)).all()) == 3
    assert {row.address for row in db_session.scalars(select(Prescription))} == {"마포구  가온로"}


def test_a_withdrawn_row_leaves_the_list_and_comes_back(db_session: Session, collect: Any) -> None:
    both, one = [treatment(place=place) for place in PLACES[:2]], [treatment(place=PLACES[0])]
    collect(prescriptions=both)
    versions = [records_version(db_session, patient(db_session).uuid, Prescription)]
    assert collect(now=LATER, prescriptions=one)[DataType.PRESCRIPTION].withdrawn == 1
    versions.append(records_version(db_session, patient(db_session).uuid, Prescription))
    assert shown(db_session) == [PLACES[0]]
    assert db_session.scalar(select(Prescription.withdrawn_at).where(Prescription.hospital_name == PLACES[1])) == LATER
    collect(now=LATER + timedelta(days=1), prescriptions=both)
    versions.append(records_version(db_session, patient(db_session).uuid, Prescription))
    assert sorted(shown(db_session)) == sorted(PLACES[:2])
    assert len(db_session.scalars(select(Prescription)).all()) == 2
    assert versions[0] != versions[1] != versions[2]


@pytest.mark.parametrize(("goes", "comes"), [([0], [1]), ([0, 3], [1, 2])])
def test_rows_that_change_places_with_withdrawn_ones_are_another_version(
    db_session: Session, collect: Any, goes: list[int], comes: list[int]
) -> None:
    first, second = ([treatment(place=PLACES[at]) for at in chosen] for chosen in (goes, comes))
    collect(prescriptions=[treatment(place=place) for place in PLACES])
    collect(now=LATER, prescriptions=first)
    version = records_version(db_session, patient(db_session).uuid, Prescription)
    collect(now=LATER + timedelta(days=1), prescriptions=second)
    assert sorted(shown(db_session)) == sorted(PLACES[at] for at in comes)
    assert records_version(db_session, patient(db_session).uuid, Prescription) != version


def test_an_answer_about_other_days_withdraws_nothing(db_session: Session, collect: Any) -> None:
    collect(prescriptions=[treatment("2024-03-11"), treatment("2025-03-11", place=PLACES[1])])
    collect(now=LATER, prescriptions=[], window=Window(date(2025, 1, 1), date(2026, 9, 1)))
    assert shown(db_session) == [PLACES[0]]


def test_the_patient_shows_nothing_when_all_is_withdrawn(db_session: Session, collect: Any) -> None:
    collect(health=[checkup()], prescriptions=[treatment()])
    collect(now=LATER, health=[], prescriptions=[])
    kept = patient(db_session)
    assert (kept.has_health_data, kept.has_prescription_data, kept.last_data_update) == (False, False, LATER)
    assert list_checkups(db_session, kept.uuid, limit=9).items == []
    collect(now=LATER + timedelta(days=1), health=[checkup()])
    assert patient(db_session).has_health_data


def test_an_older_answer_that_is_saved_later_changes_nothing(db_session: Session, collect: Any) -> None:
    collect(now=LATER, prescriptions=[treatment(Address="새 주소")])
    result = collect(prescriptions=[treatment(Address="옛 주소"), treatment(place=PLACES[1])])[DataType.PRESCRIPTION]
    assert (result.inserted, result.updated) == (1, 0)
    assert shown(db_session) == [PLACES[0]]
    assert db_session.scalars(select(Prescription.address).order_by(Prescription.id)).first() == "새 주소"


def test_what_a_record_was_is_kept(db_session: Session, collect: Any) -> None:
    collect(prescriptions=[treatment(Address="옛 주소")])
    collect(now=LATER, prescriptions=[treatment(Address="새 주소")])
    (version,) = db_session.scalars(select(RecordVersion))
    record = db_session.scalars(select(Prescription)).one()
    assert (version.record_id, version.answered_at) == (record.id, NOW)
    assert (version.content["raw_data"]["Address"], record.address) == ("옛 주소", "새 주소")


def test_another_place_in_the_answer_makes_no_version(db_session: Session, collect: Any) -> None:
    collect(prescriptions=[treatment(idx="1")])
    collect(now=LATER, prescriptions=[treatment(idx="7")])
    assert db_session.scalars(select(RecordVersion)).all() == []


@pytest.mark.parametrize("odd", [None, 7, "x", []])
def test_a_bad_row_is_skipped_and_counted(db_session: Session, collect: Any, odd: Any) -> None:
    collect(prescriptions=[treatment(place=place) for place in PLACES[:2]])
    with capture_logs() as logs:
        result = collect(now=LATER, prescriptions=[treatment(place=PLACES[0]), odd])[DataType.PRESCRIPTION]
    # What cannot be read may be the row that seems to be gone.
    assert (result.total, result.skipped, result.withdrawn) == (1, 1, 0)
    assert [log["count"] for log in logs if log["event"] == "records_skipped"] == [1]
    newest = db_session.scalars(select(RecordAnswer).order_by(RecordAnswer.answered_at.desc())).first()
    assert newest is not None
    assert (newest.records, newest.skipped, newest.window_first) == (1, 1, None)


def test_odd_types_within_a_row_cost_only_themselves(db_session: Session, collect: Any) -> None:
    odd = treatment(
        place=5, Address=["x"], BangMoonIpWonIlsoo={}, RetrieveTreatmentInjectionInformationPersonDetailList=3
    )
    result = collect(health=[checkup() | {"Inspections": "x", "Code": None}], prescriptions=[odd])
    assert [one.total for one in result.values()] == [1, 1, 1]
    assert db_session.execute(select(Prescription.hospital_name, Prescription.address)).one() == ("5", "")


def test_every_item_is_kept_and_unknown_names_are_logged_by_name(
    db_session: Session, collect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that was used before the logs were configured anew, as an app does, keeps its old processors.
    monkeypatch.setattr(record_rows, "log", get_logger("record_rows"))
    values = {
        "에이에스티(AST, SGOT)": "２２(정상)",
        "당화혈색소(HbA1c)": "5.6",
        "요단백": "해당없음",
        "청각(좌/우)": "정상/비정상",
    }
    with capture_logs() as logs:
        collect(health=[checkup(**values)])
    stored = db_session.scalars(select(Checkup)).one()
    assert [(item["name"], item["value"], item["number"]) for item in stored.items] == [
        ("에이에스티(AST, SGOT)", "２２(정상)", 22),
        ("당화혈색소(HbA1c)", "5.6", 5.6),
        ("요단백", "해당없음", None),
        ("청각(좌/우)", "정상/비정상", None),
    ]
    assert (stored.ast_u_l, stored.urine_protein, stored.hearing_left, stored.hearing_right) == (
        22,
        None,
        "정상",
        "비정상",
    )
    unknown = [log["names"] for log in logs if log["event"] == "checkup_items_unknown"]
    assert unknown == [["당화혈색소(HbA1c)"]]
    assert "5.6" not in str(logs)


def test_a_picture_is_stored_once(db_session: Session, collect: Any) -> None:
    drug = {"DrugCode": "600000001", "DrugImage": "UElMTA" * 1000}
    detail = {"ChoBangYakPumMyung": "가나정500mg", "RetrieveMdsupDtlInfo": drug}
    collect(prescriptions=[treatment(RetrieveTreatmentInjectionInformationPersonDetailList=[detail])])
    # Filled in elsewhere: the version of before does not hold the picture again.
    later = treatment(Address="새 주소", RetrieveTreatmentInjectionInformationPersonDetailList=[detail])
    collect(now=LATER, prescriptions=[later])
    whole = db_session.scalar(
        text(
            "select string_agg(stored::text, '') from (select p::text from welno.welno_prescription_data p "
            "union all select v::text from welno.welno_record_versions v) as kept (stored)"
        )
    )
    assert str(whole).count(drug["DrugImage"]) == 1


def test_the_window_of_an_answer_travels_with_its_package(make_packages: MakePackages) -> None:
    window = Window(date(2025, 9, 21), date(2026, 9, 21))
    patient_file, package = make_packages(prescriptions=[], window=window)
    metadata = package.metadata
    assert (metadata.answered_at, metadata.window_first, metadata.window_last) == (NOW, window.first, window.last)
    assert patient_file.metadata.answered_at is None


def test_rows_of_before_the_migration_are_known_again(db_session: Session, collect: Any) -> None:
    collect(health=[checkup()], prescriptions=[treatment(place=place) for place in PLACES])
    for table in (Checkup, Prescription):
        db_session.execute(update(table).values(details_key="", content_hash=""))
    db_session.execute(delete(RecordAnswer))
    respelled = [treatment(place=f" {place}", Address="새 주소") for place in PLACES]
    results = collect(now=LATER, health=[checkup()], prescriptions=respelled)
    assert [(one.inserted, one.updated, one.withdrawn) for one in results.values()][1:] == [(0, 1, 0), (0, 4, 0)]


def test_nobody_elses_records_are_touched(db_session: Session, collect: Any) -> None:
    collect(prescriptions=[treatment()], user_name="이바다")
    collect(now=LATER, prescriptions=[])
    owners = db_session.execute(select(Prescription.patient_uuid, Prescription.withdrawn_at)).all()
    assert [(isinstance(owner, UUID), withdrawn) for owner, withdrawn in owners] == [(True, None)]
