"""From the first byte to the greeting: heads that never end, decisions that come too late or go wrong."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from core.settings import RelaySettings
from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, web_program
from tests.integration.relay.server import Server, close_of
from tests.unit.relay.frames import client_frame
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(admit_within_seconds=1, close_within_seconds=0.5)
    with Server(tmp_path_factory.mktemp("admission"), redis_url, limits) as server:
        yield server


def test_a_decision_that_takes_too_long_is_told_as_try_again(server):
    with server.connect("one", "decide_seconds=2.5") as client:
        started = time.monotonic()
        assert close_of(client) == (1013, "try again later")
    assert time.monotonic() - started < 2.3
    server.wait_for_nobody()


def test_a_decision_that_comes_too_late_takes_no_place(server):
    with server.connect("one", "decide_seconds=2") as client:
        assert close_of(client)[0] == 1013
    with server.open("one"):
        wait_until(lambda: server.get("/count")["admitted"] == 1)
        wait_until(lambda: server.sample("welno_relay_closed_total", transport="websocket", reason="1013") >= 1)
    server.wait_for_nobody()


def test_who_leaves_before_the_decision_is_forgotten(server):
    server.raw("one", "decide_seconds=0.2").close()
    server.wait_for_nobody()


def test_what_is_said_before_the_greeting_is_answered_after_it(server):
    with server.raw("one", "decide_seconds=0.2") as eager:
        eager.sendall(client_frame(1, b'{"type":"ping"}') + client_frame(8, b"\x03\xe8"))
        said = b""
        while part := eager.recv(4096):
            said += part
    assert said.index(b"connection_established") < said.index(b'"pong"')


def test_a_snapshot_that_fails_is_told_as_try_again(server):
    with server.connect("one", "snapshot=broken") as client:
        assert close_of(client)[0] == 1013
    server.wait_for_nobody()


def test_a_state_read_at_the_door_is_not_read_again(server):
    with server.connect("one", "snapshot=broken&state=just+now") as client:
        assert json.loads(client.recv(5))["type"] == "connection_established"
        assert json.loads(client.recv(5))["data"] == {"read": "just now"}


def test_a_decision_that_goes_wrong_is_told_as_our_fault(server):
    with server.connect("one", "after_seq=nonsense") as client:
        assert close_of(client) == (1011, "internal error")
    server.wait_for_nobody()


def test_a_message_too_big_to_send_is_told_as_our_fault(server):
    with server.connect("one", "snapshot=big") as client:
        assert json.loads(client.recv(5))["type"] == "connection_established"
        assert close_of(client) == (1011, "internal error")


@pytest.fixture(scope="module")
def production(demo_env, server_home) -> Iterator[int]:
    """The port of the app under its own gunicorn settings, with a short deadline."""
    program = web_program("web", pick_port())
    env = demo_env | {"WELNO_RELAY_HANDSHAKE_WITHIN_SECONDS": "1"}
    process = Process("web", program.command, server_home / "handshake.log", env=env, cwd=ROOT)
    process.start()
    try:
        process.wait_until(lambda: answers(f"{program.url}/healthz"), 60)
        yield int((program.url or "").rpartition(":")[2])
    finally:
        process.stop()


HEAD = b"GET /api/v1/tilko/ws/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Slow: " + b"x" * 2000


@pytest.mark.parametrize("head", [b"", HEAD[:40], HEAD], ids=["nothing", "half a line", "byte by byte without end"])
def test_a_head_that_does_not_end_is_cut_off(production, head):
    with socket.create_connection(("127.0.0.1", production), timeout=0.05) as slow:
        started = time.monotonic()
        assert trickle(slow, head) == b""
    assert 0.5 < time.monotonic() - started < 3


def test_slow_heads_delay_nobody(production):
    slow = [socket.create_connection(("127.0.0.1", production), timeout=1) for _ in range(200)]
    [connection.sendall(HEAD[:50]) for connection in slow]
    started = time.monotonic()
    assert answers(f"http://127.0.0.1:{production}/healthz")
    assert time.monotonic() - started < 1
    [connection.close() for connection in slow]


def trickle(connection: socket.socket, data: bytes) -> bytes:
    """A byte now and then, until the server ends it; what it said."""
    for byte in data + b"":
        try:
            connection.sendall(bytes([byte]))
            return connection.recv(1000)
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return b""
    connection.settimeout(5)
    return connection.recv(1000)


def test_a_crowd_at_once_waits_its_turn(tmp_path, redis_url):
    """150 decisions at the same moment, of which a store's client could carry out 100."""
    limits = RelaySettings(sockets_per_address=200)
    with Server(tmp_path, redis_url, limits) as server, ExitStack() as stack:
        crowd = [stack.enter_context(server.raw(f"s{n}", "decide_seconds=0.3")) for n in range(150)]
        wait_until(lambda: server.get("/count")["admitted"] == len(crowd))
        assert server.sample("welno_relay_closed_total", transport="websocket", reason="1013") == 0


@pytest.fixture(scope="module")
def crowded(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(sockets_per_address=200, sockets_total=50)
    with Server(tmp_path_factory.mktemp("crowded"), redis_url, limits) as server:
        yield server


def undecided(server: Server, stack: ExitStack, count: int, seconds: float) -> list[socket.socket]:
    return [stack.enter_context(server.raw(f"s{n}", f"decide_seconds={seconds}")) for n in range(count)]


def test_who_waits_for_a_decision_keeps_no_request(crowded):
    """The server's own descriptor of each is closed: what is left is the relay's."""
    process = psutil.Process(crowded.process.pid).children()[0]
    crowded.wait_for_nobody()
    before = process.num_fds()
    with ExitStack() as stack:
        undecided(crowded, stack, 60, 2)
        wait_until(lambda: process.num_fds() - before <= 65)
        assert crowded.get("/count")["sockets"] == 60
        assert crowded.get("/count")["admitted"] == 0
    crowded.wait_for_nobody()


def test_decisions_that_wait_keep_no_command_waiting(crowded):
    with ExitStack() as stack:
        client = stack.enter_context(crowded.open("one"))
        undecided(crowded, stack, 40, 2)
        client.send('{"type":"status_request"}')
        assert json.loads(client.recv(1))["type"] == "session_status"
        assert crowded.get("/count")["admitted"] == 1
    crowded.wait_for_nobody()


def test_no_more_may_wait_for_a_decision_than_may_be_served(crowded):
    with ExitStack() as stack:
        undecided(crowded, stack, 100, 2)
        one_more = stack.enter_context(crowded.connect("more", "decide_seconds=2"))
        started = time.monotonic()
        assert close_of(one_more) == (1013, "try again later")
        assert time.monotonic() - started < 1.5
    crowded.wait_for_nobody()
