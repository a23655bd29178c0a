"""An analysis in its interview's row: columns, persona, and what the project learns from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from models.interviews import Interview
from services.delivery.unit_of_work import Work
from services.interviews.analysis_inputs import build_inputs
from services.interviews.erasure import empty_interview
from services.interviews.results import read_analysis, save_result
from services.interviews.row_security import as_analyst

from .company import KINDS, World, add_interview

OUTPUTS = {
    "cleaned_script": [{"id": [1], "speaker": "[이름1]", "category": "경험", "cleaned_sentence": "느려요"}],
    "key_takeaways": ["결제가 어렵다", "쿠폰이 헷갈린다", "쿠폰이 헷갈린다"],
    "script_sections": [{"sector_name": name, "start_line": 1, "end_line": 2} for name in ("첫인상", "마무리")],
    "ai_persona_match": {"persona_code": "P1"},
}


@pytest.fixture
def save(engine: Engine, world: World) -> Callable[..., UUID]:
    def saved(project: UUID, author: str, **outputs: Any) -> UUID:
        with Session(engine) as session, session.begin():
            interview_id = add_interview(session, world, project, author)
        with changing(engine, project) as session:
            save_result(session, session.get_one(Interview, interview_id), read_analysis(OUTPUTS | outputs))
        return interview_id

    return saved


@contextmanager
def changing(engine: Engine, project: UUID) -> Iterator[Session]:
    """Under row-level security, as the run is."""
    with Session(engine) as session, session.begin(), as_analyst(session, project):
        yield session


def read(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement), values))


def columns_of(engine: Engine, interview_id: UUID) -> Any:
    [row] = read(engine, "select * from welno.interviews where id = :id", id=interview_id)
    return row


def test_the_columns_hold_what_miso_said(engine: Engine, save: Callable[..., UUID], world: World):
    row = columns_of(engine, save(world.food, "mina"))
    assert row.cleaned_script == OUTPUTS["cleaned_script"]
    assert (row.key_takeaways, row.primary_needs) == (OUTPUTS["key_takeaways"], None)


def test_a_persona_made_of_another_projects_interviews_is_none_of_this_one(
    engine: Engine, save: Callable[..., UUID], world: World
):
    add = (
        "insert into welno.persona_combinations (id, company_id, project_id, persona_code, title)"
        " values (gen_random_uuid(), :company, :project, :code, 'x')"
    )
    with engine.begin() as connection:
        for code, project in (("GEN-bank", world.bank), ("GEN-food", world.food)):
            connection.execute(text(add), {"company": world.company, "project": project, "code": code})
    matched = {
        code: columns_of(engine, save(world.food, "mina", ai_persona_match={"persona_code": code}))
        for code in ("GEN-bank", "GEN-food")
    }
    assert [row.persona_combination_id is None for row in matched.values()] == [True, False]
    with changing(engine, world.food) as session:
        told = build_inputs(session, session.get_one(Interview, matched["GEN-food"].id))["personas"]
    assert told == "GEN-food, P1"


@pytest.mark.parametrize("code", ["P1", "P9"])
def test_a_persona_is_one_of_the_same_company_or_none(
    engine: Engine, save: Callable[..., UUID], world: World, code: str
):
    with engine.begin() as connection:
        connection.execute(
            text("insert into welno.persona_combinations values (gen_random_uuid(), :company, 'P9', 'x', null)"),
            {"company": world.other_company},
        )
    row = columns_of(engine, save(world.food, "mina", ai_persona_match={"persona_code": code}))
    persona = row.persona_combination_id
    found = read(engine, "select company_id from welno.persona_combinations where id = :id", id=persona)
    assert [one.company_id for one in found] == ([world.company] if code == "P1" else [])


def test_the_quotes_of_an_analysis_point_to_its_script(engine: Engine, save: Callable[..., UUID], world: World):
    points = [{"description": "느리다", "evidence": ["느려요", "이런 말은 없어요"]}]
    row = columns_of(engine, save(world.food, "mina", primary_pain_points=points))
    assert row.primary_pain_points == points
    assert row.evidence["primary_pain_points"] == [
        [
            {"quote": "느려요", "utterance_ids": [1], "verified": True},
            {"quote": "이런 말은 없어요", "utterance_ids": [], "verified": False},
        ]
    ]
    assert len(row.evidence["key_takeaways"]) == len(row.key_takeaways)


def test_the_project_learns_new_sections_and_takeaways_once(engine: Engine, save: Callable[..., UUID], world: World):
    for _ in range(2):
        save(world.food, "mina", key_takeaways=[*OUTPUTS["key_takeaways"], "길" * 3000])
    mine = {"id": world.food}
    sections = read(engine, "select section_name from welno.script_sections where project_id = :id", **mine)
    takeaways = read(engine, "select takeaway_text from welno.key_takeaways where project_id = :id", **mine)
    assert sorted(row[0] for row in sections) == ["마무리", "첫인상"]
    assert sorted(row[0] for row in takeaways) == ["결제가 어렵다", "쿠폰이 헷갈린다"]


def test_what_one_interview_alone_taught_goes_with_it(engine: Engine, save: Callable[..., UUID], world: World):
    alone = {
        "key_takeaways": ["결제가 어렵다", "이 사람만의 말"],
        "script_sections": [{"sector_name": "이 사람의 하루"}],
    }
    mine, other = save(world.food, "mina", **alone), save(world.food, "mina")
    save(world.bank, "mina", **alone)
    receipts = []
    for interview_id in (mine, other):
        with changing(engine, world.food) as session:
            interview = session.get_one(Interview, interview_id)
            receipt = empty_interview(Work(session, KINDS), interview, clock.now(), world.people["mina"]).receipt
        receipts.append((receipt["takeaways"], receipt["sections"]))
    assert receipts == [(1, 1), (2, 2)]
    assert read(engine, "select 1 from welno.key_takeaways where project_id = :id", id=world.food) == []
    assert read(engine, "select 1 from welno.script_sections where project_id = :id", id=world.food) == []
    assert len(read(engine, "select 1 from welno.key_takeaways where project_id = :id", id=world.bank)) == 2


def test_two_that_are_erased_together_leave_what_they_shared_to_nobody(
    engine: Engine, save: Callable[..., UUID], world: World
):
    both = [save(world.food, "mina") for _ in range(2)]
    with changing(engine, world.food) as session:
        for interview_id in both:
            interview = session.get_one(Interview, interview_id)
            empty_interview(Work(session, KINDS), interview, clock.now(), world.people["mina"])
    assert read(engine, "select 1 from welno.key_takeaways where project_id = :id", id=world.food) == []


def test_what_cannot_be_learnt_fails_no_analysis(engine: Engine, save: Callable[..., UUID], world: World):
    with engine.begin() as connection:
        connection.execute(text("alter table welno.key_takeaways add constraint no_more check (id < 0) not valid"))
    try:
        interview_id = save(world.food, "mina")
    finally:
        with engine.begin() as connection:
            connection.execute(text("alter table welno.key_takeaways drop constraint no_more"))
    assert columns_of(engine, interview_id).key_takeaways == OUTPUTS["key_takeaways"]
    assert read(engine, "select 1 from welno.script_sections where section_name = '마무리'") == []


def test_what_other_interviews_taught_names_nobody_of_the_next_one(
    engine: Engine, save: Callable[..., UUID], world: World
):
    """Each has its own numbers: MISO would take theirs for those of the text at hand, and repeat them."""
    said = ["[이름1]은 결제가 어렵다", "[이름2]은 결제가 어렵다", "쿠폰이 헷갈린다"]
    sections = [{"sector_name": "[이름1]의 하루", "start_line": 1, "end_line": 2}]
    save(world.food, "mina", key_takeaways=said, script_sections=sections)
    later = save(world.food, "mina", key_takeaways=[], script_sections=[])
    with changing(engine, world.food) as session:
        inputs = build_inputs(session, session.get_one(Interview, later))
    taught = [one for one in inputs["key_takeaways"].split(", ") if "이름" in one]
    assert taught == ["[이름]은 결제가 어렵다"]
    assert "[이름]의 하루" in inputs["interview_sections"].split(", ")
