"""Streams and their readers on a cluster: subjects lie on both nodes, and no step needs two."""

from collections.abc import Iterator

import pytest
from redis.cluster import RedisCluster

from streams import NOWHERE, EventBatch, Position, Projection, StreamPolicy, Streams
from tests.integration.streams.cluster import two_nodes
from tests.numbered_streams import NumberedStreams
from webapp.relay.hub import Hub

SUBJECTS = [f"{kind}:{n}" for kind in ("tilko_session", "patient", "queue", "project", "thread") for n in range(4)]
EPOCH = "6b07399500000000"


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    with two_nodes(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[RedisCluster]:
    client = RedisCluster.from_url(url)
    client.flushall(target_nodes=RedisCluster.PRIMARIES)
    yield client
    client.close()


@pytest.fixture
def streams(client: RedisCluster) -> Streams:
    return Streams(client)


def add(streams: Streams, subject: str, count: int = 1, projection: Projection | None = None) -> Position:
    return streams.append(EventBatch(subject, EPOCH, 1, [b"{}"] * count), StreamPolicy(), projection)


def test_subjects_of_every_kind_are_appended_to_and_read(streams, client):
    for subject in SUBJECTS:
        add(streams, subject, 2, Projection(subject, 1, {"status": "x"}, ttl_seconds=100))
        assert [event.seq for event in streams.read_after(subject, 0).events] == [1, 2]
        assert client.hget(subject, "status") == b"x"
    assert len({client.get_node_from_key(subject).port for subject in SUBJECTS}) == 2
    assert streams.revisions(SUBJECTS) == [1] * len(SUBJECTS)


def test_a_repeated_batch_changes_nothing(streams):
    first = [add(streams, subject) for subject in SUBJECTS]
    assert [add(streams, subject) for subject in SUBJECTS] == first


def test_many_positions_come_from_both_nodes(streams):
    ends = [add(streams, subject, 1 + number % 2) for number, subject in enumerate(SUBJECTS)]
    assert streams.positions(SUBJECTS) == ends
    moved = [subject for subject, end in zip(SUBJECTS, ends, strict=True) if end.seq == 2]
    assert streams.moved(dict.fromkeys(SUBJECTS, Position(EPOCH, 1))) == moved


def test_a_stream_is_forgotten(streams):
    add(streams, SUBJECTS[0], 3)
    streams.forget(SUBJECTS[0])
    assert streams.positions([SUBJECTS[0]]) == [NOWHERE]


def test_the_state_of_all_nodes_is_told(streams):
    streams.mark()
    assert streams.server_state() == streams.server_state() != ""


def test_one_subscription_reads_from_both_nodes(client, url):
    streams = NumberedStreams(client)
    hub = Hub(streams, url)
    readers = [hub.subscribe(subject, Position("", 0)) for subject in SUBJECTS]
    for subject in SUBJECTS:
        streams.append(subject, [{}])
    assert [reader.next(5).seq for reader in readers] == [1] * len(SUBJECTS)
    hub.stop()
