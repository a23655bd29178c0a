"""A web process that is told to stop: whoever asks nothing does not hold it up."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.local.ports import LOOPBACK
from tests.waiting import wait_until

from .server import Server

GRACE_SECONDS = 4  # of webapp/gunicorn_conf.py: then gunicorn ends its workers whatever they do


@pytest.fixture
def own(demo_env: dict[str, str], postgres_url: str, tmp_path: Path) -> Iterator[Server]:
    with Server(demo_env | {"DATABASE_URL": postgres_url}, tmp_path / "web.log") as server:
        yield server


def idle(server: Server) -> socket.socket:
    """A connection that has been answered, and asks nothing more for now."""
    connection = socket.create_connection((LOOPBACK, server.port), timeout=10)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: welno\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    return connection


def test_idle_connections_do_not_hold_up_a_stop(own: Server):
    with ExitStack() as opened:
        for _ in range(5):
            opened.enter_context(idle(own))
        began = time.monotonic()
        os.kill(own.process.pid or 0, signal.SIGTERM)
        wait_until(lambda: not own.process.is_running, 15)
        assert own.process.exit_code == 0, own.log.read_text()
        assert time.monotonic() - began < GRACE_SECONDS
