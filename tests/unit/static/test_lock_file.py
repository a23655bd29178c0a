"""The lock files, of the page's libraries and of the SDK's tools, pin everything and name no registry."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCK_FILES = pytest.mark.parametrize("lock_file", ["package-lock.json", "dev/sdk/package-lock.json"])


def _locked(lock_file: str) -> dict[str, Any]:
    packages: dict[str, Any] = json.loads((ROOT / lock_file).read_text())["packages"]
    return {name: package for name, package in packages.items() if name}


@LOCK_FILES
def test_every_package_is_pinned_by_its_hash(lock_file: str) -> None:
    # What is bundled comes inside of a package that is pinned.
    pinned = [package for package in _locked(lock_file).values() if not package.get("inBundle")]
    assert pinned
    assert all(package["integrity"].startswith("sha512-") for package in pinned)


@LOCK_FILES
def test_the_lock_file_names_no_registry(lock_file: str) -> None:
    text = (ROOT / lock_file).read_text()
    assert "resolved" not in text
    assert "://" not in text


@LOCK_FILES
def test_no_package_runs_a_script_when_it_is_installed(lock_file: str) -> None:
    assert not any(package.get("hasInstallScript") for package in _locked(lock_file).values())
