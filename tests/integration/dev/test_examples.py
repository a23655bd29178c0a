"""The examples of docs/examples before a server that scripts what they rarely meet: faults, refusals, an early end."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PERSON = {"name": "김하늘", "birthdate": "19840517", "phone": "01000000001", "gender": "M"}
SESSION, PATIENT = "s-1", "p-1"


def told(seq: int, type_: str, status: str | None = None) -> bytes:
    body = {"seq": seq, "type": type_, "message": f"{type_}.", "data": {"patient_uuid": PATIENT}}
    body |= {"status": status} if status else {}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"id: e:{seq}\ndata: {text}\n\n".encode()


COMPLETED = told(9, "streaming_status", "completed")


class Api(ThreadingHTTPServer):
    """`answers` are those to the next requests for events, the last one for good: a status, and the events."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, bytes]] = []
        self.asked_at: list[float] = []


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        if "/events" in self.path:
            self.server.asked_at.append(time.monotonic())
            answers = self.server.answers
            self._give(*(answers.pop(0) if len(answers) > 1 else answers[0]))
        else:
            self._give(200, b'{"items":[{"id":1}]}' if "/patients/" in self.path else b'{"items":[]}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._give(200, json.dumps({"session_id": SESSION, "session_token": "t"}, separators=(",", ":")).encode())

    def _give(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=["collect.sh", "collect.py"])
def collect(request: pytest.FixtureRequest, api: Api) -> Any:
    """Runs it, and gives its exit status and all that it printed."""
    url = f"http://127.0.0.1:{api.server_port}"
    if request.param == "collect.py":
        command = [sys.executable, str(EXAMPLES / request.param), "--url", url]
        command += [part for name, value in PERSON.items() for part in (f"--{name}", value)]
        env = {}
    else:
        command, env = [str(EXAMPLES / request.param)], {name.upper(): value for name, value in PERSON.items()}

    def run() -> tuple[int, str]:
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "URL": url} | env,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout

    return run


def test_what_goes_on_by_itself_is_no_end(api: Api, collect: Any):
    api.answers = [(200, told(1, "collection_error", "error") + COMPLETED)]
    status, printed = collect()
    assert (status, "checkups: 1" in printed) == (0, True)


@pytest.mark.parametrize("type_", ["error", "expired", "cancelled"])
def test_a_session_that_failed_ends_it(api: Api, collect: Any, type_: str):
    api.answers = [(200, told(1, type_, type_))]
    assert collect()[0] == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_session_that_is_gone_ends_it(api: Api, collect: Any, status: int):
    api.answers = [(status, b'{"code":"SESSION_NOT_FOUND"}')]
    ended, printed = collect()
    assert (ended, "SESSION_NOT_FOUND" in printed, len(api.asked_at)) == (1, True, 1)


@pytest.mark.parametrize("answer", [(429, b"{}"), (503, b"{}"), (200, b"retry: 100\n\n")])
def test_a_server_that_says_later_is_asked_again_after_a_pause(api: Api, collect: Any, answer: tuple[int, bytes]):
    api.answers = [answer, (200, COMPLETED)]
    assert collect()[0] == 0
    first, second = api.asked_at
    assert second - first >= 2.5
