"""The body of a request in gunicorn's worker: others have their turn meanwhile, and its bounds are of all bytes."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

import gevent
import gevent.socket
import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from werkzeug.exceptions import BadRequest, RequestTimeout

from webapp import gunicorn_worker
from webapp.gunicorn_worker import TimedBody

_IN_CHUNKS = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK_OF_ONE, _END = b"1\r\na\r\n", b"0\r\n\r\n"
_KIB, _MIB = 1024, 1024 * 1024


def with_length(length: int) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


class Sent:
    """A request that its sender wrote in one go, so that its bytes are always there."""

    def __init__(self, ours: socket.socket, within_seconds: float) -> None:
        served = gevent.socket.socket(ours.family, ours.type, 0, ours.detach())
        self.sock = served
        self.parser = RequestParser(Config(), served, ("127.0.0.1", 1))
        req: Any = next(self.parser)
        self.body = req.body = TimedBody(req, within_seconds, within_seconds)

    def read_all(self) -> int:
        return sum(map(len, iter(lambda: self.body.read(64 * _KIB), b"")))


@contextmanager
def sent(said: bytes, within_seconds: float = 60) -> Iterator[Sent]:
    with ExitStack() as opened:
        ours, peer = socket.socketpair()
        opened.callback(peer.close)
        sender = Thread(target=_send, args=(peer, said), daemon=True)
        sender.start()
        opened.callback(sender.join)
        received = Sent(ours, within_seconds)
        opened.callback(received.sock.close)
        yield received


def _send(peer: socket.socket, said: bytes) -> None:
    try:
        peer.sendall(said)
    except OSError:
        return  # it was not taken


@contextmanager
def bystander() -> Iterator[list[float]]:
    """When a greenlet that waits for a millisecond each time had its turn."""
    turns: list[float] = []

    def take_turns() -> None:
        while True:
            gevent.sleep(0.001)
            turns.append(time.monotonic())

    greenlet = gevent.spawn(take_turns)
    gevent.sleep(0)
    yield turns
    greenlet.kill()


@pytest.mark.parametrize("is_answered", [False, True], ids=["read", "discarded"])
def test_others_have_their_turn_while_a_body_in_chunks_is_always_there(is_answered: bool):
    count = 100_000
    with sent(_IN_CHUNKS + _CHUNK_OF_ONE * count + _END) as received, bystander() as turns:
        if is_answered:
            received.body.end_request()
        assert received.read_all() == count
        assert len(turns) > 30
        assert not received.body.has_rest


@pytest.mark.parametrize("is_answered", [False, True], ids=["read", "discarded"])
def test_a_body_in_chunks_that_is_always_there_is_late_all_the_same(is_answered: bool):
    with sent(_IN_CHUNKS + _CHUNK_OF_ONE * 350_000 + _END, within_seconds=0.05) as received:
        if is_answered:
            received.body.end_request()
        with pytest.raises(TimeoutError if is_answered else RequestTimeout):
            received.read_all()
        assert received.body.failed


def test_what_came_in_time_may_be_read_later():
    with sent(_IN_CHUNKS + b"5\r\nhello\r\n" + _END, within_seconds=0.01) as received:
        time.sleep(0.05)
        assert received.body.read(100) == b"hello"
    with sent(with_length(20 * _KIB) + b"x" * 20 * _KIB, within_seconds=0.01) as received:
        assert len(received.body.read(10 * _KIB)) == 10 * _KIB
        time.sleep(0.05)
        assert received.read_all() == 10 * _KIB
    with sent(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", within_seconds=0.01) as received:
        time.sleep(0.05)
        assert received.body.read(100) == b""
        assert not received.body.failed


def test_what_is_discarded_is_bounded_with_its_framing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gunicorn_worker, "_DISCARDED_MAX_BYTES", 120 * _KIB)
    with sent(_IN_CHUNKS + _CHUNK_OF_ONE * 25 * _KIB + _END) as received:  # 150 KiB
        received.body.end_request()
        assert not received.parser.finish_body()
    with sent(_IN_CHUNKS + _CHUNK_OF_ONE * 15 * _KIB + _END) as received:  # 90 KiB
        received.body.end_request()
        assert received.parser.finish_body()


@pytest.mark.parametrize("is_answered", [False, True], ids=["read", "discarded"])
@pytest.mark.parametrize(
    "said",
    [(b"1;a=" + b"b" * 4000 + b"\r\na\r\n") * 500 + _END, b"1\r\na\r\n0\r\n" + (b"X: " + b"y" * 4000 + b"\r\n") * 50],
    ids=["extensions", "trailers"],
)
def test_framing_without_data_is_refused(said: bytes, is_answered: bool):
    with sent(_IN_CHUNKS + said + b"\r\n") as received:
        if is_answered:
            received.body.end_request()
            assert not received.parser.finish_body()
        else:
            with pytest.raises(BadRequest):
                received.read_all()
        assert received.body.failed


def test_a_malformed_chunk_that_is_discarded_ends_the_connection():
    """Its answer is written: an error would be answered a second time."""
    with sent(_IN_CHUNKS + b"zz\r\n") as received:
        received.body.end_request()
        assert not received.parser.finish_body()


def test_a_long_body_is_discarded_in_few_steps_and_others_have_their_turn(monkeypatch: pytest.MonkeyPatch):
    steps, read, length = [], TimedBody.read, 8 * _MIB

    def count_and_read(body: TimedBody, size: int | None = None) -> bytes:
        steps.append(read(body, size))
        return steps[-1]

    monkeypatch.setattr(TimedBody, "read", count_and_read)
    with sent(with_length(length) + b"x" * length) as received, bystander() as turns:
        received.body.end_request()
        assert received.parser.finish_body()
        assert sum(map(len, steps)) == length
        assert len(steps) <= length / (64 * _KIB) + 1
        assert turns


def test_uploads_come_whole_whatever_they_are_cut_into():
    data = bytes(range(256)) * 4 * 20 * _KIB
    for size in (1000, 8 * _KIB, 64 * _KIB, 3 * _MIB):
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        said = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
        with sent(_IN_CHUNKS + said + _END) as received:
            assert received.body.read(len(data) + 1) == data
    with sent(with_length(len(data)) + data) as received, bystander() as turns:
        assert received.body.read(len(data) + 1) == data
        assert turns
