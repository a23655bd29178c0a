"""A worker that stops lets its tasks end, and has ten seconds: no call that is not paid for may take longer."""

import pytest

from services.webhooks import sending
from tasks import stopping
from upstream.emr.client import EmrClient

WRITES_DOWN_WITHIN_SECONDS = 2


@pytest.mark.parametrize("limits", [EmrClient("http://127.0.0.1:1")._limits, sending._LIMITS], ids=["emr", "webhook"])
def test_a_call_that_hangs_ends_before_the_process_is_ended(limits):
    assert limits.total_seconds + WRITES_DOWN_WITHIN_SECONDS < stopping._KILL_AFTER_SECONDS
