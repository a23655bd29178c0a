"""The bench of waiting, at a size that says nothing about speed: nobody is lost, and both ways are measured."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = "--sessions 30 --seconds 5 --standby-seconds 1 --peer-sessions 3 --peer-seconds 2.5"


@pytest.mark.timeout(SECONDS + 30)
def test_waiting_is_measured_beside_tasks_that_retry_themselves():
    found = run_bench("dev.bench.waiting", TINY)
    poller = found["poller"]
    assert poller["polls_per_second"] > 0
    assert (poller["approvals_not_published"], poller["killed_lost_sessions"]) == (0, 0)
    assert found["celery_retry"]["polls_per_second"] > 0
