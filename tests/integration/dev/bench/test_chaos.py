"""The chaos bench, with too few faults to prove anything: it injects, records, checks and tells."""

import pytest

from dev.bench.chaos.__main__ import run
from dev.bench.chaos.options import read_options
from tests.integration.dev.bench.running import SECONDS, run_bench

# Who takes over from a killed worker waits for its calls' own time, fifteen seconds here.
TINY = "--kills 3 --seed 7 --arrivals 2 --pause 0.1 0.3 --settle-seconds 90 --quiet-seconds 3"
KINDS = "--only worker_killed poller_killed redis_flushed"


@pytest.mark.timeout(SECONDS + 30)
def test_a_few_faults_are_injected_and_survived():
    found = run_bench("dev.bench.chaos", f"{TINY} {KINDS}")
    assert found["violations"] == {"lost": 0, "doubled": 0, "left_over": 0}
    assert sum(fault["injected"] for fault in found["faults"].values()) == 3
    assert found["counts"]["sessions"] > 0
    assert found["counts"]["billed_calls"] >= found["counts"]["sessions"]
    assert found["counts"]["messages_duplicated"] > 0


@pytest.mark.parametrize(
    ("hosts", "unknown", "known"), [([], "link_cut", "worker_killed"), (["--hosts"], "worker_killed", "link_cut")]
)
def test_a_fault_that_nobody_knows_is_refused(hosts: list[str], unknown: str, known: str):
    with pytest.raises(SystemExit, match=rf"{unknown} is none of .*{known}, .*caller_killed_after_billing"):
        run(read_options([*hosts, "--only", unknown], None))


@pytest.mark.timeout(SECONDS + 30)
def test_random_actions_of_patients_and_desks_survive_a_few_faults():
    sizes = "--kills 2 --seed 7 --people 12 --desks 2 --arrivals 20 --pause 1 2 --settle-seconds 60 --quiet-seconds 3"
    found = run_bench("dev.bench.chaos", f"--workload journey {sizes} --only web_child_killed redis_flushed")
    assert found["violations"] == {"lost": 0, "doubled": 0, "left_over": 0}
    assert (found["counts"]["mismatches"], found["counts"]["orphans"], found["counts"]["unknown_steps"]) == (0, 0, 0)
    assert found["counts"]["actions_done"] > 0


@pytest.mark.timeout(SECONDS + 30)
def test_interviews_of_busy_members_survive_a_few_faults():
    sizes = "--kills 2 --seed 8 --people 6 --arrivals 4 --pause 0.5 1 --settle-seconds 60 --quiet-seconds 1"
    found = run_bench("dev.bench.chaos", f"--workload interviews {sizes} --only worker_killed redis_flushed")
    assert found["violations"] == {"lost": 0, "doubled": 0, "left_over": 0}
    assert found["counts"]["interviews"] > 0
    assert 0 < found["counts"]["billed_attempts"] <= found["counts"]["attempts"]
    assert found["counts"]["events"] > found["counts"]["interviews"]


@pytest.mark.timeout(SECONDS + 30)
def test_threads_of_busy_members_survive_a_few_faults():
    sizes = "--kills 3 --seed 9 --people 8 --arrivals 6 --pause 0.5 1 --settle-seconds 60 --quiet-seconds 1"
    kinds = "web_child_killed redis_flushed redis_killed_data_lost"
    found = run_bench("dev.bench.chaos", f"--workload threads {sizes} --only {kinds}")
    assert found["violations"] == {"lost": 0, "doubled": 0, "left_over": 0}
    counts = found["counts"]
    assert 0 < counts["envelopes_acknowledged"] == counts["envelopes_sent"] < counts["items"]
    assert counts["items_heard"] == 2 * counts["items"]
    assert counts["duplicates_told"] > 0
    assert counts["record_messages"] >= counts["sendings_of_records"] <= counts["requests_for_records"]
    assert counts["links_made"] + counts["blobs_completed"] + counts["sendings_of_records"] > 0
