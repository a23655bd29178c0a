"""What happens to a reader that is too slow is its source's choice: closed, told the state, or read on from the log."""

import json
import socket
from collections.abc import Iterator

import pytest

from core.settings import RelaySettings
from streams import Position
from tests.integration.relay.server import Server, read_events
from tests.waiting import wait_until
from webapp.relay.channel import Resync
from webapp.relay.errors import SlowReaderError
from webapp.relay.hub import Hub
from webapp.relay.stream_source import SlowReader

START = Position("", 0)
EVENTS = 40


@pytest.fixture
def narrow(streams, redis_url) -> Iterator[Hub]:
    """Room for about nine of these events."""
    hub = Hub(streams, redis_url, queue_max_bytes=5000)
    yield hub
    hub.stop()


def write_until_dropped(writer, hub, slow, quick) -> None:
    for seq in range(1, EVENTS + 1):
        writer.write("one", text="x" * 500)
        assert quick.next(5).seq == seq
    wait_until(lambda: hub.queued.events < EVENTS / 2)


def test_with_close_it_gets_nothing_more(narrow, writer):
    slow, quick = narrow.subscribe("one", START), narrow.subscribe("one", START)
    write_until_dropped(writer, narrow, slow, quick)
    with pytest.raises(SlowReaderError):
        slow.next(1)


def test_with_resync_it_goes_on_from_where_the_stream_stands(narrow, writer):
    slow, quick = narrow.subscribe("one", START, SlowReader.RESYNC), narrow.subscribe("one", START)
    write_until_dropped(writer, narrow, slow, quick)
    item = slow.next(1)
    assert isinstance(item, Resync)
    rest = list(range(item.position.seq + 1, EVENTS + 1))
    assert [slow.next(1).seq for _ in rest] == rest
    writer.write("one")
    assert slow.next(5).seq == EVENTS + 1


def test_with_catch_up_it_misses_nothing(narrow, writer):
    slow, quick = narrow.subscribe("one", START, SlowReader.CATCH_UP), narrow.subscribe("one", START)
    assert slow.next(0.05) is None
    write_until_dropped(writer, narrow, slow, quick)
    assert not slow.is_live
    writer.write("one", 2)
    assert [slow.next(5).seq for _ in range(EVENTS + 2)] == list(range(1, EVENTS + 3))
    assert slow.next(0.05) is None
    assert slow.is_live


def test_who_catches_up_again_and_again_still_misses_nothing(narrow, writer):
    slow, quick = narrow.subscribe("one", START, SlowReader.CATCH_UP), narrow.subscribe("one", START)
    seen = []
    for _ in range(5):
        for _ in range(20):
            writer.write("one", text="x" * 500)
            quick.next(5)
        seen += [slow.next(5).seq for _ in range(7)]
    seen += [slow.next(5).seq for _ in range(100 - len(seen))]
    assert seen == list(range(1, 101))


def test_a_resync_that_nobody_took_stays_when_more_comes(narrow, writer, streams):
    writer.write("one", 2)
    slow = narrow.subscribe("one", Position("another", 1), SlowReader.CATCH_UP)
    quick = narrow.subscribe("one", Position("", 2))
    for seq in range(3, EVENTS):
        writer.write("one", text="x" * 500)
        assert quick.next(5).seq == seq
    assert slow.next(5) == Resync(Position(streams.position("one").epoch, 2))
    assert [slow.next(5).seq for _ in range(3, EVENTS)] == list(range(3, EVENTS))


@pytest.mark.parametrize("policy", ["RESYNC", "CATCH_UP"])
def test_a_slow_socket_stays_and_ends_where_the_stream_ends(tmp_path, redis_url, writer, policy):
    limits = RelaySettings(queue_max_bytes=200_000)
    with Server(tmp_path, redis_url, limits) as server:
        with server.raw("one", f"slow={policy}", window=8192) as slow, server.open("one") as quick:
            for seq in range(1, 351):
                writer.write("one", text="x" * 20_000)
                assert read_events(quick, 1) == [seq]
            seqs = read_to(slow, 350)
        assert server.sample("welno_relay_closed_total", transport="websocket", reason="3008") == 0
    resyncs = seqs.count(-1)
    seqs = [seq for seq in seqs if seq > 0]
    assert seqs == sorted(set(seqs))
    assert (resyncs > 0, len(seqs) == 350) == ((True, False) if policy == "RESYNC" else (False, True))


def read_to(slow: socket.socket, last: int) -> list[int]:
    """The numbers of all events up to the last; a resync counts as -1, and is the last when it stands there."""
    seqs: list[int] = []
    with slow.makefile("rb") as stream:
        while not seqs or abs(seqs[-1]) != last:
            head = stream.read(2)
            size = head[1]
            if size >= 126:
                size = int.from_bytes(stream.read(2 if size == 126 else 8))
            payload = stream.read(size)
            if head[0] & 0x0F == 1:
                frame = json.loads(payload)
                if frame["type"] == "resync":
                    seqs.append(-1)
                    if frame["last_seq"] == last:
                        return seqs
                elif "seq" in frame:
                    seqs.append(frame["seq"])
    return seqs
