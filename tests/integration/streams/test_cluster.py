"""Streams and their readers on a cluster: subjects lie on both nodes, and no step needs two."""

from collections.abc import Iterator

import pytest
from redis.cluster import RedisCluster

from streams import NewEvent, Position, Projection, Streams
from tests.integration.streams.cluster import two_nodes
from webapp.relay.hub import Hub

SUBJECTS = [f"{kind}:{n}" for kind in ("tilko_session", "patient", "queue", "project", "thread") for n in range(4)]


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


def test_subjects_of_every_kind_are_appended_to_and_read(streams, client):
    for subject in SUBJECTS:
        projection = Projection(subject, 1, {"status": "x"}, ttl_seconds=100)
        streams.append(subject, [NewEvent("a", {"n": 1}), NewEvent("b", {"n": 2})], projection)
        assert [event.seq for event in streams.read_after(subject, 0).events] == [1, 2]
        assert client.hget(subject, "status") == b"x"
    assert len({client.get_node_from_key(subject).port for subject in SUBJECTS}) == 2


def test_a_repeated_event_keeps_its_number(streams):
    first = [streams.append(subject, [NewEvent("a", {})]) for subject in SUBJECTS]
    assert [streams.append(subject, [NewEvent("a", {})]) for subject in SUBJECTS] == first


def test_many_positions_come_from_both_nodes(streams):
    ends = [streams.append(subject, [NewEvent("a", {})])[0] for subject in SUBJECTS]
    assert streams.positions(SUBJECTS) == ends
    assert streams.moved(dict.fromkeys(SUBJECTS, ends[0])) == [
        at for at, end in zip(SUBJECTS, ends, strict=True) if end != ends[0]
    ]


def test_the_last_events_and_forgetting_work(streams):
    streams.append(SUBJECTS[0], [NewEvent(str(n), {"n": n}) for n in range(3)])
    assert [event.seq for event in streams.last(SUBJECTS[0], 2)] == [2, 3]
    streams.forget(SUBJECTS[0])
    assert streams.position(SUBJECTS[0]) == Position("", 0)


def test_one_subscription_hears_of_both_nodes(streams, url):
    hub = Hub(streams, url)
    readers = [hub.subscribe(subject, Position("", 0)) for subject in SUBJECTS]
    for subject in SUBJECTS:
        streams.append(subject, [NewEvent("a", {})])
    assert [reader.next(5).seq for reader in readers] == [1] * len(SUBJECTS)
    hub.stop()
