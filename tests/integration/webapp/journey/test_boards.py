"""The board and the hall over HTTP: what they show, and to whom."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from models.journey import Display, Exam, PatientState
from tests.integration.services.journey.hospital import Hospital
from tests.integration.webapp.journey.conftest import HALL_KEY, Desk, Phone, code
from tests.integration.webapp.people import API
from webapp.current import parts


@pytest.fixture
def in_line(app: Flask, people: list[UUID]) -> UUID:
    """The first of the demo's patients, called for blood."""
    with parts(app).stores.unit_of_work() as work:
        hospital = Hospital(work.session)
        hospital.now = parts(app).stores.clock.now()
        exam = work.session.get_one(Exam, "EX-BLOOD")
        person = hospital.visitor()
        hospital.entry(exam, person, state="called", called_at=hospital.now, queue_number=41)
        hospital.entry(exam, queue_number=42)
        return person.user_id


def ask_hall(app: Flask, key: str | None, display_id: str = "HALL-1"):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return app.test_client().get(f"{API}/hall/{display_id}/", headers=headers)


def test_staff_see_the_line_with_names(in_line: UUID, desk: Desk):
    board = desk.ask("GET", "/board/EX-BLOOD").json
    called, waiting = board["queues"]
    assert (called["queue_number"], called["patient"]) == (41, {"user_id": str(in_line), "name": "시연001"})
    assert (waiting["position"], waiting["estimate"]["basis"]) == (1, "fixed")
    assert (board["waiting_count"], board["errors"]["calls"], board["shifts"]) == (1, 0, [])


def test_a_board_is_staffs_alone(app: Flask, in_line: UUID, desk: Desk, phone: Phone, staff: dict[str, str]):
    assert code(phone.ask("GET", "/board/EX-BLOOD")) == (403, "FORBIDDEN")
    assert code(app.test_client().get(f"{API}/board/EX-BLOOD")) == (401, "UNAUTHORIZED")
    assert app.test_client().get(f"{API}/board/EX-BLOOD", headers=staff).status_code == 401
    assert code(desk.ask("GET", "/board/EX-GONE")) == (404, "EXAM_NOT_FOUND")


def test_a_hall_shows_numbers_to_its_key(app: Flask, in_line: UUID):
    answer = ask_hall(app, HALL_KEY)
    row = next(row for row in answer.json["rooms"] if row["exam_id"] == "EX-BLOOD")
    assert ([call["queue_number"] for call in row["calling"]], row["next"], row["waiting_count"]) == ([41], [42], 1)
    assert "시연" not in answer.text.replace("시연실", "")
    assert str(in_line) not in answer.text


def test_without_its_key_a_hall_is_shown_to_nobody(app: Flask, people: list[UUID], desk: Desk, phone: Phone):
    with parts(app).stores.unit_of_work() as work:
        stored = work.session.scalar(select(Display.key_hash))
    for key in (None, "x", stored, desk.token, phone.pair.access_token):
        assert code(ask_hall(app, key)) == (401, "UNAUTHORIZED")
    assert code(ask_hall(app, HALL_KEY, "HALL-9")) == (404, "NOT_FOUND")


def test_a_revoked_key_opens_nothing(app: Flask, people: list[UUID]):
    with parts(app).stores.unit_of_work() as work:
        work.session.execute(update(Display).values(revoked_at=parts(app).stores.clock.now()))
    assert ask_hall(app, HALL_KEY).status_code == 401


def test_long_lines_cost_no_more_statements(app: Flask, in_line: UUID, desk: Desk, count_statements: Callable):
    def statements() -> int:
        with count_statements() as sent:
            desk.ask("GET", "/board/EX-BLOOD")
        return len(sent)

    few = statements()
    with parts(app).stores.unit_of_work() as work:
        hospital = Hospital(work.session)
        exam = work.session.get_one(Exam, "EX-BLOOD")
        for number in range(100, 160):
            hospital.entry(exam, queue_number=number, place=number)
        assert work.session.query(PatientState).count() >= 60
    assert statements() == few
