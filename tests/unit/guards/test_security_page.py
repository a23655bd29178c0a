"""What docs/security.md claims is tested: each test that it names is there, and each row names one or says why not."""

import ast
import re
from functools import cache

import pytest

from .source import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)
TABLES = PAGE[PAGE.index("## OWASP") :]
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
    assert "`tests/" in row or "*not held*" in row


def test_a_decision_that_is_named_is_there():
    for name in re.findall(r"\((decisions/[\w.-]+)\)", PAGE):
        assert (ROOT / "docs" / name).is_file()
