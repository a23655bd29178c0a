"""The lock files, of the page's libraries, of the SDK's tools and of the tests' Chromium, pin everything and name no
registry; what pages load is parted from what only their tests need."""

import json
from pathlib import Path
from typing import Any

import pytest

from webapp.pages import _NODE_MODULES, _VENDOR_FILES

ROOT = Path(__file__).resolve().parents[3]
LOCK_FILES = pytest.mark.parametrize(
    "lock_file", ["package-lock.json", "dev/sdk/package-lock.json", "dev/chromium/package-lock.json"]
)


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


@LOCK_FILES
def test_the_lock_file_is_of_what_is_asked_for(lock_file: str) -> None:
    path = ROOT / lock_file
    asked = json.loads(path.with_name("package.json").read_text())
    root = json.loads(path.read_text())["packages"][""]
    groups = ("dependencies", "devDependencies")
    assert [root.get(group) for group in groups] == [asked.get(group) for group in groups]


def test_what_pages_load_are_the_only_dependencies() -> None:
    loaded = {path.relative_to(_NODE_MODULES).parts[0] for path in _VENDOR_FILES.values()}
    assert json.loads((ROOT / "package.json").read_text())["dependencies"].keys() == loaded


def test_the_tests_packages_are_used_and_left_out_of_an_installation() -> None:
    tools = json.loads((ROOT / "package.json").read_text())["devDependencies"].keys()
    sources = [path for pattern in ("*.py", "*.js", "*.mjs") for path in (ROOT / "tests").rglob(pattern)]
    tests = "\n".join(path.read_text() for path in sources if path != Path(__file__))
    assert [name for name in tools if f'"{name}' not in tests] == []
    assert [name for name in tools if not _locked("package-lock.json")[f"node_modules/{name}"].get("dev")] == []
