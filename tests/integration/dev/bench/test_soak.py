"""The soak, at a size that says nothing about endurance: its counts are exact, and memory that grows is seen."""

import pytest

from dev.bench.soak.memory import describe_memory
from tests.integration.dev.bench.running import SECONDS, run_bench


@pytest.mark.timeout(SECONDS + 30)
def test_a_soak_delivers_each_event_once():
    tiny = "--sockets 30 --seconds 4 --rate 100 --cuts 20 --absence-seconds 0.3 --seed 7"
    found = run_bench("dev.bench.soak", tiny)["soak"]
    assert found["written"] > 100
    assert (found["delivered_to_written"], found["streams_not_exact"], found["lost"], found["doubled"]) == (1, 0, 0, 0)
    assert found["cut_reset"] + found["cut_close"] + found["cut_half_close"] > 20


def test_growing_memory_is_not_flat():
    growing = [(float(second), 100e6 + second * 1e6) for second in range(40)]
    metrics = describe_memory(growing)
    assert not metrics["memory_is_flat"]
    assert metrics["memory_slope_mib_per_hour"] == pytest.approx(3600 * 1e6 / 2**20)


def test_memory_that_only_filled_up_at_first_is_flat():
    filled = [(float(second), 100e6 * min(1, 0.2 + second / 10)) for second in range(40)]
    assert describe_memory(filled)["memory_is_flat"]
