"""A reader comes to the end of what is committed over the stream, or from the log where there is no stream any more."""

from types import SimpleNamespace
from typing import Any

from dev.bench.chaos.stream_ends import find_behind
from streams import NOWHERE, Page, Position, StoredEvent

EPOCH = "00000001"
END = Position(EPOCH, 3)


def stores_with(at: Position, logged: int = 0) -> Any:
    """Whose one stream stands at `at`, and whose log has so many events."""

    def read_after(_subject: str, seq: int) -> Page:
        events = [StoredEvent.from_body(number, EPOCH, b"{}") for number in range(seq + 1, logged + 1)]
        return Page(Position(EPOCH, logged), events)

    return SimpleNamespace(
        streams=SimpleNamespace(positions=lambda _ends: [at]), events=SimpleNamespace(read_after=read_after)
    )


def test_a_stream_at_the_end_is_not_behind():
    assert find_behind(stores_with(END), {"s": 3}) == []


def test_a_stream_that_ends_before_or_beyond_is():
    assert find_behind(stores_with(END), {"s": 4}) == ["s"]
    assert find_behind(stores_with(END), {"s": 2}) == ["s"]


def test_without_a_stream_the_log_is_read():
    assert find_behind(stores_with(NOWHERE, logged=3), {"s": 3}) == []
    assert find_behind(stores_with(NOWHERE), {"s": 0}) == []


def test_a_log_that_ends_elsewhere_is_behind():
    assert find_behind(stores_with(NOWHERE, logged=2), {"s": 3}) == ["s"]
    assert find_behind(stores_with(NOWHERE, logged=4), {"s": 3}) == ["s"]
