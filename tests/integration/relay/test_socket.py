"""WebSockets through gunicorn's gevent worker: order, resume, recovery, bounds and closing."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest
import redis
import websockets

from core.settings import RelaySettings
from streams.keys import channel
from tests.integration.relay.conftest import append_unpublished
from tests.integration.relay.server import Server, close_of, read_events
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(messages_per_minute=1000, write_within_seconds=20)
    with Server(tmp_path_factory.mktemp("relay"), redis_url, limits, max_readers=300) as server:
        yield server


def test_a_socket_is_greeted_with_place_and_state(server, writer):
    writer.write("one", 3)
    with server.connect("one", "after_seq=3") as client:
        hello, status = (json.loads(client.recv(5)) for _ in range(2))
    assert (hello["type"], hello["session_id"], hello["last_seq"]) == ("connection_established", "one", 3)
    assert (status["type"], status["data"], status["epoch"]) == ("session_status", {"last": [3]}, hello["epoch"])


def test_history_and_live_events_come_in_order(server, writer):
    writer.write("one", 3)
    with server.open("one", "after_seq=1") as client:
        writer.write("one", 3)
        assert read_events(client, 5) == [2, 3, 4, 5, 6]


def test_an_event_arrives_as_it_was_stored(server, writer, streams):
    with server.open("one") as client:
        writer.write("one", message="확인했어요")
        assert client.recv(5) == streams.last("one", 1)[0].to_json().decode()


def test_readers_that_come_and_go_lose_nothing(server, writer):
    """Each reader reads a few, is cut off and comes back with its number, while events are appended."""
    thread = threading.Thread(target=writer.write, args=("one", 400))
    thread.start()
    seen: list[int] = []
    while len(seen) < 400:
        with server.open("one", f"after_seq={len(seen)}") as client:
            seen += read_events(client, min(37, 400 - len(seen)))
            client.socket.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert seen == list(range(1, 401))


def test_a_lost_history_means_resync_with_the_state(server, writer):
    writer.write("one", 2)
    with server.open("one", "after_seq=abc:1") as client:
        resync = json.loads(client.recv(5))
        writer.write("one")
        assert read_events(client, 1) == [3]
    assert (resync["type"], resync["last_seq"], resync["data"]) == ("resync", 2, {"last": [2]})


def test_flushall_means_resync_for_those_connected(server, writer, redis_client):
    writer.write("one", 2)
    with server.open("one", "after_seq=2") as client:
        redis_client.flushall()
        resync = json.loads(client.recv(5))
        writer.write("one", 1)
        assert (resync["type"], read_events(client, 1)) == ("resync", [resync["last_seq"] + 1])


def test_a_killed_subscription_is_recovered(server, writer, redis_client):
    with server.open("one") as client:
        for seq in range(1, 6):
            redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            writer.write("one")
            assert read_events(client, 1, timeout=3) == [seq]


def test_a_message_that_nobody_received_is_found_by_the_check(server, writer, streams, redis_client):
    with server.open("one") as client:
        writer.write("one")
        assert read_events(client, 1) == [1]
        append_unpublished(streams, redis_client, "one", 2)
        assert read_events(client, 1, timeout=3) == [2]


def test_ping_echoes_its_timestamp(server):
    with server.open("one") as client:
        client.send('{"type": "ping", "timestamp": "2026-11-21T00:00:00Z"}')
        assert json.loads(client.recv(5)) == {"type": "pong", "timestamp": "2026-11-21T00:00:00Z"}


def test_a_status_request_is_answered_with_the_state_of_now(server, writer):
    with server.open("one") as client:
        writer.write("one", 2)
        assert read_events(client, 2) == [1, 2]
        client.send('{"type": "status_request"}')
        status = json.loads(client.recv(5))
        assert (status["type"], status["last_seq"], status["data"]) == ("session_status", 2, {"last": [2]})


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "BAD_JSON"),
        ("", "BAD_JSON"),
        ('"\\ud800"', "BAD_JSON"),
        ("[" * 5000, "BAD_JSON"),
        ('{"type": "ping", "timestamp": ' + "[" * 300 + "]" * 300 + "}", "BAD_JSON"),
        ('{"type": "ping", "timestamp": 1e999}', "BAD_JSON"),
        ('{"type": "ping", "timestamp": [' + "1e15," * 10_000 + "1]}", "TOO_LONG"),
        ("[]", "NOT_AN_OBJECT"),
        ("null", "NOT_AN_OBJECT"),
        ("{}", "UNKNOWN_TYPE"),
        ('{"type": "what"}', "UNKNOWN_TYPE"),
        ('{"type": ["ping"]}', "UNKNOWN_TYPE"),
        (b"\x00\x01", "NOT_TEXT"),
    ],
)
def test_a_mistake_is_answered_and_the_socket_stays(server, sent, code):
    with server.open("one") as client:
        client.send(sent)
        answer = json.loads(client.recv(5))
        client.send('{"type": "ping"}')
        assert json.loads(client.recv(5))["type"] == "pong"
    assert (answer["type"], answer["code"]) == ("error", code)


def test_a_message_in_fragments_is_one_message(server):
    with server.open("one") as client:
        client.send(['{"type": ', '"ping", ', '"timestamp": 7}'])
        assert json.loads(client.recv(5))["timestamp"] == 7


def test_a_message_above_the_limit_is_refused(server):
    with server.open("one") as client:
        client.send("x" * (64 * 1024 + 1))
        assert close_of(client)[0] == 1009


def test_endless_fragments_are_refused(server):
    def fragments():
        for _ in range(100):
            yield "x" * 1024

    with server.open("one") as client:
        with suppress(websockets.ConnectionClosed):
            client.send(fragments())
        assert close_of(client)[0] == 1009


def test_compression_is_declined(server):
    with server.connect("one", compression="deflate") as client:
        assert client.response.headers.get("Sec-WebSocket-Extensions") is None


def test_large_events_arrive_whole(server, writer):
    """Far beyond what the kernel takes at once: written in parts, nothing lost between them."""
    writer.write("one", 12, text="x" * 60_000)
    with server.open("one") as client:
        frames = [json.loads(client.recv(10)) for _ in range(12)]
    assert [(frame["seq"], len(frame["text"])) for frame in frames] == [(n, 60_000) for n in range(1, 13)]


def test_a_reader_that_rests_gets_all_of_a_long_history(server, writer):
    writer.write("one", 900, text="x" * 3000)
    with server.open("one", max_queue=1) as client:
        assert read_events(client, 900) == list(range(1, 901))


def test_the_last_event_comes_before_the_close(server, writer):
    with server.open("one") as client:
        writer.write("one")
        writer.write("one", close=4408)
        assert read_events(client, 2) == [1, 2]
        assert close_of(client) == (4408, "session expired")


def test_an_event_after_the_last_is_not_sent(server, writer):
    writer.write("one", close=4404)
    writer.write("one")
    with server.open("one") as client:
        assert read_events(client, 1) == [1]
        assert close_of(client)[0] == 4404


@pytest.mark.parametrize("code", [4401, 4403, 4404])
def test_who_may_not_read_is_told_why(server, code):
    with server.connect("one", f"deny={code}") as client:
        assert close_of(client)[0] == code


def test_a_client_that_leaves_takes_its_subscription_along(server, redis_client):
    client = server.open("gone")
    assert redis_client.pubsub_numsub(channel("gone"))[0][1] == 1
    client.close()
    server.wait_for_nobody()
    assert redis_client.pubsub_numsub(channel("gone"))[0][1] == 0


def test_a_client_cut_off_without_a_word_is_noticed(server):
    client = server.raw("gone")
    client.close()
    server.wait_for_nobody()


def test_the_clients_own_close_is_answered_with_its_code(server):
    client = server.open("one")
    client.close(code=4000, reason="done")
    assert client.close_code == 4000
    server.wait_for_nobody()


def test_one_pubsub_connection_serves_two_hundred_sockets(server, writer, redis_client):
    with ExitStack() as stack:
        clients = [stack.enter_context(server.raw("crowd")) for _ in range(200)]
        wait_until(lambda: server.get("/count")["sockets"] == 200)
        # Of this server: an app of other tests in this process may have one as well. A loop, as one that kept silent on
        # a busy machine may just have been replaced, and Redis not have seen its end.
        wait_until(lambda: len(pubsub_connections(server, redis_client)) == 1)
        writer.write("crowd", 3)
        assert all(read_until(client, b'"seq":3').count(b'"seq":') == 3 for client in clients)
    server.wait_for_nobody()


def pubsub_connections(server: Server, redis_client: redis.Redis) -> list[str]:
    """By their own addresses, of the server's worker."""
    worker = psutil.Process(server.process.pid).children()[0]
    own = {f"{one.laddr.ip}:{one.laddr.port}" for one in worker.net_connections("tcp4")}
    return [client["addr"] for client in redis_client.client_list(_type="pubsub") if client["addr"] in own]


def read_until(client: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        data += client.recv(65_536)
    return data


def test_a_request_that_is_no_handshake_is_refused(server):
    request = b"GET /ws/one HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(request)
        assert b" 400 " in raw.recv(100)


def test_the_server_logged_no_error(server):
    wait_until(lambda: server.get("/count")["sockets"] == 0)
    assert "Traceback" not in server.log.read_text()


def test_a_process_kept_from_running_keeps_its_link(server, writer):
    lost = server.sample("welno_relay_link_lost_total")
    with server.open("one") as client, ThreadPoolExecutor(4) as pool:
        list(pool.map(server.get, ["/hog?seconds=1.2"] * 4))
        writer.write("one")
        assert read_events(client, 1) == [1]
    assert server.sample("welno_relay_link_lost_total") == lost
