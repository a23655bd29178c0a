"""What the real processes leave of an analysis besides its columns: evidence, searchable utterances, costs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.interviews.search import SearchWish, search_utterances

from .analyses import Analyses, run_analyses

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


def test_a_failed_attempt_has_cost_its_call(analyses: Analyses):
    planned = analyses.prepare(workflow_status="failed")
    analyses.wait(planned.interview, "failed")
    [cost] = analyses.read(COSTS, id=planned.interview.id)
    assert (cost["calls"], cost["tokens"]) == (1, 0)
