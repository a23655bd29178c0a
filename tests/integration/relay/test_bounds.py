"""Every bound of a connection, its close code, and that nobody else is harmed; limits are made small to be met."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest
import websockets

from core.settings import RelaySettings
from tests.integration.relay.conftest import Writer
from tests.integration.relay.proxy import SilenceableProxy
from tests.integration.relay.server import Server, close_of, read_events
from tests.numbered_streams import NumberedStreams
from tests.unit.relay.frames import client_frame
from tests.waiting import wait_until
from webapp.relay.frames import Opcode, decode_close

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path, redis_url) -> Iterator[Start]:
    """A server with these limits, and the default ones else."""
    with ExitStack() as stack:
        yield lambda **limits: stack.enter_context(Server(tmp_path, redis_url, RelaySettings(**limits)))


@pytest.fixture(scope="module")
def strict(tmp_path_factory, redis_url) -> Iterator[Server]:
    """Small limits that do not meet each other, for most tests: starting a server is what costs."""
    limits = RelaySettings(
        queue_max_bytes=200_000,
        close_within_seconds=0.8,
        check_every_seconds=0.5,
        messages_per_minute=10,
        controls_per_minute=15,
        sockets_per_address=3,
        sockets_per_person=1,
    )
    with Server(tmp_path_factory.mktemp("strict"), redis_url, limits, max_readers=2) as server:
        yield server
        assert "Traceback" not in server.log.read_text()


@pytest.fixture(scope="module")
def lively(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(ping_every_seconds=0.2, pong_within_seconds=0.4, idle_seconds=1.5, close_within_seconds=0.5)
    with Server(tmp_path_factory.mktemp("lively"), redis_url, limits) as server:
        yield server


def read_frames(connection: socket.socket) -> list[tuple[int, bytes]]:
    """Opcode and payload of every frame up to the server's close, which is not answered."""
    with connection.makefile("rb") as stream:
        frames = [read_frame(stream)]
        while frames[-1][0] != Opcode.CLOSE:
            frames.append(read_frame(stream))
    return frames


def read_greetings(connection: socket.socket) -> None:
    """Byte by byte as it were: nothing that comes after them is taken."""
    for _ in range(2):
        head = connection.recv(2, socket.MSG_WAITALL)
        size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL)) if head[1] == 126 else head[1]
        assert b'"type":"' in connection.recv(size, socket.MSG_WAITALL)


def read_frame(stream: BinaryIO) -> tuple[int, bytes]:
    head = stream.read(2)
    assert len(head) == 2, "the server cut the connection without a word"
    size = head[1]
    if size >= 126:
        size = int.from_bytes(stream.read(2 if size == 126 else 8))
    return head[0] & 0x0F, stream.read(size)


def last_code(connection: socket.socket) -> int | None:
    return decode_close(read_frames(connection)[-1][1])


def test_a_slow_reader_is_closed_alone_and_can_recover(start, writer):
    server = start(queue_max_bytes=200_000, close_within_seconds=60)
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


def test_a_reader_that_never_reads_is_cut_off(strict, writer):
    with strict.raw("one") as deaf:
        read_greetings(deaf)
        writer.write("one", 200, text="x" * 60_000)
        strict.wait_for_nobody()


def test_a_write_that_goes_nowhere_is_given_up(start, writer):
    server = start(queue_max_bytes=100_000_000, write_within_seconds=0.5)
    with server.raw("one") as deaf:
        read_greetings(deaf)
        writer.write("one", 200, text="x" * 60_000)
        server.wait_for_nobody()


def test_pings_are_sent_and_their_answers_keep_the_socket(lively):
    with lively.open("one") as client:
        with pytest.raises(TimeoutError):
            client.recv(1.0)
        client.send('{"type": "ping"}')
        assert json.loads(client.recv(5))["type"] == "pong"


def test_a_ping_without_pong_ends_the_socket(lively):
    with lively.raw("one") as silent:
        frames = read_frames(silent)
    assert Opcode.PING in [opcode for opcode, _ in frames]
    assert decode_close(frames[-1][1]) == 3012


def test_a_socket_with_nothing_to_say_is_idle(lively):
    with lively.open("one") as client:
        assert close_of(client) == (3009, "idle")


def test_events_keep_a_socket_from_being_idle(lively, writer):
    with lively.open("one") as client:
        for seq in range(1, 6):
            with pytest.raises(TimeoutError):
                client.recv(0.5)
            writer.write("one")
            assert read_events(client, 1) == [seq]


def test_too_many_messages_a_minute(strict):
    with strict.open("one") as client:
        for _ in range(11):
            client.send('{"type": "ping"}')
        assert close_of(client) == (4429, "too many messages")


@pytest.mark.parametrize("opcode", [0, 2])
def test_a_flood_of_any_frames_counts(strict, opcode):
    with strict.raw("one") as flooding:
        flooding.sendall(client_frame(1, b"", fin=False) * (opcode == 0) + client_frame(opcode, fin=opcode != 0) * 11)
        assert last_code(flooding) == 4429


@pytest.mark.parametrize("opcode", [9, 10])
def test_control_frames_have_a_bound_of_their_own(strict, opcode):
    with strict.raw("one") as flooding:
        flooding.sendall((client_frame(9) + client_frame(2)) * 9)
        flooding.sendall(client_frame(opcode) * 7)
        close = read_frames(flooding)[-1][1]
    assert (decode_close(close), close[2:]) == (4429, b"too many control frames")


def test_pongs_that_answer_our_pings_never_count(start):
    server = start(ping_every_seconds=0.05, pong_within_seconds=5, controls_per_minute=1)
    with server.open("one") as client:
        with pytest.raises(TimeoutError):
            client.recv(1.5)
        client.send('{"type": "ping"}')
        assert json.loads(client.recv(5))["type"] == "pong"


