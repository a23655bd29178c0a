"""The bench of the interviews, at a size that says nothing about speed: each part measures, its counts are exact."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = (
    "--readers 3 --rounds 4 --events 2 --sse-readers 21 --interviews 60 --reads 2 --lines 5 --files 1 --uploads 1"
    " --upload-mib 1 --searched 4 --utterances 30 --searches 2"
)


@pytest.mark.timeout(SECONDS + 30)
def test_the_interviews_are_measured_beside_floors_and_peers():
    found = run_bench("dev.bench.interviews", TINY)
    counts = {row: (part["requests"], part.get("events"), part.get("pings")) for row, part in found["savings"].items()}
    assert counts["polling"] == counts["polling with ETag"] == (12, None, None)
    # Two of the four rounds have an event before them, and at the first of all nothing is known yet.
    assert found["savings"]["polling with ETag"]["not_modified"] == 3
    assert counts["SSE"][:2] == (3, 6)
    assert counts["SSE"][2] >= 12
    assert found["saved"]["fewer_requests_as_the_owner_counts_percent"] == pytest.approx(100 * (1 - 5 / 12))
    assert [row["readers"] for row in found["readers"].values()] == [21, 21]
    assert set(found["extraction"]) == {"text", "html", "xml", "rtf", "docx", "xlsx", "pdf"}
    for part, metric in (("push", "push_p50_ms"), ("list", "page_p50_ms"), ("uploads", "upload_p50_ms")):
        assert all(row[metric] > 0 for row in found[part].values())
    for row in found["search"].values():
        assert (row["rare_found"], row["nowhere_found"]) == (1, 0)
        assert row["phrase_found"] < row["common_found"] <= 50
        assert row["common_p95_ms"] > 0
    assert len(found["search"]) == 3
