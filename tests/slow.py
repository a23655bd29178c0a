"""Which tests `make test` leaves to `make test-slow`; CI runs both.

`make test` takes what needs no browser, and each page's main path through Chromium; what a page does in trouble, on
other devices, in other looks, what whole processes do when they are killed, and what waits for a time limit, is left:
`make test` is to take less than 15 minutes on two cores.
"""

import re
from pathlib import Path

import pytest

from dev.local.programs import ROOT

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
    "tests/end_to_end/test_interviews_set_back.py",
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
    # What waits for a time limit, or for processes to stop and start.
    "tests/end_to_end/test_interviews.py::test_no_collection_waits",
    "tests/end_to_end/test_journey_day.py",
    "tests/end_to_end/test_long_calls.py",
    "tests/end_to_end/test_records.py::test_a_fresh_identification_resets",
    "tests/end_to_end/test_records.py::test_five_wrong_tries",
    "tests/end_to_end/test_watching.py::test_flower_shows_every_step",
    "tests/integration/core/test_flower.py::test_a_taken_port",
    "tests/integration/interviews/test_late_refusals.py",
    "tests/integration/interviews/test_pending_stops.py",
    "tests/integration/interviews/test_unwanted_calls.py",
    "tests/integration/relay/test_admission.py",
    "tests/integration/relay/test_sse.py::test_sigterm_ends",
    "tests/integration/tasks/journey/test_line_follower.py",
    "tests/integration/tasks/test_approval_paths.py",
    "tests/integration/tasks/test_move_files_command.py",
    "tests/integration/tasks/test_paths.py::test_an_answer_of_thirty_mib",
    "tests/integration/tasks/test_threads_service.py::test_records_come_once",
    "tests/integration/tasks/test_webhooks.py::test_a_worker_",
    "tests/integration/webapp/interviews/test_chat.py::test_a_process_that_stops",
    "tests/integration/webapp/interviews/test_chat.py::test_the_answer_begins_after_five_seconds",
    "tests/integration/webapp/interviews/test_chat.py::test_without_a_",
    "tests/integration/webapp/interviews/test_chat.py::test_who_leaves_",
    "tests/integration/webapp/interviews/test_monitoring.py::test_each_process",
    "tests/integration/webapp/journey/test_live.py::test_a_waiting_room",
    "tests/integration/webapp/journey/test_live.py::test_whatever_is_commanded",
    "tests/integration/webapp/test_readyz.py::test_a_failover",
    "tests/integration/webapp/test_readyz.py::test_a_full_redis",
    "tests/integration/webapp/test_readyz.py::test_a_redis_that_was_demoted",
    "tests/integration/webapp/test_sockets.py::test_a_stopping_server",
    "tests/integration/webapp/test_sockets.py::test_behind_a_proxy",
    # Histories that are invented.
    "tests/integration/journey/test_random_walks.py",
    "tests/integration/threads/test_model.py",
    # The sandbox itself, which all others use.
    "tests/integration/dev/sandbox/",
    # Pages in Chromium, but for the paths below.
    "tests/end_to_end/browser/",
    "tests/integration/static/journey/",
    "tests/integration/webapp/interviews/pages/",
)
_MAIN_PATHS = (
    "tests/end_to_end/browser/test_declined.py::test_a_decline_is_told_as_a_choice_and_may_be_asked_again[375",
    "tests/end_to_end/browser/test_form.py::test_an_empty_form_names",
    "tests/end_to_end/browser/test_form.py::test_the_keyboard_alone",
    "tests/end_to_end/browser/test_form.py::test_what_only_the_server_refuses",
    "tests/end_to_end/browser/test_interviews.py::test_an_upload_becomes",
    "tests/end_to_end/browser/test_journey.py::test_a_visit",
    "tests/end_to_end/browser/test_my.py::test_looks_consents_and_sessions_are_shown[375",
    "tests/end_to_end/browser/test_my.py::test_who_comes_back",
    "tests/end_to_end/browser/test_paths.py::test_a_stranger_with_the_link",
    "tests/end_to_end/browser/test_paths.py::test_the_report_path_ends",
    "tests/end_to_end/browser/test_paths.py::test_the_results_come_first_and_then_the_offer_of_a_password[375",
    "tests/end_to_end/browser/test_paths.py::test_the_trend_path_ends_with_charts[375",
    "tests/end_to_end/browser/test_project_settings.py::test_an_admin_lets",
    "tests/end_to_end/browser/test_shl.py::test_a_doctor_opens_what_a_patient_shows_and_the_patient_sees_it[375",
    "tests/end_to_end/browser/test_staff.py::test_a_stopped_run_is_found",
    "tests/end_to_end/browser/test_staff.py::test_who_signs_out",
    "tests/end_to_end/browser/test_steps.py::test_a_phone_asks",
    "tests/end_to_end/browser/test_threads.py::test_two_people",
    "tests/integration/static/journey/test_call.py::test_who_reads_a_call",
    "tests/integration/static/journey/test_desk_and_hall.py::test_the_key_n_calls",
    "tests/integration/static/journey/test_kept_files.py",
    "tests/integration/static/journey/test_patient_page.py::test_each_state_has_one_main_button",
    "tests/integration/webapp/interviews/pages/test_entry.py::test_signing_in_leads",
    "tests/integration/webapp/interviews/pages/test_entry.py::test_who_is_not_signed_in",
    "tests/integration/webapp/interviews/pages/test_live.py::test_who_gets_another_role",
    "tests/integration/webapp/interviews/pages/test_project.py::test_a_deleted_interview_goes",
    "tests/integration/webapp/interviews/pages/test_project.py::test_a_failed_analysis",
    "tests/integration/webapp/interviews/pages/test_project.py::test_an_upload_is_one_row",
)
# `make accessibility` runs these, too.
_ACCESSIBILITY = re.compile(r"::test_\w*accessible\w*(\[.*\])?$")


def is_slow(nodeid: str) -> bool:
    if _ACCESSIBILITY.search(nodeid) is not None:
        return True
    return nodeid.startswith(_SLOW) and not nodeid.startswith(_MAIN_PATHS)


def may_hold(path: str, *, slow: bool) -> bool:
    """Whether that file, told from the checkout on, may hold tests that are slow, or such that are not."""
    if slow:
        named = any(path.startswith(entry.partition("::")[0]) for entry in _SLOW)
        return named or "accessible" in (ROOT / path).read_text(encoding="utf-8")
    left = {entry.partition("::")[0] for entry in _MAIN_PATHS}
    return path in left or not path.startswith(tuple(entry for entry in _SLOW if "::" not in entry))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Each of xdist's workers collects for itself, so files that would be left out whole are not even read."""
    chosen = {"slow": True, "not slow": False}.get(config.option.markexpr)
    if chosen is None or not collection_path.name.startswith("test_"):
        return None
    return None if may_hold(str(collection_path.relative_to(ROOT)), slow=chosen) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.nodeid):
            item.add_marker(pytest.mark.slow)
