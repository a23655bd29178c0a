"""The bench of the journey, at a size that says nothing about speed: every form does the same, and nothing is lost."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = "--waiting 30 --lines 2 --walkers 4 --per-second 20 --calls 2 --poll-seconds 0.5 --logouts 1 --reads 2"


@pytest.mark.timeout(SECONDS + 30)
def test_actions_calls_reads_and_logouts_are_measured_beside_plain_means():
    found = run_bench("dev.bench.journey", TINY)
    forms = ["HTTP", "WebSocket", "same statements inline", "plain Flask", "plain SQL inline"]
    assert list(found["actions"]) == forms
    assert all(form["action_p50_ms"] > 0 for form in found["actions"].values())
    assert {name: calls["calls_lost"] for name, calls in found["calls"].items()} == {"frames": 0, "polls": 0}
    assert found["once"]["not_closed"] == 0
    assert found["once"]["first_map_layer_share"] <= 0.3
    statements = {name: read["statements"] for name, read in found["reads"].items()}
    assert statements["list of 1"] == statements["list of 200"] <= 6
    assert statements["snapshot"] <= 6
    assert statements["list of 200 row by row"] > statements["list of 200"]
