"""Web processes that share a metrics folder: what is added up is what lives."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from dev.local.programs import ROOT
from tests.plain_http import NO_TLS

from .people import Person
from .server import Server
from .test_sockets import hear, open_socket

_HOLD = """
import os, re, sys
folder, process_id, count = sys.argv[1:]
os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
known = [os.getpid()]
os.getpid = lambda: known[0]
from webapp.live_metrics import join_metrics
from webapp.observing import render_metrics
from webapp.relay.metrics import SOCKETS
known[0] = int(process_id)  # as after a fork in a container, where process ids come again
join_metrics(folder)
SOCKETS.inc(int(count))
print(re.search(r"^welno_relay_sockets ([0-9.]+)$", render_metrics(folder, {}).decode(), re.M)[1], flush=True)
sys.stdin.readline()
"""
Holder = Callable[[int, int], subprocess.Popen[str]]


@pytest.fixture
def shared(demo_env: dict[str, str], postgres_url: str, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "metrics"
    folder.mkdir()
    return demo_env | {"DATABASE_URL": postgres_url, "PROMETHEUS_MULTIPROC_DIR": str(folder)}


def sockets(metrics: str) -> float:
    found = re.search(r"^welno_relay_sockets ([0-9.]+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else 0


def ask_sockets(server: Server) -> float:
    return sockets(httpx.get(f"{server.url}/metrics", verify=NO_TLS).text)


def test_sockets_of_a_killed_server_are_counted_no_more(shared: dict[str, str], tmp_path: Path, starter: Person):
    with ExitStack() as opened, Server(shared, tmp_path / "first.log") as first:
        for _ in range(3):
            hear(open_socket(opened, first, starter.session_id, additional_headers=starter.bearer))
        assert ask_sockets(first) == 3
        os.killpg(first.process.pid or 0, signal.SIGKILL)
    with Server(shared, tmp_path / "second.log") as second:
        assert ask_sockets(second) == 0


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Holder]:
    """A process of that id which has so many sockets, says how many there are in all, and lives on."""
    processes: list[subprocess.Popen[str]] = []

    def begin(process_id: int, count: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _HOLD, str(tmp_path), str(process_id), str(count)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> float:
    assert process.stdout is not None
    return float(process.stdout.readline())


def test_the_dead_are_told_from_the_living_whatever_their_process_ids(hold: Holder):
    first = hold(7, 5)
    assert told(first) == 5
    assert told(hold(8, 4)) == 9
    first.kill()
    first.wait()
    assert told(hold(9, 1)) == 5
    second = hold(7, 2)
    assert told(second) == 7
    second.kill()
    second.wait()
    assert told(hold(7, 3)) == 8
