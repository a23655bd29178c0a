"""Flower answers under its own names, and only to its own pages."""

import os
import socket
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, flower_program
from tests.plain_http import NO_TLS

LISTED = "https://flower.example.com"


@pytest.fixture(scope="module")
def flower(demo_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its API is open, as in the demo. Gives host and port."""
    program = flower_program(pick_port())
    env = demo_env | {"WELNO_FLOWER_ORIGINS": LISTED}
    process = Process("flower", program.command, tmp_path_factory.mktemp("flower") / "log", env=env, cwd=ROOT)
    process.start()
    try:
        process.wait_until(lambda: answers(program.health_url or ""), 60)
        yield (program.url or "").removeprefix("http://")
    finally:
        process.stop()


def ask(flower: str, method: str, host: str, origin: str | None) -> int:
    port = flower.partition(":")[2]
    headers = {"Host": host.format(port=port)} | ({"Origin": origin.format(port=port)} if origin else {})
    path = "/api/tasks" if method == "GET" else "/api/worker/shutdown/nobody"
    return httpx.request(method, f"http://{flower}{path}", headers=headers, timeout=20, verify=NO_TLS).status_code


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example.com", None),  # a name of theirs that leads here
        ("evil.example.com:{port}", "http://evil.example.com:{port}"),
        ("127.0.0.1.example.com", None),
        ("", None),
        ("127.0.0.1:{port}", "https://evil.example.com"),
        ("127.0.0.1:{port}", "null"),
        ("127.0.0.1:{port}", "http://127.0.0.1:1"),  # another program of this machine
        ("flower.example.com", "https://evil.example.com"),
        ("flower.example.com:{port}", None),
    ],
)
def test_a_page_of_another_site_reaches_nothing(flower: str, method: str, host: str, origin: str | None):
    assert ask(flower, method, host, origin) == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:{port}", None),
        ("localhost:{port}", "http://localhost:{port}"),
        ("[::1]:{port}", None),
        ("flower.example.com", LISTED),
    ],
)
def test_its_own_pages_are_answered(flower: str, host: str, origin: str | None):
    assert ask(flower, "GET", host, origin) == 200
    assert ask(flower, "POST", host, origin) == 404  # no such worker


def test_a_taken_port_is_told_in_one_sentence(demo_env: dict[str, str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = flower_program(taken.getsockname()[1]).command
        env = demo_env | {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "flower: cannot listen there: Address already in use")
    assert "Traceback" not in done.stderr
