"""Which tests `make test` leaves to `make test-slow`; CI runs both."""

import re

import pytest

# Whole processes that are killed, stopped or held, or what a test that stays shows more quickly.
_SLOW = (
    # Hosts, networks, clocks and stores that fail under whole processes, at each step in turn.
    "tests/end_to_end/browser/test_network_cuts.py",
    "tests/end_to_end/test_brokers.py",
    "tests/end_to_end/test_clocks.py",
    "tests/end_to_end/test_ends_and_outages.py",
    "tests/end_to_end/test_full_disk.py",
    "tests/end_to_end/test_hosts.py",
    "tests/end_to_end/test_interviews.py::test_each_status_comes_once",
    "tests/end_to_end/test_judged_streams.py",
    "tests/end_to_end/test_key_rotation.py",
    "tests/end_to_end/test_lost_postgres.py",
    "tests/end_to_end/test_lost_redis.py",
    "tests/end_to_end/test_pooler.py",
    "tests/end_to_end/test_rabbitmq_cluster.py",
    "tests/end_to_end/test_rolling_restart.py",
    "tests/end_to_end/test_sentinels.py",
    "tests/end_to_end/test_stopping.py",
    "tests/integration/core/test_pooler.py",
    "tests/integration/crash/",
    "tests/integration/dev/hosts/",
    "tests/integration/delivery/test_sentinels.py",
    "tests/integration/interviews/test_deaths_after_a_commit.py",
    "tests/integration/interviews/test_faults_and_deaths.py",
    "tests/integration/interviews/test_runs_that_are_cut.py",
    "tests/integration/postgres/",
    "tests/integration/tasks/test_kills.py",
    "tests/integration/tasks/test_paid_answers.py",
    # Each fault of a provider through the whole product.
    "tests/end_to_end/test_provider_errors.py",
    "tests/integration/interviews/test_faults_of_miso.py",
    # Hundreds at once, or in one place.
    "tests/end_to_end/browser/test_threads.py::test_what_was_written_offline",
    "tests/end_to_end/browser/test_threads_blobs.py::test_a_picture_of_20_mib",
    "tests/integration/journey/test_concurrency.py",
    # Calls that are invented, crowds that attack, and files that are bombs.
    "tests/end_to_end/test_fuzzed.py",
    "tests/integration/interviews/test_files_and_answers.py::test_hostile_files",
    "tests/integration/relay/test_bounds.py",
    "tests/integration/webapp/journey/test_fuzz.py",
    "tests/integration/webapp/test_attacks.py",
    "tests/integration/webapp/test_fuzz.py",
    # Another browser, on paths that Chromium has taken.
    "tests/end_to_end/browser/test_firefox.py",
    # That the benchmarks measure, at a small size.
    "tests/integration/dev/bench/",
)
# The states of a page that were examined in its light look already.
_OTHER_LOOKS = re.compile(r"accessible\w*\[(dark|high contrast|forced colors)\]$")


def is_slow(nodeid: str) -> bool:
    return nodeid.startswith(_SLOW) or _OTHER_LOOKS.search(nodeid) is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.nodeid):
            item.add_marker(pytest.mark.slow)