@pytest.mark.parametrize(
    "queries",
    [
        ["one?address=a", "one?address=b", "one?address=c"],
        ["a", "b", "c", "d"],
        ["a?address=x&person=p", "b?address=y&person=p"],
    ],
)
def test_one_socket_too_many_is_told_so(strict, queries):
    strict.wait_for_nobody()
    with ExitStack() as stack:
        for query in queries[:-1]:
            stack.enter_context(strict.open(*query.split("?")))
        with strict.connect(*queries[-1].split("?")) as refused:
            assert close_of(refused)[0] == 4429
    strict.wait_for_nobody()


def test_a_full_process_says_try_again_later(start):
    server = start(sockets_total=1)
    with server.open("one"), server.connect("two") as refused:
        assert close_of(refused)[0] == 1013


def test_a_lost_right_closes_the_socket(strict):
    with strict.open("lost") as client, strict.open("two") as other:
        strict.post("/revoke/lost")
        assert close_of(client) == (4401, "not authenticated")
        other.send('{"type": "ping"}')
        assert json.loads(other.recv(5))["type"] == "pong"


def test_without_redis_a_socket_is_told_to_try_again(start, mortal_valkey, tmp_path):
    with Server(tmp_path / "b", mortal_valkey.url, RelaySettings()) as server:
        mortal_valkey.kill()
        with server.connect("one") as client:
            assert close_of(client)[0] == 1013
        server.wait_for_nobody()


def test_every_end_is_counted_by_its_reason(strict, writer):
    def ended(reason: str) -> float:
        return strict.sample("welno_relay_closed_total", transport="websocket", reason=reason)

    before = [ended("4408"), ended("client"), strict.sample("welno_relay_refused_total", scope="person")]
    with strict.open("a", "person=p"), strict.connect("b", "person=p") as refused:
        assert close_of(refused)[0] == 4429
    with strict.open("one") as client:
        writer.write("one", close=4408)
        assert close_of(client)[0] == 4408
    after = [ended("4408"), ended("client"), strict.sample("welno_relay_refused_total", scope="person")]
    assert [now - was for now, was in zip(after, before, strict=True)] == [1, 1, 1]


def test_subscriptions_and_events_are_counted(start, writer):
    server = start()
    with server.open("one") as client, server.open("one"):
        assert [server.sample(f"welno_relay_{name}") for name in ("sockets", "subscriptions", "channels")] == [2, 2, 1]
        writer.write("one", 2)
        assert read_events(client, 2) == [1, 2]
        wait_until(lambda: server.sample("welno_relay_events_in_total") == 2)
        wait_until(lambda: server.sample("welno_relay_events_out_total", transport="websocket") == 4)
        assert server.sample("welno_relay_append_to_write_seconds_count", transport="websocket") >= 1


def test_sockets_live_through_a_restart_of_redis(mortal_valkey, mortal_client, tmp_path):
    writer = Writer(NumberedStreams(mortal_client))
    with Server(tmp_path, mortal_valkey.url, RelaySettings()) as server, server.open("one") as client:
        writer.write("one")
        assert read_events(client, 1) == [1]
        mortal_valkey.restart()
        writer.write("one")
        assert read_events(client, 1) == [2]
        mortal_valkey.restart(keep_data=False, kill=True)
        writer.write("one")
        assert read_events(client, 1) == [-1]


def test_sockets_live_through_a_connection_to_redis_that_goes_silent(redis_url, writer, tmp_path):
    with SilenceableProxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as line:
        behind = f"{redis_url.rpartition(':')[0]}:{line.port}/0"
        with Server(tmp_path, behind, RelaySettings()) as server, server.open("one") as client:
            writer.write("one")
            assert read_events(client, 1) == [1]
            line.silence()
            writer.write("one")
            assert read_events(client, 1) == [2]
            assert server.sample("welno_relay_link_lost_total") == 1


def test_a_peer_that_does_not_answer_our_close_is_cut_off(strict, writer):
    with strict.raw("one") as mute:
        writer.write("one", close=4408)
        assert last_code(mute) == 4408
    strict.wait_for_nobody()


def test_a_half_closed_socket_is_let_go(strict):
    with strict.raw("one") as half:
        half.shutdown(socket.SHUT_WR)
        strict.wait_for_nobody()


def test_a_mistake_in_a_frame_is_told_and_ends_it(strict):
    with strict.raw("one") as wrong:
        wrong.sendall(client_frame(3))
        assert last_code(wrong) == 1002
    strict.wait_for_nobody()


def test_sigterm_sends_everybody_away_with_a_delay_each(start, writer):
    server = start(drain_spread_seconds=5)
    with ExitStack() as stack:
        clients = [stack.enter_context(server.open(f"s{n}")) for n in range(10)]
        server.terminate()
        closes = [close_of(client) for client in clients]
        wait_until(lambda: not server.process.is_running, 30)
    delays = [json.loads(reason)["retry_after_ms"] for _, reason in closes]
    assert {code for code, _ in closes} == {1001}
    assert len(set(delays)) > 5
    assert all(0 <= delay <= 5000 for delay in delays)
    assert "Traceback" not in server.log.read_text()


def test_sigterm_does_not_wait_long_for_the_mute(start):
    server = start(close_within_seconds=1)
    with server.raw("one") as mute:
        read_greetings(mute)
        started = time.monotonic()
        server.terminate()
        wait_until(lambda: not server.process.is_running, 30)
    assert time.monotonic() - started < 9


def test_readers_move_to_another_process_without_a_loss(start, writer, redis_url, tmp_path):
    old = start()
    with Server(tmp_path / "new", redis_url, RelaySettings()) as new:
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
