"""One sandbox process for the module, reset before each test."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.dev.sandbox.client import ControlClient, TilkoClient
from tests.plain_http import NO_TLS

ROOT = Path(__file__).resolve().parents[4]


class SandboxProcess:
    """Reads the one line that says where the sandbox listens."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "dev.sandbox", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", self.line)[0]
        self.http = httpx.Client(timeout=20, verify=NO_TLS)

    def tilko(self, api_key: str = "sandbox-tilko-key") -> TilkoClient:
        return TilkoClient(self.url, api_key, self.http)

    def control(self) -> ControlClient:
        return ControlClient(self.url, self.http)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10)
        self.http.close()
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SandboxProcess]:
    started = SandboxProcess()
    yield started
    started.stop()


@pytest.fixture
def own_sandbox() -> Iterator[Callable[..., SandboxProcess]]:
    started: list[SandboxProcess] = []

    def start(*arguments: str) -> SandboxProcess:
        started.append(SandboxProcess(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def control(shared_sandbox) -> ControlClient:
    client = shared_sandbox.control()
    assert client.post("reset").status_code == 200
    return client


@pytest.fixture
def tilko(shared_sandbox, control) -> TilkoClient:
    return shared_sandbox.tilko()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Ask over HTTP again until the answer is truthy; each question is a round trip, so nothing spins."""

    def wait_for(condition: Callable[[], object]) -> object:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if result := condition():
                return result
        pytest.fail("the condition did not come true in time")

    return wait_for


@pytest.fixture
def in_background():
    """Runs a call in a thread and keeps its answer or its error."""
    threads = []

    def start(call):
        outcome = []

        def run():
            try:
                outcome.append(call())
            except httpx.HTTPError as error:
                outcome.append(error)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return threads[-1], outcome

    yield start
    for thread in threads:
        thread.join(timeout=20)
