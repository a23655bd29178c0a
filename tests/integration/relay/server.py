"""Starts the small app under gunicorn, and speaks to it with an independent WebSocket client."""

import json
import os
import signal
import socket
import sys
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import pytest
import websockets.sync.client
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import ClientConnection

from core.settings import RelaySettings
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from tests.waiting import WAIT_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent


NOBODY = {"sockets": 0, "polls": 0, "channels": 0, "admitted": 0}


class Server(AbstractContextManager["Server"]):
    def __init__(
        self,
        folder: Path,
        redis_url: str,
        limits: RelaySettings,
        max_readers: int = 20,
        *,
        is_counted_with_others: bool = False,
    ) -> None:
        self.port = pick_port()
        self.log = folder / "gunicorn.log"
        environment = os.environ | {
            "RELAY_REDIS_URL": redis_url,
            "RELAY_LIMITS": json.dumps(asdict(limits)),
            "RELAY_MAX_READERS": str(max_readers),
            "RELAY_READERS_KEY": "of all servers of a test" if is_counted_with_others else "",
        }
        command = [
            sys.executable, "-m", "gunicorn", "--config", str(HERE / "gunicorn_conf.py"),
            "--bind", f"{LOOPBACK}:{self.port}", "tests.integration.relay.app:create()",
        ]  # fmt: skip
        self.process = Process("gunicorn", command, self.log, env=environment, cwd=ROOT)

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_until(self._answers, 20)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # how it stops has tests of its own

    def terminate(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGTERM)

    def connect(self, subject: str, query: str = "", path: str = "ws", **options: Any) -> ClientConnection:
        options = {"max_size": None, "legacy": True} | options  # legacy: connects at once, not at `with`
        url = f"ws://{LOOPBACK}:{self.port}/{path}/{subject}?{query}"
        return websockets.sync.client.connect(url, proxy=None, **options)

    def open(self, subject: str, query: str = "", **options: Any) -> ClientConnection:
        """Connected, and its two greetings read."""
        client = self.connect(subject, query, **options)
        greetings = [json.loads(client.recv(5))["type"] for _ in range(2)]
        assert greetings == ["connection_established", "session_status"]
        return client

    def raw(self, subject: str, query: str = "", path: str = "ws", window: int | None = None) -> socket.socket:
        """Shaken hands by hand, the greetings still unread. With a small window little waits in the kernel."""
        connection = socket.socket()
        connection.settimeout(5)
        if window is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.connect((LOOPBACK, self.port))
        request = (
            f"GET /{path}/{subject}?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        connection.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        return connection

    def url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url(path), timeout=10) as reply:
            return json.load(reply)

    def sample(self, name: str, **labels: str) -> float:
        """One number of /metrics; 0 as long as nothing was counted."""
        with urllib.request.urlopen(self.url("/metrics"), timeout=10) as reply:
            text = reply.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    def post(self, path: str) -> None:
        urllib.request.urlopen(urllib.request.Request(self.url(path), method="POST"), timeout=10).close()

    def wait_for_nobody(self) -> None:
        wait_until(lambda: self.get("/count") == NOBODY)

    def _answers(self) -> bool:
        try:
            return self.get("/count") is not None
        except OSError:
            return False


def read_events(client: ClientConnection, count: int, timeout: float = WAIT_SECONDS) -> list[int]:
    """The numbers of the next messages; a resync counts as -1."""
    frames = [json.loads(client.recv(timeout)) for _ in range(count)]
    return [-1 if frame["type"] == "resync" else frame["seq"] for frame in frames]


def close_of(client: ClientConnection, timeout: float = WAIT_SECONDS) -> tuple[int, str]:
    """Reads to the end; the close code and reason that the server gave."""
    with pytest.raises(websockets.ConnectionClosed) as caught:  # noqa: PT012 reads until it happens
        while True:
            client.recv(timeout)
    closed = caught.value.rcvd
    assert closed is not None, "the server cut the connection without a word"
    return closed.code, closed.reason
