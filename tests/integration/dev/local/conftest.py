"""A home folder that others may enter, and a supervisor with small stand-ins for the product's processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dev.local.home import copy_home
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="welno-test-") as folder:
        yield Path(folder) / "home"


@pytest.fixture
def used_home(home: Path, migrated_home: Path) -> Path:
    """PostgreSQL has been there before, which saves its first start."""
    copy_home(migrated_home, home)
    shutil.rmtree(home / "logs")
    return home


class Supervisor:
    """`python -m tests.integration.dev.local.stand_ins` with its output in a file."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.output = home.parent / "output.txt"
        command = [sys.executable, "-m", "tests.integration.dev.local.stand_ins", str(home), *arguments]
        with self.output.open("w") as file:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines()

    def wait_ready(self) -> None:
        wait_until(lambda: any(line.startswith("flower: ") for line in self.lines()), 30)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def supervise(used_home: Path) -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(*arguments: str) -> Supervisor:
        started.append(Supervisor(used_home, *arguments))
        return started[-1]

    yield start
    for supervisor in started:
        if supervisor.process.poll() is None:
            supervisor.process.terminate()
        supervisor.process.wait(15)


@pytest.fixture
def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to give itself away")
