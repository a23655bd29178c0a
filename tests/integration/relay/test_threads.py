"""The same relay in a server with threads (werkzeug's), where nothing is patched and one thread watches all sockets."""

import json
import threading
from collections.abc import Iterator

import pytest
import websockets.sync.client
from prometheus_client import REGISTRY
from werkzeug.serving import make_server

from core.settings import RelaySettings
from tests.integration.relay.app import create_app
from tests.integration.relay.counting import count_sockets
from tests.integration.relay.server import close_of, read_events
from tests.waiting import wait_until
from webapp.relay.relay import Relay


@pytest.fixture
def app(redis_url):
    app = create_app(redis_url, RelaySettings(close_within_seconds=0.5))
    yield app
    app.extensions["relay"].stop()
    app.extensions["redis"].close()


@pytest.fixture
def relay(app) -> Relay:
    return app.extensions["relay"]


@pytest.fixture
def url(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"ws://127.0.0.1:{server.port}/ws"
    server.shutdown()
    thread.join(10)
    server.server_close()


def connect(url: str):
    client = websockets.sync.client.connect(url, proxy=None, legacy=True, max_size=None)
    [client.recv(5) for _ in range(2)]
    return client


def test_events_arrive_in_order(url, writer):
    writer.write("one", 2)
    with connect(f"{url}/one") as client:
        writer.write("one", 3)
        assert read_events(client, 5) == [1, 2, 3, 4, 5]


def count_loops() -> int:
    return sum(thread.name == "relay-loop" for thread in threading.enumerate())


def test_many_sockets_share_one_thread(url, writer, relay):
    before = threading.active_count()
    clients = [connect(f"{url}/s0")]
    loops = count_loops()  # of this relay, and perhaps of other tests' apps
    clients += [connect(f"{url}/s{n % 3}") for n in range(1, 15)]
    assert (count_sockets(relay), count_loops()) == (15, loops)
    [writer.write(f"s{n}", 2) for n in range(3)]
    assert all(read_events(client, 2) == [1, 2] for client in clients)
    [client.close() for client in clients]
    wait_until(lambda: count_sockets(relay) == 0)
    assert threading.active_count() < before + 40


def test_large_histories_are_written_in_parts(url, writer):
    writer.write("one", 150, text="x" * 60_000)
    with connect(f"{url}/one") as client:
        assert read_events(client, 150) == list(range(1, 151))


def test_a_status_request_is_answered(url):
    with connect(f"{url}/one") as client:
        client.send('{"type": "status_request"}')
        assert json.loads(client.recv(5))["type"] == "session_status"


def test_draining_says_goodbye_and_takes_nobody_new(url, relay):
    with connect(f"{url}/one") as client:
        relay.drain()
        assert close_of(client)[0] == 1001
    assert count_sockets(relay) == 0
    with websockets.sync.client.connect(f"{url}/one", proxy=None, legacy=True) as late:
        assert close_of(late)[0] == 1001


def test_what_happens_is_counted(url, writer, relay):
    sample = REGISTRY.get_sample_value
    out = ("welno_relay_events_out_total", {"transport": "websocket"})
    delay = ("welno_relay_append_to_write_seconds_count", {"transport": "websocket"})
    events, delays = sample(*out) or 0, sample(*delay) or 0
    with connect(f"{url}/one") as client:
        assert sample("welno_relay_sockets") == sample("welno_relay_channels") == 1
        writer.write("one")
        assert read_events(client, 1) == [1]
    wait_until(lambda: sample(*out) == events + 1 and sample("welno_relay_sockets") == 0)
    assert sample(*delay) == delays + 1
