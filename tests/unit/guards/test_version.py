"""The product's version is one, wherever it stands, and the changelog's newest release is of it."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from .source import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.findall(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", CHANGELOG, re.MULTILINE)
# As the image and the SDK's package are named.
_NAMED = re.compile(r"\bwelno[:-](\d+\.\d+\.\d+)\b")
_PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").rglob("*")) if path.is_file())]


def named_in(path: Path) -> list[str]:
    return _NAMED.findall(path.read_text(encoding="utf-8")) if path.suffix != ".png" else []


def test_the_changelog_s_newest_release_is_this_one():
    assert RELEASES[0][0] == VERSION


def test_the_sdk_has_the_same_version():
    package, lock = (
        json.loads((ROOT / "dev" / "sdk" / name).read_text(encoding="utf-8"))
        for name in ("package.json", "package-lock.json")
    )
    assert {package["version"], lock["version"], lock["packages"][""]["version"]} == {VERSION}


@pytest.mark.parametrize("path", [path for path in _PAGES if named_in(path)], ids=lambda path: path.name)
def test_a_page_or_a_manifest_names_it(path: Path):
    assert set(named_in(path)) == {VERSION}


def test_the_image_and_the_package_are_named():
    named = {path.name for path in _PAGES if named_in(path)}
    assert {"integration.md", "Containerfile", "web.yaml", "worker.yaml"} <= named


def test_the_changelog_begins_with_what_is_not_released_and_goes_back_in_time():
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings == ["Unreleased", *(f"{version} ({day})" for version, day in RELEASES)]
    ordered = [(tuple(map(int, version.split("."))), date.fromisoformat(day)) for version, day in RELEASES]
    assert ordered == sorted(ordered, reverse=True)


def test_each_release_has_the_same_sections():
    for section in re.split(r"^## .+$", CHANGELOG, flags=re.MULTILINE)[1:]:
        found = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert found == [name for name in ("Added", "Changed", "Fixed") if name in found]
