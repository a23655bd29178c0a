"""What `make test` leaves out is there, and CI runs it."""

import pytest

from dev.local.programs import ROOT
from tests import slow
from tests.slow import is_slow, may_hold


@pytest.mark.parametrize("path", slow._SLOW + slow._MAIN_PATHS)
def test_what_is_named_is_there(path: str):
    file, _, test = path.partition("[")[0].partition("::")
    assert (ROOT / file).exists()
    assert not test or f"def {test}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("look", ["light", "dark", "high contrast", "forced colors"])
def test_examining_a_page_is_slow_in_each_look(look: str):
    assert is_slow(f"tests/integration/static/journey/test_accessibility.py::test_each_state_is_accessible[{look}]")


def test_a_page_s_own_path_is_not_slow():
    assert not is_slow("tests/end_to_end/browser/test_paths.py::test_the_trend_path_ends_with_charts[375]")


def test_files_that_are_left_out_whole_are_not_collected():
    path = "tests/end_to_end/browser/test_paths.py"  # has both
    assert (may_hold(path, slow=True), may_hold(path, slow=False)) == (True, True)
    path = "tests/integration/crash/test_every_step.py"
    assert (may_hold(path, slow=True), may_hold(path, slow=False)) == (True, False)
    path = "tests/unit/guards/test_arrows.py"
    assert (may_hold(path, slow=True), may_hold(path, slow=False)) == (False, True)


def test_ci_runs_both_halves():
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    needed = {"\nmake check\n", "\ntry_tests test ", "\ntry_tests test-slow "}
    assert {command for command in needed if command not in commands} == set()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert '-m "not slow"' in makefile
    assert "-m slow" in makefile
