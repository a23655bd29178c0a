"""Which tests run on which of xdist's workers, and when: those that share a stack together, the longest first."""

import os
from fnmatch import fnmatchcase

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files that share a stack; on two workers there would be two, which only the longest are worth. The first that fits,
_TOGETHER = (
    "tests/end_to_end/browser/test_threads*",
    "tests/end_to_end/browser/*",
    "tests/end_to_end/*",
    "tests/integration/tasks/*",
    "tests/integration/webapp/interviews/pages/*",
)
# except those that start their own, or need none: what is shared would run beside them, and they wait behind it.
_APART = (
    "tests/end_to_end/test_clocks.py",
    "tests/end_to_end/test_ends_and_outages.py",
    "tests/end_to_end/test_full_disk.py",
    "tests/end_to_end/test_hosts.py",
    "tests/end_to_end/test_interviews.py",
    "tests/end_to_end/test_journey_day.py",
    "tests/end_to_end/test_judged_streams.py",
    "tests/end_to_end/test_key_rotation.py",
    "tests/end_to_end/test_lost_redis.py",
    "tests/end_to_end/test_pooler.py",
    "tests/end_to_end/test_production_start.py",
    "tests/end_to_end/test_rolling_restart.py",
    "tests/end_to_end/test_stopping.py",
    "tests/integration/tasks/journey/test_line_follower.py",
    "tests/integration/tasks/test_access_log_command.py",
    "tests/integration/tasks/test_accounts_command.py",
    "tests/integration/tasks/test_approval_paths.py",
    "tests/integration/tasks/test_beat.py",
    "tests/integration/tasks/test_data_call_polls.py",
    "tests/integration/tasks/test_projects_command.py",
    "tests/integration/tasks/test_show_file.py",
)
# Longest first, so that the workers end at the same time. All else follows in its order, what takes least at the end.
_FIRST = (
    "tests/end_to_end/browser/*",
    "tests/end_to_end/browser/test_threads*",
    "tests/end_to_end/*",
    "tests/integration/tasks/*",
    "tests/integration/dev/bench/test_chaos.py",
    "tests/end_to_end/test_stopping.py",
    "tests/integration/crash/test_every_step.py",
    "tests/end_to_end/test_key_rotation.py",
    "tests/integration/webapp/interviews/pages/*",
    "tests/unit/static/test_sdk.py",
    "tests/integration/interviews/test_runs_that_are_cut.py",
    "tests/end_to_end/test_clocks.py",
    "tests/integration/interviews/test_faults_and_deaths.py",
    "tests/end_to_end/test_rolling_restart.py",
    "tests/integration/dev/bench/test_relay.py",
    "tests/integration/relay/test_bounds.py",
    "tests/end_to_end/test_judged_streams.py",
    "tests/end_to_end/test_ends_and_outages.py",
    "tests/end_to_end/test_journey_day.py",
    "tests/integration/dev/local/test_run.py",
    "tests/integration/interviews/test_faults_of_miso.py",
    "tests/integration/dev/bench/test_clients.py",
    "tests/integration/dev/bench/test_pipeline.py",
    "tests/integration/webapp/interviews/test_chat.py",
    "tests/integration/dev/bench/test_waiting.py",
    "tests/integration/interviews/test_knowledge.py",
    "tests/integration/interviews/test_files_and_answers.py",
    "tests/end_to_end/test_lost_redis.py",
    "tests/integration/dev/bench/test_journey.py",
    "tests/integration/dev/bench/test_first_view.py",
)
_LAST = "tests/unit"
# Tests wait for servers more than they compute; a worker with its stack takes about 1.5 GB.
_MOST_WORKERS = 6


class UnitScheduling(LoadScopeScheduling):
    """A worker takes a whole unit."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The pattern of its files, or its file."""
    path = nodeid.partition("::")[0]
    if path in _APART:
        return path
    return next((pattern for pattern in _TOGETHER if fnmatchcase(path, pattern)), path)


def rank_of(unit: str) -> tuple[bool, int]:
    """Lower ranks begin earlier."""
    if unit in _FIRST:
        return False, _FIRST.index(unit)
    return unit.startswith(_LAST), len(_FIRST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank_of(unit_of(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return UnitScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min((os.cpu_count() or 1) + 1, _MOST_WORKERS)
