"""What carries connections from one network into another."""

import gc
import socket
from collections.abc import Iterator

import pytest

from dev.hosts.forwarder import Forwarder, listen
from dev.local.ports import LOOPBACK

SECONDS = 10


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as server:
        server.settimeout(SECONDS)
        yield server


@pytest.fixture
def address(far: socket.socket) -> Iterator[tuple[str, int]]:
    """Of the forwarder that leads there."""
    listener = listen(LOOPBACK, 0)
    forwarder = Forwarder(listener, far.getsockname(), None)
    address = listener.getsockname()
    forwarder.start()
    yield address
    forwarder.close()


def test_an_answer_reaches_a_client_that_has_nothing_more_to_say(far: socket.socket, address: tuple[str, int]):
    """Nobody but its own task knows of such a connection: it must not be taken for garbage."""
    with socket.create_connection(address, timeout=SECONDS) as client:
        client.sendall(b"asked")
        client.shutdown(socket.SHUT_WR)
        served, _ = far.accept()
        with served:
            assert b"".join(iter(lambda: served.recv(100), b"")) == b"asked"
            gc.collect()
            served.sendall(b"answered")
        assert client.recv(100) == b"answered"


def test_the_far_side_hears_that_a_client_has_gone(far: socket.socket, address: tuple[str, int]):
    client = socket.create_connection(address, timeout=SECONDS)
    client.sendall(b"asked")
    served, _ = far.accept()
    served.settimeout(SECONDS)
    with served:
        assert served.recv(100) == b"asked"
        client.close()
        assert served.recv(100) == b""
