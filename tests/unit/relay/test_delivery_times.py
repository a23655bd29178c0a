"""How long events take from their receipt to their readers: by whose word, and of which."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from core.clock import clock
from core.settings import RelaySettings
from streams import NOWHERE, StoredEvent
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.loop import ThreadLoop
from webapp.relay.pool import ReaderPool
from webapp.relay.sse import _count
from webapp.relay.stream_source import StreamSource

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


class Timed(StreamSource):
    """Everything was received two seconds ago."""

    told: ClassVar[list[tuple[str, float]]] = []
    ago = 2.0

    @classmethod
    def received_at(cls, event: StoredEvent) -> float | None:
        return NOW.timestamp() - cls.ago

    @classmethod
    def note_delivery(cls, transport: str, seconds: float) -> None:
        cls.told.append((transport, round(seconds, 1)))


class Ahead(Timed):
    """By a clock that is before ours."""

    ago = -5.0


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    Timed.told.clear()
    with clock.frozen(NOW):
        yield


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaderPool]:
    loop = ThreadLoop()
    monkeypatch.setattr(loop, "every", lambda *_: None)
    pool = ReaderPool(loop, RelaySettings(), 60)
    yield pool
    pool.stop()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of the host, which says when something was appended and written."""
    times = [1000.0]
    monkeypatch.setattr("webapp.relay.pool.time.time", lambda: times[0])
    return times


def event(seq: int = 1, appended_at: float | None = 1000.0) -> Outgoing:
    return Outgoing(StoredEvent.from_body(seq, "e", b"{}"), appended_at)


def test_a_socket_s_event_is_told_once_with_its_last_reader(pool: ReaderPool, now: list[float]):
    told = event()
    for _ in range(3):
        pool.count_events(told, 1, Timed)
        now[0] += 0.5
    pool._report()
    assert Timed.told == [("websocket", 3.0)]


def test_of_a_write_the_first_event_is_told(pool: ReaderPool, now: list[float]):
    for seq in (1, 2):
        pool.count_events(event(seq), 40, Timed)
    pool._report()
    pool._report()
    assert Timed.told == [("websocket", 2.0)] * 2


def test_each_reader_of_server_sent_events_is_told(now: list[float]):
    told = event()
    for _ in range(2):
        _count(told, Timed)
    assert Timed.told == [("sse", 2.0)] * 2


def test_less_than_nothing_is_nothing(pool: ReaderPool, now: list[float]):
    pool.count_events(event(), 1, Ahead)
    pool._report()
    _count(event(), Ahead)
    assert Timed.told == [("websocket", 0), ("sse", 0)]


def test_what_was_read_from_the_history_is_not_told(pool: ReaderPool, now: list[float]):
    for one in (event(appended_at=None), Resync(NOWHERE)):
        pool.count_events(one, 1, Timed)
    pool._report()
    _count(event(appended_at=None), Timed)
    assert Timed.told == []


def test_the_clock_of_the_host_does_not_matter(pool: ReaderPool, now: list[float]):
    now[0] = 5_000_000.0
    pool.count_events(event(appended_at=now[0]), 1, Timed)
    with clock.frozen(NOW + timedelta(seconds=1)):
        pool.count_events(event(2, appended_at=now[0]), 1, Timed)
    pool._report()
    assert Timed.told == [("websocket", 2.0), ("websocket", 3.0)]
