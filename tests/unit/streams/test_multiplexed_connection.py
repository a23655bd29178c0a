"""A connection whose server says more than it was asked, as one does that answers while the connection is closed."""

import socket
import threading
from typing import Any

import pytest

from streams.multiplexed.connection import MultiplexedConnection


class StubConnection:
    """What `core.redis_failover` gives, over a pair of sockets."""

    socket_timeout = 5
    is_stale = False

    def __init__(self) -> None:
        self._sock, self.server = socket.socketpair()
        self.is_disconnected = threading.Event()

    def connect(self) -> None: ...

    def _get_socket(self) -> socket.socket:
        return self._sock

    def pack_command(self, *words: str) -> list[bytes]:
        return [" ".join(words).encode()]

    def drop_on(self, error: str) -> None: ...

    def disconnect(self) -> None:
        self._sock.close()
        self.is_disconnected.set()


@pytest.fixture
def stub() -> Any:
    stub = StubConnection()
    yield stub
    stub.server.close()


def test_a_reply_that_nobody_waits_for_ends_the_connection(stub: StubConnection):
    connection = MultiplexedConnection(stub)

    def answer() -> None:
        stub.server.recv(100)
        stub.server.sendall(b"+first\r\n+second\r\n")

    threading.Thread(target=answer).start()
    assert connection.request(("PING",)) == b"first"
    assert stub.is_disconnected.wait(5)
    assert connection.is_closed


def test_a_reply_that_comes_after_the_closing_is_nobody_s(stub: StubConnection):
    connection = MultiplexedConnection(stub)
    stub.server.sendall(b"+late\r\n")
    connection.close()
    assert stub.is_disconnected.wait(5)
