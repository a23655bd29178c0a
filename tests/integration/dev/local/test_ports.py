"""Ports that are picked now and listened on seconds later."""

import socket
import sys

import psutil
import pytest

from dev.local.ports import LOOPBACK, pick_port


@pytest.fixture
def port() -> int:
    return pick_port()


def test_a_server_can_listen_on_a_picked_port_again_and_again(port: int):
    for _ in range(2):
        with socket.create_server((LOOPBACK, port)), socket.create_connection((LOOPBACK, port)):
            pass


def test_nobody_answers_on_a_picked_port_before(port: int):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port))


def test_as_many_ports_as_anybody_likes_hold_few_files():
    open_files = []
    for _ in range(2):
        for _ in range(200):
            pick_port()
        open_files.append(psutil.Process().num_fds())
    assert open_files[1] <= open_files[0]


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not share a port that is held")
def test_a_picked_port_is_given_to_nobody_else(port: int):
    # A connection on its way out binds like this.
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
