"""The order of the tests names what is there, and keeps those together that share a stack."""

import pytest

from dev.local.programs import ROOT
from tests import scheduling
from tests.scheduling import rank_of, unit_of


def test_every_unit_that_is_named_is_there():
    named = {*scheduling._TOGETHER, *scheduling._APART, *scheduling._FIRST, scheduling._LAST}
    assert [path for path in sorted(named) if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("unit", scheduling._FIRST)
def test_what_shall_begin_first_is_a_unit(unit: str):
    """Files that are units of their own would never be met under a pattern."""
    assert unit_of(f"{unit.replace('*', '_any.py')}::test_one") == unit


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/end_to_end/browser/test_form.py::test_one", "tests/end_to_end/browser/*"),
        ("tests/end_to_end/browser/test_threads_blobs.py::test_one", "tests/end_to_end/browser/test_threads*"),
        ("tests/end_to_end/test_files.py::test_one[a/b.py::c]", "tests/end_to_end/*"),
        ("tests/end_to_end/test_stopping.py::test_one", "tests/end_to_end/test_stopping.py"),
        ("tests/integration/tasks/test_kills.py::test_one", "tests/integration/tasks/*"),
        ("tests/integration/webapp/test_files.py::test_one", "tests/integration/webapp/test_files.py"),
    ],
)
def test_tests_that_share_a_stack_are_one_unit(test: str, unit: str):
    assert unit_of(test) == unit


def test_the_longest_begins_first_and_what_takes_least_comes_last():
    units = ["tests/unit/models/test_states.py", "tests/integration/webapp/test_files.py", "tests/end_to_end/browser/*"]
    assert sorted(units, key=rank_of) == units[::-1]
