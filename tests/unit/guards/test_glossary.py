"""docs/glossary.md has one entry for each word: one that means two things has two, which say of what."""

import re
from collections import Counter

from .source import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def words() -> list[str]:
    """Of the first column; an entry may be of several."""
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", PAGE, re.MULTILINE)
    return [word.strip().lower() for row in rows if row not in {"word", "---"} for word in row.split(",")]


def test_no_word_has_two_entries():
    assert len(words()) > 90
    assert [word for word, times in Counter(words()).items() if times > 1] == []
