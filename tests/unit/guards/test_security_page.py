"""What docs/security.md claims is tested: each row names a test or says why not, and no requirement of ASVS 5.0, levels
1 and 2, is passed over. That the tests are there is looked for by test_cited_paths.py."""

import re
from collections import Counter
from pathlib import Path

import pytest

from .source import ROOT, cited

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = [path for path, _ in cited(PAGE) if path.startswith("tests/")]
TABLES = PAGE[PAGE.index("## OWASP") :]
_WHY_NOT = ("*not held*", "*no test*", "*does not apply*")
# Numbers alone, of OWASP's own list (docs_en/..._5.0.0_en.csv, L 1 and 2).
WANTED = Path(__file__).with_name("asvs_5_0.txt").read_text(encoding="utf-8").split()
ROWS = [line for line in TABLES.splitlines() if re.match(r"\| \d", line)]


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
