"""The connection of a live stream, which its server goes on writing to."""

import socket
from collections.abc import Iterator

import pytest
from flask import Flask

from dev.local.ports import LOOPBACK
from webapp.relay.server_connection import ServerConnection


@pytest.fixture
def served() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listener, socket.create_connection(listener.getsockname()) as peer:
        served, _ = listener.accept()
        with served, peer:
            yield served


def connection_of(served: socket.socket) -> ServerConnection:
    with Flask(__name__).test_request_context(environ_overrides={"gunicorn.socket": served}):
        return ServerConnection()


def test_a_stream_is_exempt_from_the_deadline_of_ordinary_answers(served: socket.socket):
    served.settimeout(1)
    connection_of(served).release()
    assert served.gettimeout() is None


def test_a_peer_that_acknowledges_nothing_is_not_waited_for_by_the_kernel(served: socket.socket):
    connection = connection_of(served)
    connection.drop_when_silent(1.5)
    connection.release()
    assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500


def test_where_there_is_no_such_option_nothing_happens():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = connection_of(ours)
        connection.drop_when_silent(1)
        connection.release()
        connection.drop_when_silent(1)
