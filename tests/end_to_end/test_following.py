"""Everybody who follows a session sees the same events, once, in order, by whatever transport they come."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from websockets.sync.client import connect

from tests.end_to_end.following import open_socket, poll_until, read_sse, receive, socket_url
from tests.end_to_end.person import Visit, kind_of
from tests.end_to_end.product import Product

ALL = [*range(1, 9)]


@pytest.fixture
def visit(product: Product) -> Visit:
    return product.meet().is_known_with().start()


@pytest.fixture(scope="module")
def finished(running_product: Product) -> Visit:
    return running_product.meet().is_known_with().collects()


@pytest.fixture
def done(finished: Visit) -> Visit:
    """A finished visit, seen by a browser of this test."""
    browser = finished.person.browser()
    browser.headers.update(finished.bearer)
    return Visit(finished.person, browser, finished.session_id, finished.token)


def test_every_transport_and_every_tab_tells_the_same(visit: Visit):
    with ThreadPoolExecutor(6) as threads, ExitStack() as sockets:
        tabs = [sockets.enter_context(open_socket(visit)) for _ in range(3)]
        followers = [threads.submit(receive, tab) for tab in tabs]
        followers += [threads.submit(read_sse, visit) for _ in range(2)]
        visit.asks_for_push().approves()
        followers.append(threads.submit(poll_until, visit))
        seen = [follower.result() for follower in followers]
        with open_socket(visit) as late:
            seen.append(receive(late))
    assert [event["seq"] for event in seen[0]] == ALL
    assert all(events == seen[0] for events in seen)


def test_somebody_who_joins_in_the_middle_gets_what_they_missed_and_then_the_rest(visit: Visit):
    visit.asks_for_push().wait_for("auth_waiting")
    with open_socket(visit) as socket:
        visit.approves()
        assert [event["seq"] for event in receive(socket)] == ALL


@pytest.mark.parametrize("after", ALL[:-1])
def test_a_client_that_comes_back_gets_exactly_the_rest(done: Visit, after: int):
    everything = done.events()
    with open_socket(done, after) as socket:
        assert receive(socket) == everything[after:]
    assert read_sse(done, last_event_id=str(after)) == everything[after:]
    assert done.events(after) == everything[after:]


def test_a_socket_that_is_cut_in_the_middle_misses_nothing(visit: Visit):
    with open_socket(visit) as socket:
        visit.asks_for_push()
        before = receive(socket, until="auth_waiting")
        socket.socket.close()
    visit.approves()
    with open_socket(visit, before[-1]["seq"]) as socket:
        assert [event["seq"] for event in before + receive(socket)] == ALL


def test_a_client_may_change_between_the_transports(visit: Visit):
    with open_socket(visit) as socket:
        visit.asks_for_push()
        seen = receive(socket, until="auth_waiting")
    visit.approves()
    visit.wait_for("auth_completed")
    seen += [event for event in visit.events(seen[-1]["seq"]) if event["seq"] == 3]
    seen += read_sse(visit, last_event_id=f"{seen[-1]['epoch']}:3", until="prescription_completed")
    seen += poll_until(visit)[len(seen) :]
    assert [event["seq"] for event in seen] == ALL


def test_a_history_that_is_gone_is_told_with_the_present_state(done: Visit):
    url = f"{socket_url(done, 3)}&epoch=of-another-time"
    with connect(url, additional_headers=done.bearer) as socket:
        frames = [json.loads(socket.recv(timeout=5)) for _ in range(3)]
    resync = next(frame for frame in frames if frame["type"] == "resync")
    assert (resync["last_seq"], resync["data"]["status"]) == (8, "completed")
    polled = done.browser.get(f"{done.path}/messages", params={"after_seq": 3, "epoch": "of-another-time"}).json()
    assert polled["resync"] is True


def test_the_first_frames_tell_the_state_and_where_the_stream_stands(done: Visit):
    with open_socket(done, 8) as socket:
        established, status = (json.loads(socket.recv(timeout=5)) for _ in range(2))
    assert established["type"] == "connection_established"
    assert (status["type"], status["last_seq"]) == ("session_status", 8)
    assert status["data"]["status"] == "completed"


def test_a_client_may_ping_and_ask_and_mistakes_leave_the_socket_open(done: Visit):
    with open_socket(done, 8) as socket:
        for frame in (
            "{not json",
            '{"type": "sing"}',
            '{"type": "ping", "timestamp": 17}',
            '{"type": "status_request"}',
        ):
            socket.send(frame)
        answers = [json.loads(socket.recv(timeout=5)) for _ in range(6)][2:]
    assert [answer["type"] for answer in answers] == ["error", "error", "pong", "session_status"]
    assert answers[2]["timestamp"] == 17


def test_no_event_carries_a_record(done: Visit):
    for event in done.events():
        allowed = {
            "cx_id",
            "approve_by",
            "user_name",
            "count",
            "counts",
            "patient_uuid",
            "hospital_id",
            "redirect_to_report",
        }
        assert set(event.get("data", {})) <= allowed, kind_of(event)


def test_one_subscription_per_web_process_serves_every_socket(product: Product):
    visits = [product.meet().is_known_with().start() for _ in range(3)]
    with ExitStack() as sockets:
        sockets.enter_context(open_socket(visits[0]))
        before = subscribers(product)
        for visit in visits * 3:
            sockets.enter_context(open_socket(visit))
        with ThreadPoolExecutor(1) as threads:
            watching = threads.submit(read_sse, visits[0], until="auth_waiting")
            visits[0].asks_for_push()
            watching.result()
            assert subscribers(product) == before
        channels = [f"stream:{{tilko_session:{visit.session_id}}}:pub" for visit in visits]
        assert dict(product.redis.pubsub_numsub(*channels)) == {channel.encode(): 1 for channel in channels}


def subscribers(product: Product) -> int:
    return len(product.redis.client_list(_type="pubsub"))
