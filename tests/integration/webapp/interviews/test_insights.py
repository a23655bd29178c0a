"""Themes and personas over HTTP: when they may begin, and what is shown when an interview goes."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.interviews import Insight, InsightKind, PersonaCombination
from services.interviews.insight_inputs import build_insight_inputs
from services.interviews.insight_results import read_insight_result, read_scripts, save_insight
from services.interviews.masking.placeholders import placeholders_in
from services.interviews.row_security import as_analyst
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

SAID = "결제가 느려서 답답했어요."
SCRIPT = [{"id": [1], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": SAID}]


def complete(app: Flask, world: World, project: UUID, **changes: Any) -> UUID:
    with Session(parts(app).stores.engine) as session, session.begin():
        return add_interview(
            session, world, project, "mina", **({"status": "completed", "cleaned_script": SCRIPT} | changes)
        )


def finish(app: Flask, world: World, insight_id: str, interviews: list[UUID], outputs: dict[str, Any]) -> None:
    """As the run does."""
    with Session(parts(app).stores.engine) as session, session.begin(), as_analyst(session, world.food):
        insight = session.get_one(Insight, UUID(insight_id))
        insight.interview_ids = [str(one) for one in interviews]
        save_insight(
            session, insight, read_insight_result(InsightKind(insight.kind), outputs, read_scripts(session, insight))
        )
        insight.status = "completed"


def themes_of(member: Member, world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = member.ask("GET", f"/api/projects/{world.food}/themes").json["insights"]
    return found


def begin(app: Flask, member: Member, world: World) -> str:
    answer = member.ask("POST", f"/api/projects/{world.food}/themes")
    assert answer.status_code == 202, answer.text
    found: str = answer.json["insight"]["id"]
    return found


def test_themes_need_interviews_and_begin_once(app: Flask, jun: Member, world: World, engine: Engine):
    path = f"/api/projects/{world.food}/themes"
    complete(app, world, world.food, status="processing")
    none = jun.ask("POST", path)
    assert (none.status_code, none.json["error"]["code"]) == (409, "NO_INTERVIEWS")
    complete(app, world, world.food)
    insight_id = begin(app, jun, world)
    again = jun.ask("POST", path)
    assert (again.status_code, again.json["error"]["code"]) == (409, "INSIGHT_UNDER_WAY")
    with engine.connect() as connection:
        query = text("select step, state from welno.interview_runs where interview_id = :id")
        run = connection.execute(query, {"id": insight_id}).one()
    assert tuple(run) == ("analyse", "ready")
    assert [(one["id"], one["status"]) for one in themes_of(jun, world)] == [(insight_id, "processing")]


def test_a_spent_budget_makes_no_themes(app: Flask, jun: Member, world: World, engine: Engine):
    complete(app, world, world.food)
    with engine.begin() as connection:
        connection.execute(text("update welno.projects set monthly_token_limit = 0 where id = :id"), {"id": world.food})
    refused = jun.ask("POST", f"/api/projects/{world.food}/themes")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "BUDGET_SPENT")


def test_a_deleted_interview_supports_nothing_until_it_is_restored(app: Flask, jun: Member, world: World):
    kept, gone = complete(app, world, world.food), complete(app, world, world.food)
    other = [SCRIPT[0] | {"cleaned_sentence": "쿠폰을 못 찾겠어요."}]
    with Session(parts(app).stores.engine) as session, session.begin():
        statement = text("update welno.interviews set cleaned_script = cast(:script as jsonb) where id = :id")
        session.execute(statement, {"script": json.dumps(other), "id": gone})
    insight_id = begin(app, jun, world)
    theme = {"title": "불편", "quotes": [SAID, "쿠폰을 못 찾겠어요.", "없는 말"]}
    finish(app, world, insight_id, [kept, gone], {"result": {"themes": [theme]}})
    [before] = themes_of(jun, world)[0]["result"]["themes"]
    assert (before["interviews"], before["quotes"], len(before["evidence"])) == (2, 2, 3)
    jun.ask("DELETE", f"/api/interviews/{gone}")
    [shown] = themes_of(jun, world)
    [after] = shown["result"]["themes"]
    assert (after["interviews"], after["quotes"], shown["interview_ids"]) == (1, 1, [str(kept)])
    assert "쿠폰" not in str(shown)
    jun.ask("POST", f"/api/interviews/{gone}/restore")
    assert themes_of(jun, world)[0]["result"]["themes"] == [before]


def test_people_of_two_interviews_are_told_apart(app: Flask, jun: Member, world: World, engine: Engine):
    """Each has its own [이름1]. MISO is told of them as of two, and so is whoever reads what it says."""
    point = {"description": "[이름1]은 결제가 느려 답답하다", "evidence": [SAID]}
    found = {"primary_pain_points": [[{"quote": f"[이름1]: {SAID}", "utterance_ids": [1], "verified": True}]]}
    said = [SCRIPT[0] | {"cleaned_sentence": f"[이름1]이랑 {SAID}"}]
    told = {
        "cleaned_script": said,
        "primary_pain_points": [point],
        "evidence": found,
        "key_takeaways": ["[전화1]로 왔다"],
    }
    older, newer = (complete(app, world, world.food, **told) for _ in range(2))
    with Session(engine) as session, session.begin(), as_analyst(session, world.food):
        insight = Insight(project_id=world.food, kind=InsightKind.THEMES, interview_ids=[])
        context = build_insight_inputs(session, insight, 50_000)["context"]
    assert insight.interview_ids == [str(newer), str(older)]
    for number in (1, 2):
        assert f"인용: [인터뷰{number} 이름1]: {SAID}" in context
        assert f"핵심: [인터뷰{number} 전화1]로 왔다" in context
        assert f"불편: [인터뷰{number} 이름1]은 결제가" in context
    assert placeholders_in(context) == frozenset()
    theme = {"title": "[인터뷰2 이름1]의 불편", "description": "[이름1]도", "quotes": [f"[인터뷰2 이름1]이랑 {SAID}"]}
    insight_id = begin(app, jun, world)
    finish(app, world, insight_id, [newer, older], {"result": {"summary": "[인터뷰1 이름1]", "themes": [theme]}})
    [shown] = [one["result"] for one in themes_of(jun, world)]
    [made] = shown["themes"]
    assert (shown["summary"], made["title"], made["description"]) == (
        "[인터뷰1 이름1]",
        "[인터뷰2 이름1]의 불편",
        "[이름]도",
    )
    [evidence] = made["evidence"]
    assert (evidence["interview_id"], evidence["quote"]) == (str(older), f"[이름1]이랑 {SAID}")
    assert shown["placeholders"] == [
        {"placeholder": "[인터뷰1 이름1]", "interview_id": str(newer), "in_interview": "[이름1]"},
        {"placeholder": "[인터뷰2 이름1]", "interview_id": str(older), "in_interview": "[이름1]"},
    ]
    jun.ask("DELETE", f"/api/interviews/{older}")
    assert [one["interview_id"] for one in themes_of(jun, world)[0]["result"]["placeholders"]] == [str(newer)]


def test_a_persona_of_the_project_means_nobody_of_an_interview(app: Flask, jun: Member, world: World):
    interview_id = complete(app, world, world.food)
    path = f"/api/projects/{world.food}/personas"
    started = jun.ask("POST", path, json={"interviewIds": [str(interview_id)]}).json["insight"]
    said = {"title": "[인터뷰1 이름1] 같은 사람", "description": "[인터뷰1 이름1]처럼 답답하다", "needs": []}
    finish(app, world, started["id"], [interview_id], {"persona": said})
    [persona] = [one for one in jun.ask("GET", path).json["personas"] if one["id"] == started["id"]]
    assert (persona["title"], persona["description"]) == ("[이름] 같은 사람", "[이름]처럼 답답하다")


def test_a_persona_is_shown_in_the_project_of_its_interviews_alone(
    app: Flask, jun: Member, mina: Member, world: World, engine: Engine
):
    """Mina is in both projects of the company, jun in one."""
    with engine.begin() as connection:
        add = "insert into welno.persona_combinations (id, company_id, project_id, persona_code, title, description)"
        own = text(f"{add} values (gen_random_uuid(), :company, :project, :code, 'x', '은행의 비밀') returning id")
        codes = {"P1": None, "GEN-bank": world.bank, "GEN-food": world.food}
        ids = {
            code: str(
                connection.execute(own, {"company": world.company, "project": project, "code": code}).scalar_one()
            )
            for code, project in codes.items()
        }

    def listed(member: Member, project: UUID) -> list[str]:
        return [one["persona_code"] for one in member.ask("GET", f"/api/projects/{project}/personas").json["personas"]]

    assert listed(jun, world.food) == listed(mina, world.food) == ["GEN-food", "P1"]
    assert listed(mina, world.bank) == ["GEN-bank", "P1"]

    def may_ask(member: Member, code: str) -> bool:
        body = {"messages": [{"role": "user", "content": "왜?"}], "personaId": ids[code]}
        return member.ask("POST", "/api/chat", json=body).status_code != 404

    assert {code: may_ask(jun, code) for code in ids} == {"P1": True, "GEN-bank": False, "GEN-food": True}
    assert may_ask(mina, "GEN-bank")


def test_an_erased_interview_takes_what_was_made_of_it_along(
    app: Flask, jun: Member, mina: Member, world: World, engine: Engine
):
    interview_id = complete(app, world, world.food)
    insight_id = begin(app, jun, world)
    finish(app, world, insight_id, [interview_id], {"result": {"themes": [{"title": "불편", "quotes": [SAID]}]}})
    files = parts(app).spool.interviews
    files.put(UUID(insight_id), "answer-1", SAID.encode())
    receipt = mina.ask("DELETE", f"/api/interviews/{interview_id}?erase=true").json["receipt"]
    assert (receipt["insights"], receipt["files"]) == (1, 1)
    assert (files.names(UUID(insight_id)), themes_of(jun, world)) == ([], [])
    with engine.connect() as connection:
        rows = connection.execute(text("select cast(t as text) from welno.insights t")).scalars().all()
        told = connection.execute(
            text("select body from welno.welno_events where subject = :subject order by seq"),
            {"subject": f"project:{world.food}"},
        ).scalars()
        assert insight_id in "".join([*told][-2:])
    assert not [row for row in rows if "결제" in row]


def test_a_persona_that_was_made_of_an_erased_interview_says_nothing_any_more(
    app: Flask, jun: Member, mina: Member, world: World, engine: Engine
):
    interview_id = complete(app, world, world.food)
    path = f"/api/projects/{world.food}/personas"
    started = jun.ask("POST", path, json={"interviewIds": [str(interview_id)]}).json["insight"]
    said = {"title": "결제에 지친 사람", "description": "결제가 느려 답답하다"}
    finish(app, world, started["id"], [interview_id], {"persona": said})
    with engine.begin() as connection:
        matched = text("update welno.interviews set persona_combination_id = :persona where id = :id")
        connection.execute(matched, {"persona": started["id"], "id": interview_id})
    receipt = mina.ask("DELETE", f"/api/interviews/{interview_id}?erase=true").json["receipt"]
    assert (receipt["insights"], receipt["personas"]) == (1, 1)
    [shown] = [one for one in jun.ask("GET", path).json["personas"] if one["id"] == started["id"]]
    assert (shown["title"], shown["description"]) == ("지워진 페르소나", None)
    with engine.connect() as connection:
        row = connection.execute(
            text("select persona_combination_id from welno.interviews where id = :id"), {"id": interview_id}
        )
        assert row.scalar_one() is None


@pytest.mark.parametrize("which", ["of another project", "not completed", "deleted", "unknown"])
def test_a_persona_is_made_of_completed_interviews_of_the_project_only(
    app: Flask, mina: Member, world: World, which: str
):
    made = {
        "of another project": complete(app, world, world.bank),
        "not completed": complete(app, world, world.food, status="analyzing"),
        "deleted": complete(app, world, world.food),
        "unknown": UUID(int=1),
    }
    mina.ask("DELETE", f"/api/interviews/{made['deleted']}")
    good = complete(app, world, world.food)
    path = f"/api/projects/{world.food}/personas"
    refused = mina.ask("POST", path, json={"interviewIds": [str(good), str(made[which])]})
    assert (refused.status_code, refused.json["error"]["code"]) == (404, "INTERVIEW_NOT_FOUND")
    assert mina.ask("POST", path, json={"interviewIds": []}).status_code == 400
    assert mina.ask("POST", path, json={"interviewIds": [str(good)]}).status_code == 202


@pytest.mark.parametrize(
    ("said", "title", "needs"),
    [
        (
            {
                "title": "바쁜 사람",
                "description": "늘 바쁘다",
                "needs": [SAID, {"text": "빠른 결제", "evidence": [SAID]}],
            },
            "바쁜 사람",
            2,
        ),
        ("늘 바쁜 사람이다", "페르소나", 0),
        ({"name": "바쁜 사람", "needs": "빠른 결제"}, "바쁜 사람", 0),
    ],
)
def test_a_persona_of_any_shape_is_kept(
    app: Flask, jun: Member, world: World, engine: Engine, said: Any, title: str, needs: int
):
    interview_id = complete(app, world, world.food)
    path = f"/api/projects/{world.food}/personas"
    started = jun.ask("POST", path, json={"interviewIds": [str(interview_id)]}).json["insight"]
    finish(app, world, started["id"], [interview_id], {"persona": said})
    [shown] = jun.ask("GET", f"/api/projects/{world.food}/generated-personas").json["insights"]
    assert (shown["result"]["title"], len(shown["result"]["needs"])) == (title, needs)
    assert all(one["evidence"][0]["verified"] for one in shown["result"]["needs"])
    with Session(engine) as session:
        assert session.get_one(PersonaCombination, UUID(shown["persona_combination_id"])).title == title
    listed = jun.ask("GET", path).json["personas"]
    assert title in {one["title"] for one in listed}
