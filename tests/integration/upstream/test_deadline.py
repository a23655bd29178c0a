"""What an exchange may take is the whole of it, however the peer spreads it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest

from core.clock import clock
from tests.integration.upstream.peer import Peer, give_json
from upstream.http.deadline import Deadline, ending_at
from upstream.http.exchange import ExchangeLimits, TimedOut, Unreachable, open_http, send

LIMITS = ExchangeLimits(total_seconds=0.6, max_response_bytes=1024)
PACE = threading.Event()  # never set


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with open_http() as client:
        yield client


def seconds_of(http: httpx.Client, url: str, content: bytes = b"{}") -> float:
    """How long it took until it was given up."""
    began = time.monotonic()
    with pytest.raises(TimedOut):
        send(http, http.build_request("POST", url, content=content), LIMITS)
    return time.monotonic() - began


def take_slowly(taken: socket.socket) -> None:
    """Of a request a little now and then, without end."""
    while not PACE.wait(0.05) and taken.recv(16_384):
        pass


def greet_slowly(taken: socket.socket) -> None:
    """A TLS record whose bytes come one by one."""
    taken.sendall(b"\x16\x03\x03\x40\x00")
    while not PACE.wait(0.05):
        taken.sendall(b"\x00")


def announce_fast(taken: socket.socket) -> None:
    """There is always something to read."""
    while True:
        taken.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


@pytest.mark.parametrize(
    ("scheme", "serve", "size"),
    [("http", take_slowly, 50_000_000), ("https", greet_slowly, 2), ("http", announce_fast, 2)],
)
def test_a_peer_that_keeps_us_busy_is_given_up_in_time(http, scheme, serve, size):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer() -> None:
            with listener.accept()[0] as taken, suppress(OSError):
                serve(taken)

        peer = threading.Thread(target=answer)
        peer.start()
        assert seconds_of(http, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/", b"x" * size) < 3
        peer.join()


def test_a_host_without_an_address_is_unreachable(http):
    with pytest.raises(Unreachable):
        send(http, http.build_request("GET", f"http://{'a' * 64}.invalid/"), LIMITS)


def test_a_host_is_tried_at_each_of_its_addresses(http, peer: Peer, monkeypatch):
    """The first one refuses."""
    monkeypatch.setattr("upstream.http.deadline._resolve", lambda *_: ["127.0.0.2", "127.0.0.1"])
    peer.answer = give_json({})
    assert send(http, http.build_request("POST", peer.url, content=b"{}"), LIMITS).status == 200


def test_nothing_leaves_after_the_deadline(http, peer: Peer):
    with ending_at(Deadline(clock.monotonic() - 1)), pytest.raises(httpx.ConnectTimeout):
        http.post(peer.url, content=b"{}")
    assert peer.bodies == []
