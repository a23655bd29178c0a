"""Every bound of a connection, its close code, and that nobody else is harmed; limits are made small to be met."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import websockets

from streams import Streams
from tests.integration.relay.conftest import Writer
from tests.integration.relay.server import Server, close_of, read_events
from tests.unit.relay.frames import client_frame
from tests.waiting import wait_until
from webapp.relay.frames import Opcode, decode_close
from webapp.relay.limits import Limits

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path, redis_url) -> Iterator[Start]:
    """A server with these limits, and the default ones else."""
    with ExitStack() as stack:
        yield lambda **limits: stack.enter_context(Server(tmp_path, redis_url, Limits(**limits)))


def read_frames(connection: socket.socket) -> list[tuple[int, bytes]]:
    """Opcode and payload of every frame until the server closes."""
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    frames = []
    while data:
        size, head = data[1] & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[2:head])
        frames.append((data[0] & 0x0F, data[head : head + size]))
        data = data[head + size :]
    return frames


def last_code(connection: socket.socket) -> int | None:
    opcode, payload = read_frames(connection)[-1]
    assert opcode == Opcode.CLOSE
    return decode_close(payload)


def test_a_slow_reader_is_closed_alone_and_can_recover(start, writer):
    server = start(queue_max_bytes=200_000)
    with server.raw("one") as slow, server.open("one") as quick:
        for seq in range(1, 301):
            writer.write("one", text="x" * 50_000)
            assert read_events(quick, 1) == [seq]
        frames = read_frames(slow)
    seqs = [json.loads(payload).get("seq") for opcode, payload in frames[2:-1] if opcode == Opcode.TEXT]
    assert decode_close(frames[-1][1]) == 3008
    assert seqs == list(range(1, len(seqs) + 1))
    with server.open("one", f"after_seq={len(seqs)}") as again:
        assert read_events(again, 1) == [len(seqs) + 1]


def test_a_reader_that_never_reads_is_cut_off(start, writer):
    server = start(queue_max_bytes=200_000, close_within_seconds=0.3)
    with server.raw("one"):
        wait_until(lambda: server.get("/count")["sockets"] == 1)
        writer.write("one", 200, text="x" * 60_000)
        server.wait_for_nobody()


def test_a_write_that_goes_nowhere_is_given_up(start, writer):
    server = start(queue_max_bytes=100_000_000, write_within_seconds=0.5)
    with server.raw("one"):
        wait_until(lambda: server.get("/count")["sockets"] == 1)
        writer.write("one", 200, text="x" * 60_000)
        server.wait_for_nobody()


def test_pings_are_sent_and_their_answers_keep_the_socket(start):
    server = start(ping_every_seconds=0.2, pong_within_seconds=0.2)
    with server.open("one") as client:
        with pytest.raises(TimeoutError):
            client.recv(1.5)
        client.send('{"type": "ping"}')
        assert json.loads(client.recv(5))["type"] == "pong"


def test_a_ping_without_pong_ends_the_socket(start):
    server = start(ping_every_seconds=0.2, pong_within_seconds=0.2, close_within_seconds=0.5)
    with server.raw("one") as silent:
        frames = read_frames(silent)
    assert [opcode for opcode, _ in frames] == [Opcode.TEXT, Opcode.TEXT, Opcode.PING, Opcode.CLOSE]
    assert decode_close(frames[-1][1]) == 3012


def test_a_socket_with_nothing_to_say_is_idle(start):
    server = start(ping_every_seconds=0.2, pong_within_seconds=0.5, idle_seconds=1.0)
    with server.open("one") as client:
        assert close_of(client) == (3009, "idle")


def test_events_keep_a_socket_from_being_idle(start, writer):
    server = start(idle_seconds=0.8)
    with server.open("one") as client:
        for seq in range(1, 5):
            with pytest.raises(TimeoutError):
                client.recv(0.4)
            writer.write("one")
            assert read_events(client, 1) == [seq]


def test_too_many_messages_a_minute(start):
    server = start(messages_per_minute=10)
    with server.open("one") as client:
        for _ in range(11):
            client.send('{"type": "ping"}')
        assert close_of(client) == (4429, "too many messages")


@pytest.mark.parametrize("opcode", [0, 2, 9, 10])
def test_a_flood_of_any_frames_counts(start, opcode):
    server = start(messages_per_minute=10, close_within_seconds=0.5)
    with server.raw("one") as flooding:
        flooding.sendall(client_frame(1, b"", fin=False) * (opcode == 0) + client_frame(opcode, fin=opcode != 0) * 11)
        assert last_code(flooding) == 4429


@pytest.mark.parametrize(
    ("limits", "queries", "code"),
    [
        ({"sockets_per_subject": 2}, ["one", "one", "one"], 4429),
        ({"sockets_per_address": 2}, ["a", "b", "c"], 4429),
        ({"sockets_per_person": 1}, ["a?address=x&person=p", "b?address=y&person=p"], 4429),
        ({"sockets_total": 2}, ["a", "b", "c"], 1013),
    ],
)
def test_one_socket_too_many_is_told_so(start, limits, queries, code):
    server = start(**limits)
    with ExitStack() as stack:
        for query in queries[:-1]:
            stack.enter_context(server.open(*query.split("?")))
        with server.connect(*queries[-1].split("?")) as refused:
            assert close_of(refused)[0] == code
    server.wait_for_nobody()
    with server.open("one"):
        assert server.get("/count")["admitted"] == 1


def test_a_lost_right_closes_the_socket(start):
    server = start(check_every_seconds=0.5)
    with server.open("one") as client, server.open("two") as other:
        server.post("/revoke/one")
        assert close_of(client) == (4401, "not authenticated")
        other.send('{"type": "ping"}')
        assert json.loads(other.recv(5))["type"] == "pong"


def test_without_redis_a_socket_is_told_to_try_again(start, mortal_valkey, tmp_path):
    with Server(tmp_path / "b", mortal_valkey.url, Limits()) as server:
        mortal_valkey.kill()
        with server.connect("one") as client:
            assert close_of(client)[0] == 1013
        server.wait_for_nobody()


def test_sockets_live_through_a_restart_of_redis(mortal_valkey, mortal_client, tmp_path):
    writer = Writer(Streams(mortal_client))
    with Server(tmp_path, mortal_valkey.url, Limits()) as server, server.open("one") as client:
        writer.write("one")
        assert read_events(client, 1) == [1]
        mortal_valkey.restart()
        writer.write("one")
        assert read_events(client, 1) == [2]
        mortal_valkey.restart(keep_data=False, kill=True)
        writer.write("one")
        assert read_events(client, 1) == [-1]


def test_a_peer_that_does_not_answer_our_close_is_cut_off(start, writer):
    server = start(close_within_seconds=0.3)
    with server.raw("one") as mute:
        writer.write("one", close=4408)
        assert last_code(mute) == 4408
    server.wait_for_nobody()


def test_a_half_closed_socket_is_let_go(start):
    server = start()
    with server.raw("one") as half:
        half.shutdown(socket.SHUT_WR)
        server.wait_for_nobody()


def test_a_mistake_in_a_frame_is_told_and_ends_it(start):
    server = start()
    with server.raw("one") as wrong:
        wrong.sendall(client_frame(3))
        assert last_code(wrong) == 1002
    server.wait_for_nobody()


def test_sigterm_sends_everybody_away_with_a_delay_each(start, writer):
    server = start(drain_spread_seconds=5)
    with ExitStack() as stack:
        clients = [stack.enter_context(server.open(f"s{n}")) for n in range(10)]
        server.terminate()
        closes = [close_of(client) for client in clients]
        wait_until(lambda: not server.process.is_running, 10)
    delays = [json.loads(reason)["retry_after_ms"] for _, reason in closes]
    assert {code for code, _ in closes} == {1001}
    assert len(set(delays)) > 5
    assert all(0 <= delay <= 5000 for delay in delays)
    assert "Traceback" not in server.log.read_text()


def test_sigterm_does_not_wait_long_for_the_mute(start):
    server = start(close_within_seconds=1)
    with server.raw("one"):
        wait_until(lambda: server.get("/count")["sockets"] == 1)
        started = time.monotonic()
        server.terminate()
        wait_until(lambda: not server.process.is_running, 10)
    assert time.monotonic() - started < 6


def test_readers_move_to_another_process_without_a_loss(start, writer, redis_url, tmp_path):
    old = start()
    with Server(tmp_path / "new", redis_url, Limits()) as new:
        clients = [old.open(f"s{n}") for n in range(20)]
        old.terminate()
        [writer.write(f"s{n}", 3) for n in range(20)]
        for n, client in enumerate(clients):
            seen = [json.loads(frame)["seq"] for frame in client_frames(client)]
            with new.open(f"s{n}", f"after_seq={len(seen)}") as moved:
                seen += read_events(moved, 3 - len(seen))
            assert seen == [1, 2, 3]


def client_frames(client) -> list[str]:
    """Everything until the server's goodbye."""
    frames = []
    with pytest.raises(websockets.ConnectionClosed) as caught:  # noqa: PT012 reads until it happens
        while True:
            frames.append(client.recv(10))
    assert caught.value.rcvd.code == 1001
    return frames
