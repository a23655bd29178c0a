"""Server-sent events and polls: the same numbers as the WebSocket, and a reader may change between them."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from core.settings import RelaySettings
from dev.local.ports import LOOPBACK
from tests.integration.relay.conftest import append_unpublished
from tests.integration.relay.event_source import EventSource
from tests.integration.relay.server import NOBODY, Server, read_events
from tests.waiting import wait_until

COUNTED = ("welno_relay_events_out_total", "welno_relay_append_to_write_seconds_count")


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(sse_comment_seconds=0.3, check_every_seconds=0.4, drain_spread_seconds=4)
    with Server(tmp_path_factory.mktemp("sse"), redis_url, limits) as server:
        yield server


@pytest.fixture(scope="module")
def quiet(tmp_path_factory, redis_url) -> Iterator[Server]:
    """Who leaves here is not noticed by the next comment: none comes."""
    with Server(tmp_path_factory.mktemp("quiet"), redis_url, RelaySettings(), max_readers=2) as server:
        yield server


def test_the_answer_begins_with_the_time_to_retry(server):
    with EventSource(server, "one") as source:
        assert source.answer.headers["Content-Type"].startswith("text/event-stream")
        assert source.next_block() == {"retry": "3000"}


def test_events_carry_their_place_as_id(server, writer, streams):
    writer.write("one", 2)
    with EventSource(server, "one") as source:
        writer.write("one", 1)
        events = [source.next_event() for _ in range(3)]
    epoch = streams.position("one").epoch
    assert [event["id"] for event in events] == [f"{epoch}:1", f"{epoch}:2", f"{epoch}:3"]
    assert [event["seq"] for event in events] == [1, 2, 3]


@pytest.mark.parametrize("with_epoch", [True, False])
def test_a_reader_resumes_after_its_last_id(server, writer, streams, with_epoch):
    writer.write("one", 4)
    last = f"{streams.position('one').epoch}:3" if with_epoch else "3"
    with EventSource(server, "one", last) as source:
        assert source.next_event()["seq"] == 4


def test_a_lost_history_is_a_resync_with_a_new_id(server, writer):
    writer.write("one", 2)
    with EventSource(server, "one", "abc:1") as source:
        resync = source.next_event()
        writer.write("one")
        assert source.next_event()["seq"] == 3
    assert (resync["type"], resync["last_seq"], resync["data"]) == ("resync", 2, {"last": [2]})
    assert resync["id"] == f"{resync['epoch']}:2"


def test_a_killed_subscription_is_recovered(server, writer, redis_client):
    with EventSource(server, "one") as source:
        for seq in range(1, 4):
            redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            writer.write("one")
            started = time.monotonic()
            assert source.next_event()["seq"] == seq
            assert time.monotonic() - started < 2.5


def test_a_message_that_nobody_received_is_found_by_the_check(server, writer, streams, redis_client):
    with EventSource(server, "one") as source:
        writer.write("one")
        assert source.next_event()["seq"] == 1
        append_unpublished(streams, redis_client, "one", 2)
        assert source.next_event()["seq"] == 2


def while_it_waits(server: Server, path: str, act: Callable[[], object]) -> Any:
    """The answer of a long poll, while which something happens."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.get, path)
        wait_until(lambda: server.get("/count")["polls"] == 1)
        act()
        return answer.result()


def test_a_long_poll_finds_what_nobody_received(server, writer, streams, redis_client):
    writer.write("one")
    path = "/poll/one?after_seq=1&wait=20"
    answer = while_it_waits(server, path, lambda: append_unpublished(streams, redis_client, "one", 2))
    assert [event["seq"] for event in answer["events"]] == [2]


def test_a_state_that_cannot_be_had_ends_the_answer_with_its_code(server, writer):
    writer.write("one", 2)
    with EventSource(server, "one", "abc:1", "snapshot=broken") as source:
        assert source.next_event()["code"] == 1013


def test_a_state_too_big_to_send_ends_the_answer_with_its_code(server, writer):
    writer.write("one", 2)
    with EventSource(server, "one", "abc:1", "snapshot=big") as source:
        assert source.next_event()["code"] == 1011


