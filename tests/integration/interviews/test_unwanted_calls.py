"""What calls have used that nobody waits for any more, and whose answers nobody can use: it is asked for until MISO
tells."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import clock
from services.interviews.sweep import send_due

from .analyses import Analyses, run_analyses


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as analyses:
        yield analyses


@pytest.mark.usefixtures("owner_id")
def test_a_stop_that_is_still_to_be_made_is_not_taken_for_a_message_that_got_lost(analyses: Analyses):
    """It was sent five times, and MISO does not say yet that the workflow has ended."""
    interview = analyses.upload()
    unconfirmed = "state = 'ended', stop_task_id = 't', stop_user = 'u', sends = 5, sent_at = now()"
    analyses.execute(f"update welno.interview_runs set {unconfirmed} where interview_id = :id", id=interview.id)
    for passed, sends in ((timedelta(seconds=10), 5), (timedelta(seconds=33), 6)):
        with analyses.stores.unit_of_work() as work:
            send_due(work, clock.now() + passed, queue_is_empty=True)
        assert analyses.run(interview)["sends"] == sends
