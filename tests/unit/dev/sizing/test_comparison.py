"""What is compared with measured runs, and how a fresh run of the benches is read."""

import pytest

from dev.sizing.comparison import Comparison, PollerRun, WorkerRun, compare, read_pipeline, read_waiting

METHOD = {"cpu_ms": 14.0, "postgres_ms": 8.0, "valkey_ms": 2.0, "per_second": 40.0, "p50_ms": 1.0, "p99_ms": 1.0}
FLOOR = {"cpu_ms": 2.0, "postgres_ms": 2.5, "valkey_ms": 0.5, "per_second": 125.0}


def test_a_fifth_off_is_the_most():
    assert Comparison(100, 119).verdict == "within"
    assert Comparison(100, 81).verdict == "within"
    assert Comparison(100, 121).verdict == "missed"


def test_a_run_on_a_busy_machine_is_not_judged():
    assert Comparison(100, 200, is_judged=False).verdict.startswith("not judged")


def test_a_fresh_pipeline_gives_costs_and_the_wait_of_a_commit():
    runs, wait_of_commit = read_pipeline({"methods": {"welno": METHOD, "inline_floor": FLOOR}})
    assert runs == [WorkerRun("our worker", 14.0, 8.0, 2.0, 9, 40.0)]
    assert wait_of_commit == pytest.approx((0.008 - 0.005) / 9)


def test_a_fresh_poller_gives_its_delays_and_its_cpu():
    poller = {
        "approval_to_auth_completed_seconds_p50": 1.1,
        "approval_to_auth_completed_seconds_p99": 2.0,
        "share_of_one_core": 0.5,
        "cpu_us_per_poll": 100.0,
    }
    assert read_waiting({"poller": poller}) == PollerRun(1.1, 2.0, 0.5, 100.0)


def test_a_dearer_worker_is_slower_than_was_measured():
    dear = WorkerRun("dear", worker=30.0, postgres=10.0, redis=2.0, commits=0, per_second=40.0)
    found = compare([dear], PollerRun(1.0, 2.0, 0.5, 100.0), 0.0, seed=3)
    assert found["dear: per second"].verdict == "missed"
    assert found["dear: per second"].simulated == pytest.approx(1 / 0.042, rel=0.05)
    assert found["poller, of its core"].verdict == "within"