def test_a_reader_that_takes_nothing_is_cut_off(tmp_path, redis_url, writer):
    # Long enough that the other, which shares this machine with other tests, is never the one that takes nothing.
    limits = RelaySettings(write_within_seconds=2, queue_max_bytes=100_000_000)
    with Server(tmp_path, redis_url, limits) as server:
        with socket.create_connection((LOOPBACK, server.port)) as deaf, EventSource(server, "one") as other:
            deaf.sendall(b"GET /sse/one HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.get("/count")["admitted"] == 2)
            writer.write("one", 200, text="x" * 60_000)
            assert [other.next_event()["seq"] for _ in range(200)] == list(range(1, 201))
            wait_until(lambda: server.get("/count")["admitted"] == 1)
            assert server.sample("welno_relay_closed_total", transport="sse", reason="write_timeout") == 1
        assert "Traceback" not in server.log.read_text()


def test_what_an_answer_did_is_counted(server, writer):
    labels = {"transport": "sse"}
    before = [server.sample(name, **labels) for name in COUNTED]
    with EventSource(server, "one") as source:
        assert server.sample("welno_relay_sse_streams") >= 1
        writer.write("one", close=4408)
        assert [source.next_event()["type"] for _ in range(2)] == ["test", "closed"]
    assert [server.sample(name, **labels) for name in COUNTED] == [count + 1 for count in before]
    wait_until(lambda: server.sample("welno_relay_closed_total", transport="sse", reason="4408") >= 1)


def test_a_silent_stream_sends_comments(server):
    with EventSource(server, "one") as source:
        source.next_block()
        assert source.next_block() == {"": "alive"}


def test_the_last_event_is_followed_by_the_code_and_the_end(server, writer):
    with EventSource(server, "one") as source:
        writer.write("one", close=4408)
        assert source.next_event()["seq"] == 1
        closed = source.next_event()
        assert (closed["type"], closed["code"]) == ("closed", 4408)
        assert source.next_block() == {}


def test_a_lost_right_ends_the_answer(server):
    with EventSource(server, "lost") as source:
        server.post("/revoke/lost")
        assert source.next_event()["code"] == 4401


def test_a_reader_that_leaves_is_noticed_by_the_next_comment(server):
    with EventSource(server, "one") as source:
        source.next_block()
        wait_until(lambda: server.get("/count")["admitted"] == 1)
    wait_until(lambda: server.get("/count") == NOBODY)


@pytest.mark.parametrize("leave", [EventSource.close, EventSource.reset], ids=["closed", "reset"])
def test_a_reader_that_leaves_gives_its_slot_back_within_two_seconds(quiet, leave):
    source = EventSource(quiet, "one")
    source.next_block()
    wait_until(lambda: quiet.get("/count")["admitted"] == 1)
    leave(source)
    wait_until(lambda: quiet.get("/count") == NOBODY, 2)
    assert quiet.sample("welno_relay_closed_total", transport="sse", reason="gone") >= 1


def test_twenty_reloads_never_meet_the_bound(quiet):
    """Of two readers: the page that is left and the one that comes."""
    source = EventSource(quiet, "page")
    for _ in range(20):
        assert source.answer.status == 200
        source.next_block()
        wait_until(lambda: quiet.get("/count")["admitted"] == 1, 2)
        reloaded = EventSource(quiet, "page")
        source.close()
        source = reloaded
    source.close()
    quiet.wait_for_nobody()


def test_a_reader_that_sends_more_is_still_served(server, writer):
    """And that it has left is seen by the next comment only."""
    with EventSource(server, "one") as source:
        source.send(b"GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write("one")
        assert source.next_event()["seq"] == 1
    server.wait_for_nobody()


def test_a_source_has_its_own_signs_of_life(server):
    with EventSource(server, "one", query="profile=own") as source:
        assert source.next_block() == {"retry": "1234"}
        assert list(source.next_block()) == ["id"]
        assert source.next_block() == {"event": "beat", "data": "{}"}


def test_a_reader_without_a_position_may_begin_at_the_end(server, writer, streams):
    writer.write("one", 3)
    with EventSource(server, "one", "end", query="profile=own") as source:
        source.next_block()
        epoch = streams.position("one").epoch
        assert source.next_block() == {"id": f"{epoch}:3"}
        writer.write("one")
        while (block := source.next_block()).get("event") == "beat":
            continue
    assert block["id"] == f"{epoch}:4"


def test_proxies_are_told_to_change_and_keep_nothing(server):
    with EventSource(server, "one") as source:
        kept = source.answer.headers["Cache-Control"]
    assert {part.strip() for part in kept.split(",")} == {"no-cache", "no-store", "no-transform"}


def test_a_poll_gives_what_came_after(server, writer):
    writer.write("one", 3)
    answer = server.get("/poll/one?after_seq=1")
    assert [event["seq"] for event in answer["events"]] == [2, 3]
    assert answer["seq"] == 3
    assert server.get(f"/poll/one?after_seq={answer['epoch']}:3")["events"] == []


def test_a_poll_of_a_long_history_gives_a_page_of_it(server, writer):
    writer.write("one", 10, text="x" * 60_000)
    first = server.get("/poll/one")
    seqs = [event["seq"] for event in first["events"]]
    assert (seqs, first["seq"]) == ([1, 2, 3, 4], 4)
    assert [event["seq"] for event in server.get("/poll/one?after_seq=4")["events"]] == [5, 6, 7, 8]


def test_a_long_poll_answers_when_something_comes(server, writer):
    answer = while_it_waits(server, "/poll/one?wait=20", lambda: writer.write("one"))
    assert [event["seq"] for event in answer["events"]] == [1]


def test_a_long_poll_answers_empty_in_the_end(server, writer):
    writer.write("one", 2)
    answer = server.get("/poll/one?after_seq=2&wait=0.2")
    assert (answer["events"], answer["seq"]) == ([], 2)


def test_a_poll_of_a_lost_history_is_a_resync(server, writer):
    writer.write("one", 2)
    answer = server.get("/poll/one?after_seq=abc:1")
    assert (answer["events"], answer["seq"], answer["gone"]) == ([], 2, True)


def test_a_reader_may_change_between_all_three(server, writer):
    writer.write("one", 9)
    with server.open("one") as client:
        seen = read_events(client, 3)
    with EventSource(server, "one", str(seen[-1])) as source:
        seen += [source.next_event()["seq"] for _ in range(3)]
    seen += [event["seq"] for event in server.get(f"/poll/one?after_seq={seen[-1]}")["events"]]
    assert seen == list(range(1, 10))


def test_sigterm_ends_the_answer_with_a_time_to_return(tmp_path, redis_url):
    with (
        Server(tmp_path, redis_url, RelaySettings(drain_spread_seconds=4)) as server,
        EventSource(server, "one") as source,
    ):
        source.next_block()
        server.terminate()
        assert 0 <= int(source.next_block()["retry"]) <= 4000
        assert source.next_event()["code"] == 1001
        wait_until(lambda: not server.process.is_running, 30)


def test_who_comes_back_to_the_process_that_stops_is_told_to_come_again(tmp_path, redis_url):
    """On a connection that was open before: an EventSource that hears anything but 200 would stay away for good."""
    with (
        Server(tmp_path, redis_url, RelaySettings(drain_spread_seconds=4)) as server,
        closing(http.client.HTTPConnection(LOOPBACK, server.port, timeout=5)) as kept,
        EventSource(server, "one") as source,
    ):
        kept.request("GET", "/poll/one")
        kept.getresponse().read()
        source.next_block()
        server.terminate()
        assert source.next_block()  # the process has begun to send its readers away
        kept.request("GET", "/sse/one", headers={"Last-Event-ID": "0"})
        answer = kept.getresponse()
        name, _, value = answer.read().decode().partition(":")
        assert (answer.status, name) == (200, "retry")
        assert 0 <= int(value) <= 4000
