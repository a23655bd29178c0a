"""docs/browsers.md names the tests that run in Firefox, all of them, and the Chromium that npm brings."""

import json
import re

from .source import ROOT

DOCUMENT = (ROOT / "docs" / "browsers.md").read_text(encoding="utf-8")


def test_it_has_each_test_in_firefox():
    module = (ROOT / "tests" / "end_to_end" / "browser" / "test_firefox.py").read_text(encoding="utf-8")
    paths = set(re.findall(r"^def (test_\w+)\(\s*new_tab", module, re.MULTILINE))
    assert paths
    assert paths == set(re.findall(r"^\| `(test_\w+)` \|", DOCUMENT, re.MULTILINE))


def test_it_names_the_version_that_npm_brings():
    package = json.loads((ROOT / "dev" / "chromium" / "package.json").read_text(encoding="utf-8"))
    pinned = package["devDependencies"]["@sparticuz/chromium"]
    assert f"| Chromium {pinned.partition('.')[0]}, " in DOCUMENT


def test_the_paths_in_it_exist():
    for path in re.findall(r"`(tests/[\w./]+)`", DOCUMENT):
        assert (ROOT / path).exists()
