"""A body that we have cut ourselves is never taken for a whole one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.integration.upstream.peer import (
    Answer,
    Handler,
    Peer,
    announce_without_end,
    drip_head,
    give_body,
    truncate_body,
)
from upstream.http.exchange import BrokenResponse, TimedOut, open_http
from upstream.http.streaming import Cancellation, HttpStream, OpenSockets, StreamLimits, open_stream
from upstream.miso.workflows import MisoWorkflows

PART = b'{"Status": "OK", "ResultL'


def begin_and_stall(handler: Handler) -> None:
    """No length: the end of the connection ends the body, and it does not come."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + PART)
    handler.close_connection = True
    handler.server.stopping.wait(30)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with open_http(kept_connections=0) as client:
        yield client


@contextmanager
def opened(
    http: httpx.Client,
    peer: Peer,
    sockets: OpenSockets | None = None,
    cancellation: Cancellation | None = None,
    *,
    seconds: float = 20.0,
) -> Iterator[HttpStream]:
    request = http.build_request("POST", peer.url, content=b"{}")
    limits = StreamLimits(seconds, 1024)
    with open_stream(http, request, limits, sockets=sockets, cancellation=cancellation) as stream:
        yield stream


def read_and(stream: HttpStream, act: Callable[[], object]) -> bytes:
    """All of it; after its first piece something happens."""
    pieces = stream.pieces()
    first = next(pieces)
    acting = threading.Timer(0.1, act)
    acting.start()
    try:
        return first + b"".join(pieces)
    finally:
        acting.join()


def test_a_body_without_a_length_that_is_cut_at_its_deadline_is_late(peer: Peer, http: httpx.Client):
    peer.answer = begin_and_stall
    with opened(http, peer, seconds=0.4) as stream, pytest.raises(TimedOut):
        stream.read()


@pytest.mark.parametrize("answer", [drip_head, announce_without_end])
def test_a_head_that_does_not_end_is_late_at_the_deadline(peer: Peer, http: httpx.Client, answer: Answer):
    peer.answer = answer
    started = time.monotonic()
    with pytest.raises(TimedOut), opened(http, peer, seconds=0.4):
        pass
    assert time.monotonic() - started < 3


def test_a_body_without_a_length_that_a_stopping_process_cuts_is_broken(peer: Peer, http: httpx.Client):
    peer.answer, sockets = begin_and_stall, OpenSockets()
    with opened(http, peer, sockets) as stream, pytest.raises(BrokenResponse):
        read_and(stream, sockets.shut_all)


def test_one_that_its_reader_aborts_just_ends(peer: Peer, http: httpx.Client):
    peer.answer = begin_and_stall
    with opened(http, peer, cancellation=Cancellation()) as stream:
        assert read_and(stream, stream.abort) == PART


def test_one_that_the_peer_ends_is_whole_as_far_as_http_can_tell(peer: Peer, http: httpx.Client):
    peer.answer = truncate_body
    with opened(http, peer) as stream:
        assert stream.read() == PART


def test_one_that_has_come_whole_is_not_lost_to_a_later_stop(peer: Peer, http: httpx.Client):
    peer.answer, sockets = give_body(PART), OpenSockets()
    with opened(http, peer, sockets) as stream:
        pieces = stream.pieces()
        assert next(pieces) == PART
        sockets.shut_all()
        assert list(pieces) == []


def test_a_streamed_run_is_taken_from_any_status_of_success(peer: Peer):
    finished = b'data: {"event": "workflow_finished", "data": {"status": "succeeded", "outputs": {"a": 1}}}\n\n'
    peer.answer = give_body(finished, 202, "text/event-stream")
    client = MisoWorkflows(peer.url, "invented-key", run_seconds=5)
    assert client.run_streamed({}, "iv-1", ["a"]).outputs == {"a": 1}
    client.close()
