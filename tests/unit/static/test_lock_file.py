"""The lock file of the page's libraries pins everything and names no registry."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def _locked() -> dict[str, Any]:
    packages: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {name: package for name, package in packages.items() if name}


def test_every_package_is_pinned_by_its_hash() -> None:
    # What is bundled comes inside of a package that is pinned.
    pinned = [package for package in _locked().values() if not package.get("inBundle")]
    assert pinned
    assert all(package["integrity"].startswith("sha512-") for package in pinned)


def test_the_lock_file_names_no_registry() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert "resolved" not in text
    assert "://" not in text


def test_no_package_runs_a_script_when_it_is_installed() -> None:
    assert not any(package.get("hasInstallScript") for package in _locked().values())
