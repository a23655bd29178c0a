"""Themes and personas by the real processes: what they say, what bears them out, and that each is billed once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dev.sandbox.miso.shapes import USUAL_SHAPES
from models.interviews import InsightKind
from services.interviews.changing import delete_interview
from services.interviews.errors import InsightUnderWay
from services.interviews.insights import list_insights, start_persona, start_themes
from tests.waiting import wait_until

from .analyses import Analyses, Uploaded, run_analyses

BEHIND = {"while_running": True, "workflow_seconds": 1}


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as running:
        yield running


@pytest.fixture(scope="module")
def interviews(analyses: Analyses) -> list[Uploaded]:
    """Two of the same kind, which are completed."""
    made = [analyses.upload() for _ in range(2)]
    for one in made:
        analyses.wait(one, "completed")
    return made


def wait_for(
    analyses: Analyses, started: Mapping[str, Any], project: UUID | None = None, *, seconds: float = 20
) -> dict[str, Any]:
    """As members see it, once it has ended."""

    def find() -> dict[str, Any]:
        with analyses.as_member() as member:
            listed = list_insights(member, project or analyses.world.food, InsightKind(started["kind"]))
        return next(one for one in listed if one["id"] == started["id"])

    wait_until(lambda: find()["status"] in {"completed", "failed"}, seconds, every=0.05)
    return find()


def make_themes(analyses: Analyses) -> dict[str, Any]:
    with analyses.as_member() as member:
        started = start_themes(member, analyses.world.food, max_characters=analyses.max_characters)
    return wait_for(analyses, started)


SCRIPTS = """
    with script as (
        select jsonb_agg(jsonb_build_object('id', jsonb_build_array(line), 'speaker', '[이름1]', 'category', '',
            'cleaned_sentence', '결제가 느려서 ' || line || '번이나 다시 눌렀고, 쿠폰은 끝내 못 찾았어요.')) as lines
        from generate_series(1, 1000) as line
    )
    insert into welno.interviews (id, company_id, project_id, title, masked_text, source, status, attempt, revision,
        created_by, interview_date, metadata, cleaned_script, key_takeaways)
    select gen_random_uuid(), :company, :project, '큰 인터뷰', '', 'text', 'completed', 1, 1,
        :author, current_date, '{}', script.lines, '["결제가 느리다"]'
    from script, generate_series(1, 200)
