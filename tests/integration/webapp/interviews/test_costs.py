"""What analyses cost, by month, project and interview."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.interviews import Interview
from services.interviews.costs import note_cost
from services.interviews.row_security import as_analyst
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

# Two seconds around the beginning of a month in Korea.
OCTOBER, NOVEMBER = datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC), datetime(2026, 10, 31, 15, tzinfo=UTC)


@pytest.fixture
def costly(app: Flask, world: World) -> list[UUID]:
    """The first with two attempts, the second one of them after the month's end; another project has costs as well."""
    with Session(parts(app).stores.engine) as session, session.begin():
        made = [add_interview(session, world, world.food, "jun", title=str(number)) for number in range(2)]
        other = add_interview(session, world, world.bank, "mina")
        with as_analyst(session, world.food):
            first, second = (session.get_one(Interview, one) for one in made)
            note_cost(session, first, OCTOBER, calls=1)
            note_cost(session, first, NOVEMBER, tokens=100, seconds=1.25)
            first.attempt = 2
            note_cost(session, first, NOVEMBER, calls=2, tokens=30, seconds=2)
            note_cost(session, second, NOVEMBER, calls=1, tokens=40, seconds=4)
        with as_analyst(session, world.bank):
            note_cost(session, session.get_one(Interview, other), NOVEMBER, calls=1, tokens=999, seconds=9)
    return made


def test_a_month_shows_its_interviews_and_what_it_cost_in_all(mina: Member, world: World, costly: list[UUID]):
    body = mina.ask("GET", f"/api/projects/{world.food}/costs?month=2026-11").json
    assert body == {
        "success": True,
        "month": "2026-11",
        "total": {"calls": 3, "tokens": 70, "seconds": 6.0},
        "monthly_token_limit": None,
        "reserved_tokens": 0,
        "interviews": [
            {"interview_id": str(costly[1]), "title": "1", "calls": 1, "tokens": 40, "seconds": 4.0},
            {"interview_id": str(costly[0]), "title": "0", "calls": 2, "tokens": 30, "seconds": 2.0},
        ],
        "insights": [],
        "months": [
            {"month": "2026-11", "calls": 3, "tokens": 70, "seconds": 6.0},
            {"month": "2026-10", "calls": 1, "tokens": 100, "seconds": 1.25},
        ],
    }


def test_an_attempt_is_paid_by_the_month_of_its_call(mina: Member, world: World, costly: list[UUID]):
    october = mina.ask("GET", f"/api/projects/{world.food}/costs?month=2026-10").json
    assert october["total"] == {"calls": 1, "tokens": 100, "seconds": 1.25}
    december = mina.ask("GET", f"/api/projects/{world.food}/costs?month=2026-12").json
    assert (december["total"]["tokens"], december["interviews"]) == (0, [])
    assert mina.ask("GET", f"/api/projects/{world.food}/costs").status_code == 200


@pytest.mark.parametrize("month", ["2026", "2026-13", "26-11", "2026-11-01", "２０２６-11"])
def test_what_is_no_month_is_told(mina: Member, world: World, month: str):
    answer = mina.ask("GET", f"/api/projects/{world.food}/costs?month={month}")
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["month"])
