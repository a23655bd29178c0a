"""The client of the socket benches counts what a server really sent, whatever the cuts between reads."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from dev.bench.relay.client import ClientError, Crowd, Socket, Ticket, handshake

SHAKEN = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
HELLO = b'\x81\x10{"type":"hello"}'
PING, GOODBYE = b"\x89\x02ab", b"\x88\x02\x0f\xa1"
PONG = b"\x8a\x82\0\0\0\0ab"
TOLD_SECONDS = 10


def event(seq: int) -> bytes:
    text = b'{"seq":%d,"at":1,"message":"x"}' % seq
    return bytes((0x81, len(text))) + text


class Speaker:
    """Lets one socket in, says its pieces, and keeps what it is answered until `answer` has come or the end."""

    def __init__(self, pieces: Sequence[bytes], answer: bytes) -> None:
        self._pieces, self._answer = pieces, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            connection.settimeout(TOLD_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(4096)
            for piece in self._pieces:
                connection.sendall(piece)
            while self._answer not in self.heard and (data := connection.recv(4096)):
                self.heard += data


@contextmanager
def following(*pieces: bytes, after: int = 0, answer: bytes = b"never") -> Iterator[tuple[Crowd, Socket, Speaker]]:
    speaker, crowd = Speaker(pieces, answer), Crowd()
    speaker.thread.start()
    one = crowd.begin(Ticket(speaker.port, handshake("/ws/1", "token"), after))
    yield crowd, one, speaker
    crowd.close([one])
    speaker.thread.join(TOLD_SECONDS)
    assert not speaker.thread.is_alive()


def test_events_are_counted_whatever_the_cuts_between_reads():
    whole = SHAKEN + HELLO + event(1) + event(2) + event(3)
    with following(*(whole[at : at + 1] for at in range(len(whole)))) as (crowd, one, _):
        assert crowd.run_until(lambda: one.seq == 3, TOLD_SECONDS)
    assert (one.events, one.lost, one.doubled) == (3, 0, 0)
    assert one.live_at is not None


def test_a_hole_in_the_numbers_is_a_loss():
    with following(SHAKEN, HELLO, event(8), event(11), after=7) as (crowd, one, _):
        assert crowd.run_until(lambda: one.events == 2, TOLD_SECONDS)
    assert (one.lost, one.doubled) == (2, 0)


def test_a_number_seen_before_is_doubled():
    with following(SHAKEN, HELLO, event(8), event(8), event(9), after=7) as (crowd, one, _):
        assert crowd.run_until(lambda: one.seq == 9, TOLD_SECONDS)
    assert (one.events, one.lost, one.doubled) == (3, 0, 1)


def test_counting_sees_a_loss_too():
    with following(SHAKEN + HELLO + event(1) + event(2) + event(4)) as (crowd, one, _):
        crowd.is_counting = True
        assert crowd.run_until(lambda: one.events == 3, TOLD_SECONDS)
    assert one.lost == 1


def test_a_ping_is_answered():
    with following(SHAKEN, HELLO, PING, answer=PONG) as (crowd, one, speaker):
        assert crowd.run_until(lambda: PONG in speaker.heard, TOLD_SECONDS)
    assert one.pings == 1


def test_goodbyes_are_kept_by_their_code():
    with following(SHAKEN, HELLO, GOODBYE) as (crowd, one, _):
        assert crowd.run_until(lambda: one.is_closed, TOLD_SECONDS)
    assert crowd.goodbyes == {"4001": 1}


def test_a_refused_handshake_is_told():
    speaker, crowd = Speaker((b"HTTP/1.1 401 Unauthorized\r\n\r\n",), b"never"), Crowd()
    speaker.thread.start()
    with pytest.raises(ClientError, match=r"0 of 1 sockets opened.*HTTP/1.1 401"):
        crowd.open([Ticket(speaker.port, handshake("/ws/1"), 0)])
    speaker.thread.join(TOLD_SECONDS)
