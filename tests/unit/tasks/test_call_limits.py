"""A worker that stops lets its tasks end, and has ten seconds: no call that is not paid for may take longer."""

from typing import Any

import pytest

from services.interviews.miso_call import read_last_usage, stop_workflow
from services.webhooks import sending
from tasks import stopping
from upstream.emr.client import EmrClient
from upstream.miso.connection import MisoCallLimits, MisoConnection
from upstream.miso.errors import MisoAnswerLost
from upstream.miso.workflows import MisoWorkflows

# All else that it does took 1.7 s at a load of six: noting the answer, joining its threads, ending the interpreter.
ALL_ELSE_SECONDS = 5


@pytest.mark.parametrize("limits", [EmrClient("http://127.0.0.1:1")._limits, sending._LIMITS], ids=["emr", "webhook"])
def test_a_call_that_hangs_ends_before_the_process_is_ended(limits):
    assert limits.total_seconds + ALL_ELSE_SECONDS < stopping._KILL_AFTER_SECONDS


class HangingMiso(MisoConnection):
    """Each call takes all of its time."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "key")
        self.seconds = 0.0

    def call(self, method: str, path: str, limits: MisoCallLimits, **_: Any) -> Any:
        self.seconds += limits.total_seconds
        raise MisoAnswerLost(reason="timed_out")


def test_a_workflow_whose_stop_hangs_holds_nobody_up():
    """Neither a process that stops, nor the analyses that wait for its thread."""
    miso, workflows = HangingMiso(), MisoWorkflows("http://127.0.0.1:1", "key")
    workflows._connection = miso
    stop_workflow(workflows, "t", "u")
    assert read_last_usage(workflows, "u") is None
    assert 0 < miso.seconds + ALL_ELSE_SECONDS < stopping._KILL_AFTER_SECONDS