"""


def test_themes_of_a_large_project_complete(analyses: Analyses):
    """Their quotes are looked for in 200,000 lines: while that goes on, no transaction is open that would be ended."""
    world = analyses.world
    analyses.execute(SCRIPTS, company=world.company, project=world.bank, author=world.people["mina"])
    with analyses.as_member() as member:
        started = start_themes(member, world.bank, max_characters=analyses.max_characters)
    themes = wait_for(analyses, started, world.bank, seconds=90)
    assert (themes["status"], len(themes["interview_ids"])) == ("completed", 200)
    takeovers = "select takeovers from welno.interview_runs where interview_id = :id"
    assert analyses.read(takeovers, id=UUID(started["id"])) == [{"takeovers": 0}]


def bills(analyses: Analyses, preprocess_type: str, since: int = 0) -> list[int]:
    calls = analyses.calls(path="workflows/run", match=f'"{preprocess_type}"')
    return [call["billed"] for call in calls if call["body"]][since:]


def test_a_theme_says_how_many_interviews_and_quotes_bear_it_out(analyses: Analyses, interviews: list[Uploaded]):
    themes = make_themes(analyses)
    assert (themes["status"], themes["error"]) == ("completed", None)
    assert set(themes["interview_ids"]) == {str(one.id) for one in interviews}
    evidence = [one for theme in themes["result"]["themes"] for one in theme["evidence"]]
    found = [one for one in evidence if one["verified"]]
    assert found
    assert {one["interview_id"] for one in found} <= {str(one.id) for one in interviews}
    assert all(one["utterance_ids"] for one in found)
    assert sum(theme["quotes"] for theme in themes["result"]["themes"]) == len(found)
    assert max(theme["interviews"] for theme in themes["result"]["themes"]) >= 1
    told = analyses.read(
        "select body::jsonb as body from welno.welno_events where subject = :subject order by seq",
        subject=f"project:{analyses.world.food}",
    )
    changes = [row["body"]["data"] for row in told if row["body"]["type"] == "insight:changed"]
    mine = [(one["status"], one["revision"]) for one in changes if one["insightId"] == themes["id"]]
    assert mine == [("processing", 1), ("analyzing", 2), ("completed", 3)]


@pytest.mark.parametrize("shape", USUAL_SHAPES)
def test_themes_are_kept_in_whatever_shape_they_come(analyses: Analyses, interviews: list[Uploaded], shape: str):
    analyses.fault(match='"insight_summary"', outputs=shape, calls=1)
    themes = make_themes(analyses)["result"]["themes"]
    assert [one for theme in themes for one in theme["evidence"] if one["verified"]]


@pytest.mark.parametrize("shape", USUAL_SHAPES)
def test_a_persona_is_kept_in_whatever_shape_it_comes(analyses: Analyses, interviews: list[Uploaded], shape: str):
    analyses.fault(match='"persona"', outputs=shape, calls=1)
    with analyses.as_member() as member:
        started = start_persona(member, analyses.world.food, [interviews[0].id], max_characters=analyses.max_characters)
    assert "사용자" in wait_for(analyses, started)["result"]["title"]


def test_a_lost_answer_is_looked_for_and_billed_once(analyses: Analyses, interviews: list[Uploaded]):
    before = len(bills(analyses, "insight_summary"))
    analyses.fault(match='"insight_summary"', cut="before", calls=1, **BEHIND)
    assert make_themes(analyses)["status"] == "completed"
    assert bills(analyses, "insight_summary", before) == [1]


def test_one_that_failed_says_why_and_another_may_begin(analyses: Analyses, interviews: list[Uploaded]):
    analyses.fault(match='"insight_summary"', workflow_status="failed", calls=1)
    failed = make_themes(analyses)
    assert (failed["status"], failed["error"]["code"], failed["result"]) == ("failed", "MISO_WORKFLOW_FAILED", None)
    assert make_themes(analyses)["status"] == "completed"


def test_nothing_is_asked_for_interviews_that_are_gone(analyses: Analyses):
    interview = analyses.upload()
    analyses.wait(interview, "completed")
    before = len(bills(analyses, "persona"))
    with analyses.as_member() as member:
        started = start_persona(member, analyses.world.food, [interview.id], max_characters=analyses.max_characters)
        delete_interview(member, interview.id)
    failed = wait_for(analyses, started)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "NO_INTERVIEWS")
    assert bills(analyses, "persona", before) == []


def test_themes_are_made_once_at_a_time(analyses: Analyses, interviews: list[Uploaded]):
    held = analyses.fault(match='"insight_summary"', hold="before", calls=1)
    with analyses.as_member() as member:
        started = start_themes(member, analyses.world.food, max_characters=analyses.max_characters)
    with pytest.raises(InsightUnderWay), analyses.as_member() as member:
        start_themes(member, analyses.world.food, max_characters=analyses.max_characters)
    wait_until(lambda: analyses.held(held) == 1, 20)
    analyses.release(held)
    assert wait_for(analyses, started)["status"] == "completed"


def test_a_persona_of_chosen_interviews_becomes_the_projects(analyses: Analyses, interviews: list[Uploaded]):
    with analyses.as_member() as member:
        started = start_persona(member, analyses.world.food, [interviews[0].id], max_characters=analyses.max_characters)
    persona = wait_for(analyses, started)
    assert (persona["status"], persona["interview_ids"]) == ("completed", [str(interviews[0].id)])
    points = persona["result"]["needs"] + persona["result"]["pain_points"]
    found = [one for point in points for one in point["evidence"] if one["verified"]]
    assert {one["interview_id"] for one in found} == {str(interviews[0].id)}
    [row] = analyses.read(
        "select * from welno.persona_combinations where id = :id", id=persona["persona_combination_id"]
    )
    assert (row["company_id"], row["project_id"]) == (analyses.world.company, analyses.world.food)
    assert row["title"] == persona["result"]["title"]
    assert row["persona_code"].startswith("GEN-")
    [cost] = analyses.read("select * from welno.miso_costs where interview_id = :id", id=persona["id"])
    assert (cost["calls"], cost["project_id"]) == (1, analyses.world.food)
    assert cost["tokens"] > 0


@pytest.mark.parametrize("fault", [{}, {"workflow_status": "failed"}], ids=["completes", "fails"])
def test_one_that_ends_after_its_interview_was_erased_is_erased_with_its_files(
    analyses: Analyses, fault: Mapping[str, Any]
):
    """As when the erasure did not see yet of what it is made."""
    interview = analyses.upload()
    analyses.wait(interview, "completed")
    held = analyses.fault(match='"persona"', hold="after", hold_seconds=30, calls=1, **fault)
    with analyses.as_member() as member:
        started = start_persona(member, analyses.world.food, [interview.id], max_characters=analyses.max_characters)
    wait_until(lambda: analyses.held(held) == 1, 20)
    erased = "update welno.interviews set deleted_at = now(), deleted_by = created_by, erased_at = now() where id = :id"
    analyses.execute(erased, id=interview.id)
    analyses.release(held)

    def find() -> Mapping[str, Any]:
        return analyses.read("select * from welno.insights where id = :id", id=started["id"])[0]

    wait_until(lambda: find()["erased_at"], 20, every=0.05)
    row = find()
    assert (row["status"], row["result"], row["error"], row["persona_combination_id"]) == ("failed", None, None, None)
    assert analyses.read("select 1 from welno.persona_combinations where id = :id", id=started["id"]) == []
    wait_until(lambda: analyses.files.names(UUID(started["id"])) == [])
