"""What MISO refuses is known also when another process has taken the run over meanwhile, and looks for an answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.interviews.changing import delete_interview, restore_interview, retry_interview
from services.interviews.run_tools import RunTools
from services.interviews.runs import RunOutdated
from tests.waiting import wait_until
from upstream.miso.answers import WorkflowAnswer
from upstream.miso.errors import MisoUnreached
from upstream.miso.workflows import MisoWorkflows

from .analyses import Analyses, Uploaded, run_analyses
from .steps import claim, delete_by_mina, go_through, settle, tokens_of

TAKE_BACK = """
    update welno.interview_runs set state = 'ready', owner_id = null, fence = fence + 1, due_at = now()
    where interview_id = :id
"""


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as analyses:
        yield analyses


class OvertakenWorkflows(MisoWorkflows):
    """While MISO answers, the process loses its lease, and something becomes of the run."""

    overtake: Callable[[], object]

    def run(self, *call: Any) -> WorkflowAnswer:
        try:
            return super().run(*call)
        finally:
            self.overtake()


@pytest.fixture
def asking(tools: RunTools, miso: MisoWorkflows) -> RunTools:
    return replace(tools, miso=miso)


def ask_overtaken(
    analyses: Analyses, asking: RunTools, interview: Uploaded, owner_id: int, *also: Callable[[], object]
) -> None:
    settings = analyses.stores.settings.interviews
    miso = OvertakenWorkflows(settings.miso_api_url, settings.miso_api_key)

    def overtake() -> None:
        analyses.execute(TAKE_BACK, id=interview.id)
        for act in also:
            act()

    miso.overtake = overtake
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=miso), claim(analyses, asking, interview, owner_id))


@pytest.mark.parametrize("is_held", [False, True], ids=["free", "held"])
def test_what_miso_rejects_fails_the_interview_as_rejected(
    analyses: Analyses, asking: RunTools, owner_id: int, is_held: bool
):
    interview = analyses.prepare(status=400, code="invalid_param").interview
    takes = [lambda: held.append(claim(analyses, asking, interview, owner_id))] if is_held else []
    held: list[Any] = []
    ask_overtaken(analyses, asking, interview, owner_id, *takes)
    row = analyses.row(interview)
    assert (row["status"], row["error"]["code"], row["error"]["response_status"]) == ("failed", "MISO_REJECTED", 400)
    assert (analyses.run(interview)["state"], analyses.unsettled(interview)) == ("ended", [])
    for claimed in held:  # who looks for an answer changes nothing any more
        with pytest.raises(RunOutdated):
            go_through(asking, claimed)
    assert analyses.row(interview)["error"]["code"] == "MISO_REJECTED"
    assert analyses.bills_of(interview) == [0]


def test_what_miso_is_too_busy_for_is_asked_for_again(analyses: Analyses, asking: RunTools, owner_id: int):
    interview = analyses.prepare(status=503, calls=1).interview
    ask_overtaken(analyses, asking, interview, owner_id)
    run = analyses.run(interview)
    assert (run["state"], run["tries"], run["called_at"]) == ("ready", 1, None)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert analyses.row(interview)["status"] == "completed"
    assert analyses.bills_of(interview) == [1]


def test_a_refusal_of_an_attempt_says_nothing_of_the_next(analyses: Analyses, asking: RunTools, owner_id: int):
    interview = analyses.prepare(status=400, calls=1).interview

    def begin_again() -> None:
        with analyses.as_member() as member:
            delete_interview(member, interview.id)
        with analyses.as_member() as member:
            restore_interview(member, interview.id, 30)
        with analyses.as_member() as member:
            retry_interview(member, interview.id, max_characters=analyses.max_characters)

    ask_overtaken(analyses, asking, interview, owner_id, begin_again)
    assert (analyses.row(interview)["status"], analyses.row(interview)["attempt"]) == ("processing", 2)
    assert analyses.run(interview)["state"] == "ready"


class UnreachedWorkflows(MisoWorkflows):
    """Its connection is never made, which it learns late."""

    meanwhile: Callable[[], object]

    def run(self, *_: Any) -> WorkflowAnswer:
        self.meanwhile()
        raise MisoUnreached


def test_who_has_reached_nobody_says_nothing_of_the_call_of_another(
    analyses: Analyses, asking: RunTools, owner_id: int
):
    """Which runs, and would be billed twice."""
    interview = analyses.prepare(cut="before", while_running=True, workflow_seconds=2).interview
    settings = analyses.stores.settings.interviews
    late = UnreachedWorkflows(settings.miso_api_url, settings.miso_api_key)

    def ask() -> None:
        analyses.execute(TAKE_BACK, id=interview.id)
        go_through(asking, claim(analyses, asking, interview, owner_id))

    late.meanwhile = ask
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=late), claim(analyses, asking, interview, owner_id))
    assert analyses.run(interview)["called_at"] is not None

    def look() -> bool:
        go_through(asking, claim(analyses, asking, interview, owner_id))
        return bool(analyses.row(interview)["status"] == "completed")

    wait_until(look, 30)
    assert analyses.bills_of(interview) == [1]


def test_who_has_reached_nobody_forgets_no_call_of_another(analyses: Analyses, asking: RunTools, owner_id: int):
    """Which a person has given up meanwhile: it is to be stopped, and what it has used counted."""
    interview = analyses.prepare(cut="before", while_running=True, workflow_seconds=1).interview
    settings = analyses.stores.settings.interviews
    late = UnreachedWorkflows(settings.miso_api_url, settings.miso_api_key)

    def ask() -> None:
        analyses.execute(TAKE_BACK, id=interview.id)
        go_through(asking, claim(analyses, asking, interview, owner_id))
        delete_by_mina(analyses, interview)

    late.meanwhile = ask
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=late), claim(analyses, asking, interview, owner_id))
    user = analyses.run(interview)["miso_user"]
    assert [call["miso_user"] for call in analyses.unsettled(interview)] == [user]
    settle(analyses, asking, interview)
    assert (tokens_of(analyses, interview) > 0, analyses.bills_of(interview)) == (True, [1])
