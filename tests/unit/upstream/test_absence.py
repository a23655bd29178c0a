"""The report's input and the trend page take the same words for 'not examined'."""

import re
from pathlib import Path

from upstream.absence import is_absent

RANGES = Path(__file__).parents[3] / "webapp/static/page/collection/ranges.js"


def test_the_trend_page_knows_the_same_words():
    found = re.search(r"NOT_EXAMINED = new Set\(\s*`([^`]*)`", RANGES.read_text(encoding="utf-8"))
    assert found is not None
    shown = found[1].split()
    assert [word for word in shown if not is_absent(word)] == []
    source = Path("upstream/absence.py").read_text(encoding="utf-8")
    assert set(re.findall(r'^        "(.*)",$', source, re.MULTILINE)) == set(shown)
