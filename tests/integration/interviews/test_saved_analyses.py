"""What the real processes leave of an analysis besides its columns: evidence, searchable utterances, costs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from sqlalchemy.orm import Session

from core.clock import clock
from services.interviews.budgets import reserved_tokens
from services.interviews.changing import delete_interview, process_interview
from services.interviews.costs import show_costs
from services.interviews.runs import locked_run
from services.interviews.saving import note_late_usage
from services.interviews.search import SearchWish, search_utterances
from tests.integration.services.interviews.documents import saved
from tests.waiting import wait_until
from upstream.miso.usage import Usage

from .analyses import Analyses, Uploaded, run_analyses

COSTS = "select attempt, calls, tokens, seconds from welno.miso_costs where interview_id = :id order by attempt"


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as running:
        yield running


def test_a_completed_analysis_has_evidence_and_is_found(analyses: Analyses):
    interview = analyses.upload()
    row = analyses.wait(interview, "completed")
    [quotes, *_] = row["evidence"]["primary_pain_points"]
    assert quotes
    assert {one["verified"] for one in quotes if one["utterance_ids"]} <= {True}
    with analyses.as_member() as member:
        found = search_utterances(member, analyses.world.food, SearchWish("취소를 한번에")).results
    assert str(interview.id) in {one["interview_id"] for one in found}


def test_what_an_attempt_cost_is_noted(analyses: Analyses):
    """A call that MISO did not take is one, too."""
    planned = analyses.prepare(status=429, calls=1)
    analyses.wait(planned.interview, "completed")
    [cost] = analyses.read(COSTS, id=planned.interview.id)
    run = analyses.run(planned.interview)
    assert (cost["attempt"], cost["calls"], cost["tokens"]) == (1, 2, run["tokens"])
    assert cost["tokens"] > 0
    assert cost["seconds"] == run["elapsed_seconds"]


def test_an_attempt_reserves_what_its_text_may_use_until_it_has_ended(analyses: Analyses):
    """Of a file nobody knows how much is in it before it is read."""
    held = analyses.fault(match="예약", hold="before", calls=1)
    document = Document()
    document.add_paragraph("답변자: 예약이 어려워요.")
    interview = analyses.upload(file=("말.docx", saved(document)), characters=50_000)
    assert analyses.run(interview)["reserved_tokens"] > 20_000
    wait_until(lambda: analyses.held(held) == 1, 20)
    assert 0 < analyses.run(interview)["reserved_tokens"] < 10_000
    with Session(analyses.engine) as session:
        before = reserved_tokens(session, analyses.world.food, clock.now())
    analyses.release(held)
    mine = analyses.run(interview)["reserved_tokens"]
    analyses.wait(interview, "completed")
    with Session(analyses.engine) as session:
        assert reserved_tokens(session, analyses.world.food, clock.now()) == before - mine


def test_a_call_that_was_rejected_has_cost_itself(analyses: Analyses):
    planned = analyses.prepare(status=400, code="invalid_param")
    analyses.wait(planned.interview, "failed")
    [cost] = analyses.read(COSTS, id=planned.interview.id)
    assert (cost["calls"], cost["tokens"], cost["seconds"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "fault",
    [
        {"workflow_status": "failed"},
        {"workflow_status": "failed", "status": 502, "while_running": True},
        {"outputs": "truncated"},
        {"outputs": "huge", "cut": "before", "while_running": True},
        {"outputs": "huge"},
    ],
    ids=["failed", "found_as_failed", "invalid", "found_and_too_large", "too_large"],
)
def test_a_failed_attempt_has_cost_what_its_answer_says(analyses: Analyses, fault: dict[str, Any]):
    planned = analyses.prepare(**fault)
    analyses.wait(planned.interview, "failed")
    # What an answer that was cut does not tell is asked for later.
    run = wait_until(lambda: (found := analyses.run(planned.interview))["tokens"] and found)
    [cost] = analyses.read(COSTS, id=planned.interview.id)
    assert (cost["calls"], cost["tokens"], cost["seconds"]) == (1, run["tokens"], run["elapsed_seconds"])
    assert cost["tokens"] > 0
    assert analyses.row(planned.interview)["error"]["code"] in {"MISO_WORKFLOW_FAILED", "MISO_ANSWER_INVALID"}
    with analyses.as_member() as member:
        assert show_costs(member, analyses.world.food, None)["total"]["tokens"] >= cost["tokens"]


def test_what_is_heard_of_the_attempt_before_costs_and_is_no_duration_of_this_one(analyses: Analyses):
    """As when MISO's logs are read while the analysis is tried again."""
    interview = analyses.upload()
    analyses.wait(interview, "completed")
    analyses.execute(
        "update welno.interview_runs set attempt = 2, elapsed_seconds = null where interview_id = :id", id=interview.id
    )
    hear_late(analyses, interview, 1, Usage(total_tokens=9000, elapsed_seconds=3.5))
    [cost] = analyses.read(COSTS, id=interview.id)
    assert (cost["attempt"], cost["seconds"], analyses.run(interview)["elapsed_seconds"]) == (1, 3.5, None)
    hear_late(analyses, interview, 2, Usage(total_tokens=8, elapsed_seconds=1.5))
    assert analyses.run(interview)["elapsed_seconds"] == 1.5


def hear_late(analyses: Analyses, interview: Uploaded, attempt: int, usage: Usage) -> None:
    with locked_run(analyses.stores.unit_of_work, analyses.world.food, interview.id) as held:
        note_late_usage(held, attempt, usage, clock.now())


def test_an_answer_that_is_read_again_costs_nothing_more(analyses: Analyses):
    interview = analyses.prepare(outputs="truncated").interview
    analyses.wait(interview, "failed")
    before = analyses.read(COSTS, id=interview.id), analyses.run(interview)["tokens"], counted_tokens(analyses)
    with analyses.as_member() as member:
        process_interview(member, interview.id, analyses.world.food, has_answer=lambda _: True)
    wait_until(lambda: analyses.told(interview).count("interview:failed") == 2)
    after = analyses.read(COSTS, id=interview.id), analyses.run(interview)["tokens"], counted_tokens(analyses)
    assert after == before


def counted_tokens(analyses: Analyses) -> float:
    [row] = analyses.read("select total from welno.interview_counts where name = 'miso_tokens'")
    total: float = row["total"]
    return total


def test_an_answer_for_which_nobody_waits_any_more_is_paid_all_the_same(analyses: Analyses):
    planned = analyses.prepare(hold="after", hold_seconds=30)
    wait_until(lambda: analyses.held(planned.fault_id))
    with analyses.as_member() as member:
        delete_interview(member, planned.interview.id)
    analyses.release(planned.fault_id)
    wait_until(lambda: analyses.run(planned.interview)["tokens"], 20)
    [cost] = analyses.read(COSTS, id=planned.interview.id)
    assert (cost["calls"], cost["tokens"]) == (1, analyses.run(planned.interview)["tokens"])
    # After the deletion no event of its own can tell of it.
    told = analyses.read(
        "select body::jsonb as body from welno.welno_events where subject = :subject order by seq",
        subject=f"project:{analyses.world.food}",
    )
    assert told[-1]["body"]["data"] == {"part": "costs"}
