"""The bench of the threads, at a size that says nothing about speed: each part measures, and all that is sent comes."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = "--writers 2 --pushes 1 --payload-bytes 64 --sleeping 3 --idle-seconds 0.2 --behind 101 --blob-mib 2"
SMALL = "--records 60 --record-bytes 100 --links 3 --link-bytes 5000"


@pytest.mark.timeout(SECONDS + 30)
def test_the_threads_are_measured_beside_one_commit_and_xadds():
    found = run_bench("dev.bench.threads", f"{TINY} {SMALL}")
    forms = {f"{batch} each, {where}" for batch in (1, 10, 100) for where in ("one thread", "2 threads")}
    assert found["push"].keys() == forms
    assert found.get("node", found["push"]).keys() == forms  # where npm has its packages
    for row in found["push"].values():
        assert row["accepted_per_s"] >= row["delivered_per_s"] > 0
        assert 0 < row["delivered_p50_ms"] <= row["delivered_p99_ms"]
    kinds = ("service", "commit and XADD", "signatures", "service but signatures")
    assert found["inline"].keys() == {f"{batch}: {kind}" for batch in (1, 10, 100) for kind in kinds}
    assert all(found["inline"][f"{batch}: service"]["cpu_ms_per_envelope"] > 0 for batch in (1, 10, 100))
    assert found["sleeping"]["3 followed"]["followed_per_s"] > 0
    assert found["sleeping"]["pushes beside them"]["accepted_per_s"] > 0
    assert {row["envelopes"] for row in found["catching_up"].values()} == {101}
    assert found["blobs"].keys() == {"put in parts", "completed", "read whole", "read in ranges"}
    assert {row["mib"] for row in found["blobs"].values()} == {4}
    assert {row["envelopes"] for row in found["service"].values()} == {2 * 61}  # each with its summary
    assert found["service"].keys() == {"sent by the service", "pushed by clients"}
    assert all(row["envelopes_per_s"] > 0 for row in found["service"].values())
    made = {"made", "inserted plainly", "opened, embedded", "opened, by a location", "a plain file served"}
    assert found["links"].keys() == made
    assert {row["count"] for row in found["links"].values()} == {6}
    assert all(row["per_s"] > 0 for row in found["links"].values())
