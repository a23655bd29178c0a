"""What one process knows of one stream: what goes on, what is missing, and who asks what."""

from collections.abc import Sequence

import pytest

from streams import Page, Position, StoredEvent
from webapp.relay.channel import Channel, LiveReader, Outgoing, Resync

EPOCH = "a" * 32


class Reader:
    def __init__(self, position: Position) -> None:
        self.position = position
        self.got: list[int | str] = []

    def push(self, item: Outgoing | Resync, _size: int, _woken: list[LiveReader]) -> None:
        self.got.append(item.event.seq if isinstance(item, Outgoing) else "resync")

    def restart(self, page: Page, woken: list[LiveReader]) -> None:
        self.push(Resync(page.position), 0, woken)

    def wake(self) -> None:
        pass


class Source:
    """Counts how often it is asked."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        self.asked: list[int] = []

    def close_code_for(self, event: StoredEvent) -> int | None:
        self.asked.append(event.seq)
        return self.code

    def received_at(self, event: StoredEvent) -> float | None:
        self.asked.append(event.seq)
        return None if self.code is None else float(self.code)


def event(seq: int, epoch: str = EPOCH) -> Outgoing:
    return Outgoing(StoredEvent.from_body(seq, epoch, b'{"type":"x"}'))


def channel_at(position: Position) -> tuple[Channel, Reader]:
    channel = Channel("one", b"one")
    reader = Reader(position)
    assert channel.join(reader, Page(position, []), channel.version, [])
    return channel, reader


@pytest.mark.parametrize(
    ("at", "came", "goes_on", "got"),
    [
        (Position(EPOCH, 4), [event(5)], [True], [5]),
        (Position(EPOCH, 4), [event(4), event(5), event(5)], [True, True, True], [5]),
        (Position(EPOCH, 4), [event(6)], [False], []),
        (Position(EPOCH, 4), [event(5, "b" * 32)], [False], []),
        (Position(EPOCH, 4), [event(1, "b" * 32)], [False], []),
        (Position("", 0), [event(1), event(2)], [True, True], [1, 2]),
        (Position("", 0), [event(2)], [False], []),
    ],
)
def test_only_what_follows_on_is_delivered(
    at: Position, came: Sequence[Outgoing], goes_on: list[bool], got: list[int]
) -> None:
    channel, reader = channel_at(at)
    assert [channel.deliver(one, []) for one in came] == goes_on
    assert reader.got == got
    assert channel.position == (Position(EPOCH, got[-1]) if got else at)


def test_before_the_first_reader_nothing_is_missing() -> None:
    channel = Channel("one", b"one")
    assert channel.deliver(event(9), [])
    assert channel.position is None


def test_after_a_restart_the_new_position_counts() -> None:
    channel, reader = channel_at(Position(EPOCH, 4))
    channel.restart(Page(Position("b" * 32, 7), [], gone=True), [])
    assert channel.deliver(event(8, "b" * 32), [])
    assert (reader.got, channel.position) == (["resync", 8], Position("b" * 32, 8))


def test_readers_of_one_class_of_sources_ask_once() -> None:
    outgoing, ends, goes_on = event(3), Source(4408), Source(None)
    assert [outgoing.close_code_for(ends) for _ in range(3)] == [4408] * 3
    assert outgoing.close_code_for(goes_on) is None
    assert (ends.asked, goes_on.asked) == ([3], [3])


def test_when_it_was_received_is_asked_once_for_all_readers() -> None:
    for moment in (4, None):
        outgoing, source = event(3), Source(moment)
        assert [outgoing.received_at(source) for _ in range(3)] == [moment] * 3
        assert source.asked == [3]
