"""Reading back: newest first, page by page, one statement each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from models.patients import Checkup, MediarcReport, Prescription
from services.collection.files import import_package
from services.patients.records import (
    BadCursor,
    Cursor,
    list_checkups,
    list_prescriptions,
    newest_report,
    records_version,
)

from .conftest import NOW, MakePackages, checkup, treatment


def bring(session: Session, make_packages: MakePackages, **records: object) -> UUID:
    packages = make_packages(**records)
    for package in packages:
        import_package(session, package, NOW)
    return UUID(packages[0].metadata.patient_uuid)


@contextmanager
def counted_statements(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_pages_hold_every_treatment_once_newest_first(db_session: Session, make_packages: MakePackages) -> None:
    days = ["2024-03-11", "2024-03-11", "2025-01-02", "", "2024-03-11", "", "2023-12-31"]
    rows = [treatment(day, idx=str(number)) for number, day in enumerate(days)]
    uuid = bring(db_session, make_packages, prescriptions=rows)
    seen: list[Prescription] = []
    after = None
    for _ in range(len(days)):
        page = list_prescriptions(db_session, uuid, limit=2, after=after)
        seen += page.items
        after = page.next_cursor and Cursor.decode(page.next_cursor.encode())
        if after is None:
            break
    assert [row.treatment_date and row.treatment_date.isoformat() for row in seen] == [
        *sorted(filter(None, days), reverse=True),
        None,
        None,
    ]
    assert len({row.id for row in seen}) == len(days)


def test_a_record_that_comes_between_shifts_no_page(db_session: Session, make_packages: MakePackages) -> None:
    uuid = bring(db_session, make_packages, health=[checkup("2021"), checkup("2019"), checkup("2017")])
    first = list_checkups(db_session, uuid, limit=1)
    bring(db_session, make_packages, health=[checkup("2025")])
    second = list_checkups(db_session, uuid, limit=2, after=first.next_cursor)
    assert [row.year for row in [*first.items, *second.items]] == [2021, 2019, 2017]
    assert second.next_cursor is None


def test_a_list_is_one_statement(db_session: Session, engine: Engine, make_packages: MakePackages) -> None:
    uuid = bring(db_session, make_packages, prescriptions=[treatment(idx=str(number)) for number in range(30)])
    db_session.expunge_all()
    with counted_statements(engine) as statements:
        assert len(list_prescriptions(db_session, uuid, limit=20).items) == 20
    assert len(statements) == 1


def test_nobody_elses_records_are_listed(db_session: Session, make_packages: MakePackages) -> None:
    bring(db_session, make_packages, health=[checkup()], user_name="이바다")
    uuid = bring(db_session, make_packages, health=[checkup("2021")])
    assert [row.year for row in list_checkups(db_session, uuid, limit=10).items] == [2021]


def test_records_are_given_back_as_served(db_session: Session, make_packages: MakePackages) -> None:
    served = checkup(location="한빛\x00검진의원")
    uuid = bring(db_session, make_packages, health=[served])
    db_session.expunge_all()
    (row,) = list_checkups(db_session, uuid, limit=1).items
    assert row.raw_data == served
    assert row not in db_session.dirty


@pytest.mark.parametrize(
    "text", ["", "x", "가", "fDF4", "MjAyNC0xMy0wMXwx", "fC0x", "MjAyNC0wMS0wMXw5OTk5OTk5OTk5OTk5OTk5OTk5OTk"]
)
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.decode(text)


def test_the_version_changes_with_the_records_only(db_session: Session, make_packages: MakePackages) -> None:
    uuid = bring(db_session, make_packages, health=[checkup()])
    before = records_version(db_session, uuid, Checkup)
    bring(db_session, make_packages, health=[checkup()], prescriptions=[treatment()])
    assert records_version(db_session, uuid, Checkup) == before
    bring(db_session, make_packages, health=[checkup("2025")])
    assert records_version(db_session, uuid, Checkup) != before


def test_the_version_notices_a_correction(db_session: Session, make_packages: MakePackages) -> None:
    later = NOW + timedelta(days=1)
    uuid = bring(db_session, make_packages, health=[checkup("2025", 공복혈당="1"), checkup("2021", 공복혈당="1")])
    bring(db_session, make_packages, health=[checkup("2025", 공복혈당="2")], now=later)
    before = records_version(db_session, uuid, Checkup)
    # The newest time and the count stay as they are; only the other row's time moves.
    bring(db_session, make_packages, health=[checkup("2021", 공복혈당="2")], now=later)
    assert records_version(db_session, uuid, Checkup) != before


def test_no_records_have_a_version_too(db_session: Session) -> None:
    assert records_version(db_session, uuid4(), MediarcReport) == records_version(db_session, uuid4(), Prescription)


def test_a_patient_without_a_report_has_none(db_session: Session) -> None:
    assert newest_report(db_session, uuid4()) is None
