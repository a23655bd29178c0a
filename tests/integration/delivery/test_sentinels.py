"""The primary that Sentinels watch is lost under load: no event is lost or doubled, and nobody goes back to it."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from core.sentinels import PrimaryFinder, SentinelGroup
from dev.local.sentinel import NAME
from dev.local.valkey import EmbeddedValkey
from services.stores import connect_redis
from streams import Position, StreamsError
from streams.multiplexed import MultiplexedRedis
from tests.integration.delivery.conftest import Log
from tests.sentinels import SentinelPair, frozen, sentinel_group
from tests.waiting import wait_until
from webapp.relay.channel import Resync
from webapp.relay.hub import Hub
from webapp.relay.subscription import Subscription

SUBJECTS, READERS_OF_EACH = 4, 2
LIVE_AGAIN_SECONDS = 5


@pytest.fixture(scope="module")
def group() -> Iterator[SentinelPair]:
    with sentinel_group() as group:
        yield group


@pytest.fixture
def redis_client(group: SentinelPair) -> Iterator[redis.Redis]:
    """As a web process has it."""
    group.wait_whole()
    with connect_redis(group.url, MultiplexedRedis) as client:
        yield client


class Reader:
    """Reads one subject to the end of the test, live."""

    def __init__(self, hub: Hub, subject: str) -> None:
        self.subject = subject
        self.seqs: list[int] = []
        self.resyncs = 0
        self._subscription: Subscription = hub.subscribe(subject, Position("", 0))
        self._thread = threading.Thread(target=self._read)
        self._is_over = threading.Event()
        self._thread.start()

    def _read(self) -> None:
        while not self._is_over.is_set():
            item = self._subscription.next(0.1)
            if isinstance(item, Resync):
                self.resyncs += 1
            elif item is not None:
                self.seqs.append(item.seq)

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(10)
        self._subscription.close()


class Load:
    """Writes to all subjects, sweeps as the sweeper does, and reads as a web process does."""

    def __init__(self, log: Log, url: str) -> None:
        self.log = log
        self.subjects = [log.make_thing() for _ in range(SUBJECTS)]
        self.hub = Hub(log.reader, url, check_every_seconds=2)
        self.readers = [Reader(self.hub, subject) for subject in self.subjects for _ in range(READERS_OF_EACH)]
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._sweep)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        while not self._is_over.wait(0.01):
            for subject in self.subjects:
                self.log.emit(subject, 2)

    def _sweep(self) -> None:
        swept_at = time.monotonic()
        while not self._is_over.wait(0.2):
            try:
                self.log.sweep.run(time.monotonic() - swept_at)
                swept_at = time.monotonic()
            except StreamsError:
                continue

    def wait_live(self, timeout: float) -> None:
        """Until each reader has what was written after this call began."""
        written = {subject: self.log.emit(subject).seq for subject in self.subjects}
        wait_until(lambda: all(one.seqs and one.seqs[-1] >= written[one.subject] for one in self.readers), timeout)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(20)

    def check(self) -> None:
        """After the last write."""
        for reader in self.readers:
            logged = self.log.logged(reader.subject)
            wait_until(lambda reader=reader, logged=logged: len(reader.seqs) >= len(logged), 20)
            assert reader.seqs == logged == list(range(1, len(logged) + 1))
            assert reader.resyncs == 0

    def close(self) -> None:
        self.stop()
        for reader in self.readers:
            reader.stop()
        self.hub.stop()


@pytest.fixture
def load(log: Log, group: SentinelPair) -> Iterator[Load]:
    load = Load(log, group.url)
    yield load
    load.close()


def require_whole(load: Load, log: Log) -> None:
    """Redis, too, has what PostgreSQL numbered."""
    load.stop()
    load.check()
    log.sweep.run(60)
    for subject in load.subjects:
        assert log.streams.positions([subject])[0] == log.end(subject)


def lose(load: Load, group: SentinelPair) -> EmbeddedValkey:
    """Its primary under load; returns it when the readers live again."""
    load.wait_live(10)
    before = group.primary
    before.kill()
    group.wait_failed_over(before)
    load.wait_live(LIVE_AGAIN_SECONDS)
    return before


def test_a_killed_primary_costs_no_event_and_is_not_gone_back_to(load: Load, log: Log, group: SentinelPair):
    before = lose(load, group)
    group.bring_back(before)
    assert group.commands_until_demoted(before) == set()
    load.wait_live(LIVE_AGAIN_SECONDS)
    require_whole(load, log)


def test_a_frozen_primary_costs_no_event_though_its_connections_stay_open(load: Load, log: Log, group: SentinelPair):
    load.wait_live(10)
    before = group.primary
    with frozen(before):
        group.wait_failed_over(before)
        load.wait_live(LIVE_AGAIN_SECONDS)
    group.forget_commands(before)  # those that lay in its sockets when it froze
    assert group.commands_until_demoted(before) == set()
    require_whole(load, log)


def test_a_sentinel_that_comes_back_with_old_news_is_not_believed(load: Load, log: Log, group: SentinelPair):
    finder = PrimaryFinder(SentinelGroup.of_url(group.url))
    finder.find()
    before = lose(load, group)
    leader = next(server for server in group.servers if server is not before)
    assert finder.find()[0].port == leader.port
    old = group.sentinels[0]
    old.process.kill()
    # With the primary of before down it hears of nobody, and takes it for alive for this long.
    old.start(before, down_after_ms=60_000)
    assert old.names() == before.port
    assert [finder.find()[0].port for _ in range(5)] == [leader.port] * 5
    load.wait_live(LIVE_AGAIN_SECONDS)
    group.bring_back(before)
    wait_until(lambda: old.names() == leader.port, 60)
    require_whole(load, log)


def test_sentinels_that_were_all_set_up_anew_are_believed_once_most_of_them_answer(group: SentinelPair):
    group.wait_whole()
    before = group.primary
    group.sentinels[0].admin.sentinel_failover(NAME)  # by hand, nobody was lost
    group.wait_failed_over(before)
    finder = PrimaryFinder(SentinelGroup.of_url(group.url))
    leader = next(server for server in group.servers if server is not before)
    assert finder.find()[0].port == leader.port
    for sentinel in group.sentinels:
        sentinel.process.kill()
    group.sentinels[0].start(leader)
    with pytest.raises(redis.ConnectionError, match="behind"):
        finder.find()
    group.sentinels[1].start(leader)
    assert finder.find()[0].port == leader.port
    group.sentinels[2].start(leader)
