"""Which tests `make test` leaves to `make test-slow`; CI runs both.

`make test` takes what needs no browser, and each page's own path through Chromium; what a page does in trouble, on
other devices, in other looks, and what whole processes do when they are killed, is left.
"""

import re

import pytest

# Whole processes that are killed, stopped or held, or what a test that stays shows more quickly.
_SLOW = (
    # Hosts, networks, clocks and stores that fail under whole processes, at each step in turn.
    "tests/end_to_end/browser/test_network_cuts.py",
    "tests/end_to_end/test_brokers.py",
    "tests/end_to_end/test_bucket.py",
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
    "tests/integration/spool/test_bucket.py::test_two_processes_import_each_file_once",
    "tests/integration/spool/test_bucket_crashes.py",
    "tests/integration/spool/test_moving.py::test_a_mover_that_is_killed_at_any_call_loses_and_doubles_nothing",
    "tests/integration/spool/test_moving.py::test_every_file_is_imported_once_while_killed_movers_move_them",
    "tests/integration/spool/test_moving.py::test_what_is_done_after_a_kill_is_done_once",
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
    # Whole starts of the product, one after another.
    "tests/end_to_end/test_collected_again.py",
    "tests/end_to_end/test_examples.py",
    "tests/end_to_end/test_files.py",
    "tests/end_to_end/test_nothing_leaks.py",
    "tests/end_to_end/test_production_start.py",
    "tests/integration/core/test_redis_failover.py",
    "tests/integration/core/test_start.py",
    "tests/integration/dev/local/",
    "tests/integration/dev/scripts/",
    "tests/integration/tasks/test_accounts_command.py",
    "tests/integration/tasks/test_data_call_polls.py",
    "tests/integration/tasks/test_erasure.py",
    "tests/integration/tasks/test_taken_over.py",
    "tests/integration/tasks/test_webhooks_command.py",
    # Minutes of MISO's time limits, and plans of queries over hundreds of thousands of rows.
    "tests/integration/collection/test_sweep_plans.py",
    "tests/integration/interviews/test_files_and_answers.py",
    "tests/integration/interviews/test_knowledge.py",
    "tests/integration/relay/test_reader_leases.py",
    "tests/integration/webapp/test_metrics.py",
    # Pages in Chromium, but for the paths below.
    "tests/end_to_end/browser/",
)
_MAIN_PATHS = (
    "tests/end_to_end/browser/test_declined.py",
    "tests/end_to_end/browser/test_form.py",
    "tests/end_to_end/browser/test_interview_work.py::test_selected_text_is_a_passage",
    "tests/end_to_end/browser/test_interviews.py",
    "tests/end_to_end/browser/test_journey.py",
    "tests/end_to_end/browser/test_kit.py",
    "tests/end_to_end/browser/test_leaving.py::test_a_password_closes",
    "tests/end_to_end/browser/test_my.py::test_who_comes_back",
    "tests/end_to_end/browser/test_my.py::test_looks_consents",
    "tests/end_to_end/browser/test_own_copy.py::test_without_a_line",
    "tests/end_to_end/browser/test_paths.py",
    "tests/end_to_end/browser/test_project_settings.py",
    "tests/end_to_end/browser/test_shl.py",
    "tests/end_to_end/browser/test_staff.py",
    "tests/end_to_end/browser/test_steps.py",
    "tests/end_to_end/browser/test_threads.py::test_two_people",
    "tests/end_to_end/browser/test_threads_blobs.py::test_a_report_is_saved",
    "tests/end_to_end/browser/test_threads_devices.py::test_a_second_browser",
    "tests/end_to_end/browser/test_threads_links.py::test_a_stranger_opens",
    "tests/end_to_end/browser/test_threads_service.py::test_a_patient_brings",
)
# `make accessibility` runs these, too.
_ACCESSIBILITY = re.compile(r"::test_\w*accessible\w*(\[.*\])?$")


def is_slow(nodeid: str) -> bool:
    if _ACCESSIBILITY.search(nodeid) is not None:
        return True
    return nodeid.startswith(_SLOW) and not nodeid.startswith(_MAIN_PATHS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.nodeid):
            item.add_marker(pytest.mark.slow)
