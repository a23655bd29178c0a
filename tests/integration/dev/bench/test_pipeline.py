"""The bench of the pipeline, at a size that says nothing about speed."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = "--sessions 4 --rounds 1 --window 4 --rate 2 --http-sessions 1 --http-window 1"


@pytest.mark.timeout(SECONDS + 30)
def test_a_collection_is_measured_beside_its_peers():
    found = run_bench("dev.bench.pipeline", TINY)
    assert found["options"]["sessions"] == 4
    assert found["methods"].keys() >= {"welno", "celery_chain", "inline_floor"}
    assert min(method["per_second"] for method in found["methods"].values()) > 0
    assert found["arrivals"]["start_to_first_step_p50_ms"] > 0
    assert found["over_http"]["approval_to_completed_p50_ms"] > 0
    counts = found["counts"]
    # Whatever a worker does all the time comes on top of what can be counted beforehand.
    assert counts["inline_floor"]["writing_transactions"] >= 9
    assert counts["celery_chain"]["celery_messages"] >= 7
    assert counts["celery_chain"]["stream_appends"] == 0
    assert min(counts["welno"]["appended_events"], counts["welno"]["stream_appends"]) >= 1
    assert counts["welno"]["sql_statements"] >= 7
