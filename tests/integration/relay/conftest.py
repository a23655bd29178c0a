"""A hub of its own for each test, and a Redis that may be killed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dev.local.valkey import EmbeddedValkey
from streams import StoredEvent
from tests.numbered_streams import NumberedStreams
from webapp.relay.hub import Hub


class Writer:
    """Appends numbered events: event n carries `n`."""

    def __init__(self, streams: NumberedStreams) -> None:
        self.streams = streams
        self.count = 0

    def write(self, subject: str, count: int = 1, **fields) -> None:
        for _ in range(count):
            self.count += 1
            body = {"type": "test", "n": self.count, **fields}
            self.streams.append(subject, [body])


def append_unpublished(streams: NumberedStreams, client: redis.Redis, subject: str, n: int) -> None:
    """An append that nobody receives, as if its message had been lost on the way."""
    seq = streams.position(subject).seq + 1
    event = StoredEvent.from_body(seq, streams.position(subject).epoch, b'{"type":"test","n":%d}' % n)
    client.xadd(f"stream:{{{subject}}}:log", {"event": event.to_json()}, id=f"{seq}-0")
    client.hset(f"stream:{{{subject}}}:meta", "seq", seq)


@pytest.fixture
def streams(redis_client: redis.Redis) -> NumberedStreams:
    return NumberedStreams(redis_client)


@pytest.fixture
def writer(streams: NumberedStreams) -> Writer:
    return Writer(streams)


@pytest.fixture
def hub(streams: NumberedStreams, redis_url: str) -> Iterator[Hub]:
    hub = Hub(streams, redis_url)
    yield hub
    hub.stop()


@pytest.fixture
def mortal_valkey() -> Iterator[EmbeddedValkey]:
    """A server that this test may kill."""
    with (
        tempfile.TemporaryDirectory(prefix="welno-test-") as home,
        EmbeddedValkey(Path(home), appendonly=True) as server,
    ):
        yield server


@pytest.fixture
def mortal_client(mortal_valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(mortal_valkey.url) as client:
        yield client
