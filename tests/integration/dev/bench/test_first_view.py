"""The bench of the trend page's first view: its bytes with 420 treatments, on a line so slow that the next of them are
still to come."""

from tests.integration.dev.bench.running import run_bench


def test_the_first_view_is_measured_beside_the_floor():
    found = run_bench(
        "dev.bench.first_view", "--rounds 1 --treatments 420 --checkups 10 --kilobits 1600 --latency-ms 150"
    )
    page = found["page"]["trend page"]
    assert 0 < page["checkups_kib"] <= page["treatments_kib"] <= page["all_kib"]
    # 98 KiB; on a busy machine some of the charts' library, 115 KiB that come next, has come until it is seen.
    assert page["treatments_kib"] < 150
    assert 0 < page["checkups_ms"] <= page["treatments_ms"] <= page["all_ms"]
    assert found["page"]["floor"]["all_ms"] < page["all_ms"]
