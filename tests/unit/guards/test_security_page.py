"""What docs/security.md claims is tested: each test that it names is there, each row names one or says why not, and no
requirement of ASVS 5.0, levels 1 and 2, is passed over."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from .source import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)
TABLES = PAGE[PAGE.index("## OWASP") :]
_WHY_NOT = ("*not held*", "*no test*", "*does not apply*")
# Numbers alone, of OWASP's own list (docs_en/..._5.0.0_en.csv, L 1 and 2).
WANTED = Path(__file__).with_name("asvs_5_0.txt").read_text(encoding="utf-8").split()
ROWS = [line for line in TABLES.splitlines() if re.match(r"\| \d", line)]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "test"), sorted(set(NAMED)))
def test_a_test_that_is_named_is_there(path: str, test: str):
    assert (ROOT / path).is_file()
    assert not test or test in names_in(path)


def test_the_page_names_tests():
    assert len(ROWS) > 50
    assert len(NAMED) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_row_names_a_test_or_is_not_held(row: str):
    assert "`tests/" in row or any(why in row for why in _WHY_NOT)


def test_every_requirement_of_the_standard_has_one_row():
    """A chapter that does not apply as a whole says so instead."""
    standard = PAGE[PAGE.index("## OWASP") : PAGE.index("## PIPA")]
    passed = re.findall(r"### V(\d+) [^\n]+\n\n\*Does not apply\*", standard)
    named = Counter(number for row in ROWS for number in re.findall(r"\d+\.\d+\.\d+", row.split("|")[1]))
    assert set(named) == {number for number in WANTED if number.partition(".")[0] not in passed}
    assert set(named.values()) == {1}


def test_a_decision_that_is_named_is_there():
    for name in re.findall(r"\((decisions/[\w.-]+)\)", PAGE):
        assert (ROOT / "docs" / name).is_file()
