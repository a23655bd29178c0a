"""What `make test` leaves out is there, and CI runs it."""

import pytest

from dev.local.programs import ROOT
from tests import slow
from tests.slow import is_slow


@pytest.mark.parametrize("path", slow._SLOW)
def test_what_is_named_is_there(path: str):
    file, _, test = path.partition("::")
    assert (ROOT / file).exists()
    assert not test or f"def {test}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("test", ["accessible[dark]", "accessible[high contrast]", "accessible[forced colors]"])
def test_a_page_s_other_looks_are_slow(test: str):
    assert is_slow(f"tests/end_to_end/browser/test_accessibility.py::test_each_state_is_{test}")


@pytest.mark.parametrize("test", ["test_each_state_is_accessible[light]", "test_what_is_wrong_is_found"])
def test_a_page_s_first_look_is_not_slow(test: str):
    assert not is_slow(f"tests/end_to_end/browser/test_accessibility.py::{test}")


def test_ci_runs_both_halves():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make check", "make test", "make test-slow"} <= set(lines)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert '-m "not slow"' in makefile
    assert "-m slow" in makefile
