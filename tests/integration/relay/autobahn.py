"""Runs the Autobahn suite against the relay's own sockets, which echo here.

`python -m tests.integration.relay.autobahn PYTHON2 [CASES]`, where PYTHON2 is a Python 2.7 with `autobahntestsuite`.
Prints how each case ended, and ends with 1 when one failed.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from core.settings import RelaySettings
from webapp.relay.connection import Connection
from webapp.relay.frames import Message, Opcode, encode_frame
from webapp.relay.handshake import detach, install_handshake
from webapp.relay.loop import ThreadLoop
from webapp.relay.pool import ReaderPool
from webapp.relay.registry import ReaderRegistry

_RUN = "import sys; from autobahntestsuite.wstest import run; sys.argv[0] = 'wstest'; run()"
# 12 and 13 are compression, which is declined by design.
EXCLUDED = ["12.*", "13.*"]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
LIMITS = RelaySettings(
    message_in_max_bytes=1 << 25,
    message_out_max_bytes=1 << 25,
    messages_per_minute=10_000_000,
    controls_per_minute=10_000_000,
    admit_within_seconds=86_400,
)


class QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        return


class EchoConnection(Connection):
    """The relay's connection, which sends back what it receives: the suite judges servers that do."""

    def _on_message(self, message: Message) -> None:
        if message.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._put_control(encode_frame(message.opcode, message.payload))
        else:
            super()._on_message(message)

    def echo(self) -> None:
        self.begin()
        self._open(ReaderRegistry(LIMITS).acquire_connection(""), [])


def create_app(pool: ReaderPool) -> Flask:
    app = Flask(__name__)

    @install_handshake(app).route("/")
    def echo(ws: Any) -> None:
        done = threading.Event()
        pool.loop.run(EchoConnection(pool, detach(ws), done).echo)
        done.wait()

    return app


def run(python2: str, cases: list[str]) -> dict[str, str]:
    """How each case ended, by its number."""
    pool = ReaderPool(ThreadLoop(), LIMITS, 0.05)
    server = make_server("127.0.0.1", 0, create_app(pool), threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        return _judge(python2, server.port, cases)
    finally:
        server.shutdown()
        thread.join(10)
        pool.stop()
        server.server_close()


def _judge(python2: str, port: int, cases: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="welno-autobahn-") as folder:
        spec = {
            "outdir": folder,
            "servers": [{"agent": "relay", "url": f"ws://127.0.0.1:{port}"}],
            "cases": cases,
            "exclude-cases": EXCLUDED,
            "exclude-agent-cases": {},
        }
        path = Path(folder) / "spec.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        subprocess.run(
            [python2, "-c", _RUN, "-m", "fuzzingclient", "-s", str(path)],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=1800,
        )
        index = json.loads((Path(folder) / "index.json").read_text(encoding="utf-8"))["relay"]
    return {case: _outcome(result) for case, result in index.items()}


def _outcome(result: dict[str, Any]) -> str:
    closed = result["behaviorClose"]
    return str(result["behavior"]) if closed in PASSED else f"close: {closed}"


if __name__ == "__main__":
    outcomes = run(sys.argv[1], sys.argv[2:] or ["*"])
    for case, outcome in outcomes.items():
        if outcome != "OK":
            print(case, outcome)  # noqa: T201 the report of a command
    print(dict(Counter(outcomes.values())))  # noqa: T201
    sys.exit(any(outcome not in PASSED for outcome in outcomes.values()))
