"""A connection by itself, over a pair of sockets: pings, pongs, and what no other test can time."""

import os
import socket
from collections.abc import Iterator

import pytest

from core.settings import RelaySettings
from tests.unit.relay.frames import client_frame
from tests.waiting import wait_until
from webapp.relay.frames import decode_close
from webapp.relay.loop import ThreadLoop
from webapp.relay.pool import ReaderPool
from webapp.relay.reader_connection import ReaderConnection
from webapp.relay.registry import ReaderRegistry

LIMITS = RelaySettings(controls_per_minute=1, ping_every_seconds=3600, idle_seconds=1_000_000)
PING, PONG = b"\x89\x00", client_frame(10)


class Ends:
    """Ours, a connection that is open, and the peer's."""

    def __init__(self, pool: ReaderPool) -> None:
        ours, self.peer = socket.socketpair()
        self.peer.settimeout(5)
        self.connection = ReaderConnection(pool, os.dup(ours.fileno()))
        ours.close()
        os.set_blocking(self.connection.number, False)
        self._pool = pool
        self.run(self.connection.begin)
        self.run(lambda: self.connection._open(ReaderRegistry(LIMITS).acquire_connection("here"), []))

    def run(self, job) -> None:
        self._pool.loop.run(job)

    def ping(self) -> None:
        self.run(self.connection.ping)
        assert self.peer.recv(2, socket.MSG_WAITALL) == PING


@pytest.fixture
def ends() -> Iterator[Ends]:
    loop = ThreadLoop()
    pool = ReaderPool(loop, LIMITS, 0.05)
    ends = Ends(pool)
    yield ends
    ends.peer.close()
    wait_until(lambda: not pool.sockets)
    pool.stop()


def test_each_ping_of_ours_has_one_pong_free(ends):
    ends.ping()
    ends.peer.sendall(PONG * 3)
    close = ends.peer.recv(200)
    assert (decode_close(close[2:]), close[4:]) == (4429, b"too many control frames")


def test_pongs_that_answer_in_time_keep_a_connection(ends):
    for _ in range(5):
        ends.ping()
        ends.peer.sendall(PONG)
        wait_until(lambda: ends.connection._silent_pings == 0)
        ends.run(ends.connection.check_pong)
    ends.ping()
    ends.run(ends.connection.check_pong)
    assert decode_close(ends.peer.recv(200)[2:]) == 3012


def test_a_message_in_many_reads_is_one_message(ends):
    for byte in client_frame(1, b'{"type": "ping", "timestamp": 7}'):
        ends.peer.sendall(bytes([byte]))
    assert b'"timestamp":7' in ends.peer.recv(200)
    wait_until(lambda: ends.connection._reader is None)


def test_the_pong_of_a_ping_needs_no_frame_reader(ends, monkeypatch):
    monkeypatch.delattr("webapp.relay.connection.FrameReader")
    ends.ping()
    ends.peer.sendall(PONG)
    wait_until(lambda: ends.connection._awaited_pongs == 0)
    assert ends.connection.is_open


def test_a_pong_that_comes_in_parts_is_taken_too(ends):
    ends.ping()
    for byte in PONG:
        ends.peer.sendall(bytes([byte]))
    wait_until(lambda: ends.connection._awaited_pongs == 0)
    assert ends.connection.is_open


def test_six_bytes_within_a_message_are_not_taken_for_a_pong(ends):
    ends.ping()
    message = client_frame(1, b'{"type": "ping", "timestamp": 7}', mask=bytes(4))
    ends.peer.sendall(message[:10])
    wait_until(lambda: ends.connection._reader is not None)
    ends.peer.sendall(client_frame(10, mask=bytes(4)))  # a part of the payload, where it is no UTF-8
    assert decode_close(ends.peer.recv(200)[2:]) == 1007
