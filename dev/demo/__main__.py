"""`python -m dev.demo [--backup]`: walks a patient's day through the demo hospital, and tells each step in one line.

Through the demo that `make run` runs; where none runs, through one of its own, which is gone afterwards.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.demo.day import BackupScenes, Day, person
from dev.demo.devices import Desk, UnexpectedAnswer
from dev.local.demo import DEMO_SETTINGS, demo_password
from dev.local.errors import LocalError
from dev.local.health import answers
from dev.local.stack import Stack
from dev.local.within import demo_home, demo_ports

_PROCESSES = ("web", "worker", "sweeper")
_PATIENTS = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("--backup", action="store_true", help="what helps without NFC, socket or network")
    options = parser.parse_args()
    try:
        with _running_demo() as (web_url, home):
            _walk(web_url, demo_password(home), backup=options.backup)
    except (LocalError, UnexpectedAnswer) as exc:
        print(f"error: {exc}", file=sys.stderr, flush=True)
        return 1
    return 0


def _walk(web_url: str, password: str, *, backup: bool) -> None:
    kind = BackupScenes if backup else Day
    day = kind(web_url, password, _tell, find_patient(web_url, password))
    try:
        day.walk()
    finally:
        day.close()


def find_patient(web_url: str, password: str) -> int:
    """The first who is not in the hospital. Raises UnexpectedAnswer when all are."""
    desk = Desk(web_url, "desk1", password)
    try:
        for number in range(1, _PATIENTS + 1):
            asked = {name: value for name, value in person(number).items() if name != "name"}
            found = desk.post("/staff/patients/find", asked)["patients"]
            if any(one["journey_state"] == "UNREGISTERED" for one in found):
                return number
    finally:
        desk.close()
    raise UnexpectedAnswer("every patient of the demo is in the hospital already")


@contextmanager
def _running_demo() -> Iterator[tuple[str, Path]]:
    web_url = f"http://127.0.0.1:{demo_ports().web}"
    if answers(f"{web_url}/healthz"):
        yield web_url, demo_home()
        return
    _tell("no demo is running (make run): starting one for this day only, some seconds")
    with TemporaryDirectory(prefix="welno-demo-") as folder:
        stack = Stack(Path(folder), None, DEMO_SETTINGS, _PROCESSES, fast=True)
        with stack:
            yield stack.web_url, stack.home


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
