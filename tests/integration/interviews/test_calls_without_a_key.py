"""A process without MISO's key beside others that have it: it throws away nothing that was paid for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.interviews.run_tools import RunTools
from services.interviews.unsettled_calls import settle_calls
from upstream.miso.workflows import MisoWorkflows

from .analyses import Analyses, run_analyses
from .steps import CUT, claim, cut_and_delete, go_through, let_due, settle, tokens_of, wait_until_logged


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as analyses:
        yield analyses


@pytest.fixture
def asking(tools: RunTools, miso: MisoWorkflows) -> RunTools:
    """Which has the key, as `tools` has not."""
    return replace(tools, miso=miso)


def test_a_process_without_a_key_leaves_a_call_to_those_that_have_one(
    analyses: Analyses, tools: RunTools, asking: RunTools, owner_id: int
):
    unsettled = cut_and_delete(analyses, asking, owner_id)
    before = analyses.unsettled(unsettled)
    settle_calls(tools, analyses.world.food, unsettled.id)
    assert (len(before), analyses.unsettled(unsettled)) == (1, before)
    settle_calls(asking, analyses.world.food, unsettled.id)
    assert (analyses.unsettled(unsettled), tokens_of(analyses, unsettled) > 0) == ([], True)


def test_a_process_without_a_key_leaves_an_answer_to_those_that_have_one(
    analyses: Analyses, tools: RunTools, asking: RunTools, miso: MisoWorkflows, owner_id: int
):
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    wait_until_logged(analyses, miso, interview)
    let_due(analyses, interview)
    go_through(tools, claim(analyses, tools, interview, owner_id))
    run = analyses.run(interview)
    assert (analyses.row(interview)["status"], run["state"]) == ("analyzing", "ready")
    assert run["called_at"] < run["due_at"] < run["deadline_at"]
    let_due(analyses, interview)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert (analyses.row(interview)["status"], analyses.bills_of(interview)) == ("completed", [1])


def test_an_answer_that_only_a_process_without_a_key_looks_for_is_lost_at_the_deadline(
    analyses: Analyses, tools: RunTools, asking: RunTools, owner_id: int
):
    """What it has used is asked for by whoever has the key."""
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    let_due(analyses, interview, ", deadline_at = now()")
    go_through(tools, claim(analyses, tools, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_LOST"
    settle(analyses, asking, interview)
    assert tokens_of(analyses, interview) > 0


def test_a_process_without_a_key_fails_what_has_not_been_asked(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    go_through(tools, claim(analyses, tools, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "NOT_CONFIGURED"
    assert analyses.unsettled(interview) == []
