"""A process with one thread, and the workflow of an earlier attempt that is still to be stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_until

from .analyses import Analyses, run_analyses


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home, WELNO_INTERVIEW_CONCURRENCY="1") as analyses:
        yield analyses


def test_an_analysis_does_not_wait_for_the_stop_of_the_one_before(analyses: Analyses):
    analyses.stack.stop("interviews")
    interview = analyses.upload()
    analyses.note_unsettled(interview, "t", "u")
    analyses.stack.start("interviews")
    analyses.wait(interview, "completed", timeout=40)
    stops = wait_until(lambda: analyses.calls(path="/tasks/t/stop"), 20)
    assert analyses.runs_of(interview)[0]["n"] < stops[0]["n"]
