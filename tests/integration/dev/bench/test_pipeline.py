"""The bench of the pipeline, at a size that says nothing about speed."""

from dev.bench.pipeline.__main__ import compare_cpu
from tests.integration.dev.bench.running import run_bench

TINY = "--sessions 4 --rounds 1 --window 4 --rate 2 --http-sessions 1 --http-window 1"


def test_a_collection_is_measured_beside_its_peers():
    found = run_bench("dev.bench.pipeline", TINY)
    assert found["options"]["sessions"] == 4
    assert found["methods"].keys() >= {"welno", "celery_chain", "inline_floor"}
    assert min(method["per_second"] for method in found["methods"].values()) > 0
    assert found["arrivals"]["start_to_first_step_p50_ms"] > 0
    assert found["over_http"]["approval_to_completed_p50_ms"] > 0


def test_a_method_without_a_tick_of_cpu_is_not_compared():
    methods = {"welno": {"cpu_ms": 3.0}, "dbos": {"cpu_ms": 4.0}, "inline_floor": {"cpu_ms": 0.0}}
    assert compare_cpu(methods) == {"cpu_ratio_to_dbos": 0.75}
