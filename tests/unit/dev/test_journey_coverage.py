"""`make coverage`: what it counts, what it prints, and when it fails."""

import os
import tomllib
from types import SimpleNamespace

import pytest

from dev.journey_coverage import PACKAGES, TESTS, Counts, add_up, as_table, pytest_configure, read_modules
from dev.local.programs import ROOT

REPORT = {
    "files": {
        "services/journey/b.py": {
            "summary": {"num_statements": 40, "covered_lines": 36, "num_branches": 10, "covered_branches": 10},
            "missing_lines": [3, 4, 5, 9],
        },
        "models/journey/a.py": {
            "summary": {"num_statements": 60, "covered_lines": 60, "num_branches": 0, "covered_branches": 0},
            "missing_lines": [],
        },
        "services/journey/maps/c.py": {
            "summary": {"num_statements": 60, "covered_lines": 60, "num_branches": 30, "covered_branches": 27},
            "missing_lines": [],
        },
    }
}


def test_a_package_is_added_up_with_those_within_it():
    modules = read_modules(REPORT)
    assert list(modules) == ["models/journey/a.py", "services/journey/b.py", "services/journey/maps/c.py"]
    assert add_up(modules, "services/journey") == Counts(100, 96, 40, 37)
    assert add_up(modules, "models/journey") == Counts(60, 60, 0, 0)


@pytest.mark.parametrize(
    ("counts", "suffices"),
    [
        (Counts(100, 96, 100, 96), True),
        (Counts(100, 95, 100, 100), False),
        (Counts(100, 100, 100, 95), False),
        (Counts(60, 60, 0, 0), True),
    ],
)
def test_more_than_95_percent_of_both_are_needed(counts: Counts, suffices: bool):
    assert counts.suffices is suffices


def test_the_table_names_the_lines_that_nothing_runs():
    table = as_table(read_modules(REPORT)).splitlines()
    assert table[2].split() == ["services/journey/b.py", "40", "90.00", "10", "100.00", "3-5,", "9"]


def test_no_folder_of_tests_of_the_journey_is_left_out():
    """But those of its pages, in Chromium, before a hospital that answers from a list."""
    folders = {
        str(path.relative_to(ROOT))
        for layer in ("unit", "integration")
        for path in (ROOT / "tests" / layer).rglob("journey")
    }
    assert folders - {"tests/integration/static/journey"} == {path for path in TESTS if path.endswith("/journey")}
    assert [path for path in TESTS if not (ROOT / path).exists()] == []


def test_coverage_counts_the_packages_that_are_judged():
    counted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]["run"]
    assert (tuple(counted["source_dirs"]), counted["branch"]) == (PACKAGES, True)


@pytest.mark.parametrize(
    ("process", "counts"),
    [
        (SimpleNamespace(getoption={"numprocesses": 2}.get), True),  # it starts the workers, and runs no test
        (SimpleNamespace(getoption={"numprocesses": 2}.get, workerinput={}), False),
        (SimpleNamespace(getoption={}.get), False),
    ],
    ids=["xdist", "worker", "alone"],
)
def test_what_a_test_starts_does_not_count(monkeypatch: pytest.MonkeyPatch, process: SimpleNamespace, counts: bool):
    monkeypatch.setenv("COVERAGE_PROCESS_START", "pyproject.toml")
    pytest_configure(process)
    assert ("COVERAGE_PROCESS_START" in os.environ) is counts
