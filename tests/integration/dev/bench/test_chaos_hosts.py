"""The chaos over the hosts of a data centre, with too few faults to prove anything."""

import pytest

from tests.data_centre import require_haproxy, require_namespaces
from tests.integration.dev.bench.running import run_bench

SIZES = "--kills 5 --seed 3 --arrivals 1 --pause 1 3 --settle-seconds 180 --quiet-seconds 5"
KINDS = "worker_host_killed_with_disk web_host_cut valkey_host_killed link_cut_one_way clock_set"
# Most of it until all hosts are up.
SECONDS = 840


@pytest.mark.timeout(SECONDS + 30)
def test_a_few_faults_of_hosts_and_links_are_survived():
    require_namespaces()
    require_haproxy()
    found = run_bench("dev.bench.chaos", f"--hosts {SIZES} --only {KINDS}", within_seconds=SECONDS)
    assert found["violations"] == {"lost": 0, "doubled": 0, "left_over": 0}
    assert sum(fault["injected"] for fault in found["faults"].values()) == 5
    assert all("healed_p50_s" in fault for fault in found["faults"].values())
    assert found["counts"]["sessions"] > 0
    assert found["counts"]["billed_calls"] >= found["counts"]["sessions"]
