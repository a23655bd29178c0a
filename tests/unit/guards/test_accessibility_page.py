"""docs/accessibility.md has each page and each state that a test examines, and none of it is wrong."""

import ast
import re

import pytest

from tests.accessibility import page_rules

from .source import ROOT

DOCUMENT = (ROOT / "docs" / "accessibility.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in DOCUMENT[DOCUMENT.index("| page |") :].splitlines()[2:]]
EXAMINED = re.findall(r"tests/[\w/]+\.py", (ROOT / "Makefile").read_text(encoding="utf-8").partition("EXAMINED :=")[2])
_ASKS = {"look": 0, "faults": 1, "examine_look": 1, "examine": 1}


def states_of(path: str) -> set[str]:
    """What a test calls its states, where the word stands in the call."""
    calls = [
        node for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    asked = [(call, _ASKS[call.func.id]) for call in calls if isinstance(call.func, ast.Name) and call.func.id in _ASKS]
    words = [call.args[place] for call, place in asked if len(call.args) > place]
    return {word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)}


def test_it_has_every_page():
    assert page_rules() - {row[0].strip("`") for row in ROWS} == set()


@pytest.mark.parametrize("path", EXAMINED)
def test_it_has_every_state_that_is_examined(path: str):
    states = states_of(path)
    assert states
    assert states - {row[1] for row in ROWS} == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_nothing_in_it_is_wrong(row: list[str]):
    axe, stops, order, unseen, _live, *others = row[2:]
    assert {axe, order, unseen, *others} == {"0"}
    assert int(stops) > 0
