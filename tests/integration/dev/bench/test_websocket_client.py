"""The client of the socket benches counts what a server really sent, whatever the cuts between reads."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from dev.bench.relay.websocket_client import ClientError, ClientLoop, ClientSocket, ConnectRequest, build_handshake

HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
HELLO = b'\x81\x10{"type":"hello"}'
PING, CLOSE = b"\x89\x02ab", b"\x88\x02\x0f\xa1"
PONG = b"\x8a\x82\0\0\0\0ab"
DEADLINE_SECONDS = 10


def event(seq: int) -> bytes:
    text = b'{"seq":%d,"at":1,"message":"x"}' % seq
    return bytes((0x81, len(text))) + text


class ScriptedServer:
    """Lets one socket in, sends its pieces, and keeps what it receives until `answer` has come or the end."""

    def __init__(self, pieces: Sequence[bytes], answer: bytes) -> None:
        self._pieces, self._answer = pieces, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = b""
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            connection.settimeout(DEADLINE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(4096)
            for piece in self._pieces:
                connection.sendall(piece)
            while self._answer not in self.received and (data := connection.recv(4096)):
                self.received += data


@contextmanager
def following(
    *pieces: bytes, after: int = 0, answer: bytes = b"never"
) -> Iterator[tuple[ClientLoop, ClientSocket, ScriptedServer]]:
    server, clients = ScriptedServer(pieces, answer), ClientLoop()
    server.thread.start()
    one = clients.connect(ConnectRequest(server.port, build_handshake("/ws/1", "token"), after))
    yield clients, one, server
    clients.close([one])
    server.thread.join(DEADLINE_SECONDS)
    assert not server.thread.is_alive()


def test_events_are_counted_whatever_the_cuts_between_reads():
    whole = HANDSHAKE + HELLO + event(1) + event(2) + event(3)
    with following(*(whole[at : at + 1] for at in range(len(whole)))) as (clients, one, _):
        assert clients.run_until(lambda: one.seq == 3, DEADLINE_SECONDS)
    assert (one.events, one.lost, one.doubled) == (3, 0, 0)
    assert one.live_at is not None


def test_a_hole_in_the_numbers_is_a_loss():
    with following(HANDSHAKE, HELLO, event(8), event(11), after=7) as (clients, one, _):
        assert clients.run_until(lambda: one.events == 2, DEADLINE_SECONDS)
    assert (one.lost, one.doubled) == (2, 0)


def test_a_number_seen_before_is_doubled():
    with following(HANDSHAKE, HELLO, event(8), event(8), event(9), after=7) as (clients, one, _):
        assert clients.run_until(lambda: one.seq == 9, DEADLINE_SECONDS)
    assert (one.events, one.lost, one.doubled) == (3, 0, 1)


def test_counting_sees_a_loss_too():
    with following(HANDSHAKE + HELLO + event(1) + event(2) + event(4)) as (clients, one, _), clients.counting():
        assert clients.run_until(lambda: one.events == 3, DEADLINE_SECONDS)
    assert one.lost == 1


def test_a_ping_is_answered():
    with following(HANDSHAKE, HELLO, PING, answer=PONG) as (clients, one, server):
        assert clients.run_until(lambda: PONG in server.received, DEADLINE_SECONDS)
    assert one.pings == 1


def test_closes_are_counted_by_their_code():
    with following(HANDSHAKE, HELLO, CLOSE) as (clients, one, _):
        assert clients.run_until(lambda: one.is_closed, DEADLINE_SECONDS)
    assert clients.ended_by_server == {"4001": 1}


def test_a_refused_handshake_is_told():
    server, clients = ScriptedServer((b"HTTP/1.1 401 Unauthorized\r\n\r\n",), b"never"), ClientLoop()
    server.thread.start()
    with pytest.raises(ClientError, match=r"0 of 1 sockets opened.*HTTP/1.1 401"):
        clients.open([ConnectRequest(server.port, build_handshake("/ws/1"), 0)])
    server.thread.join(DEADLINE_SECONDS)
