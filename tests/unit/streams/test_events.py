"""The wire form of an event, and when a place in a stream counts as gone."""

import pytest

from streams import NewEvent, Position, StoredEvent
from streams.store import is_gone


def stored(seq: int, epoch: str = "e") -> StoredEvent:
    return StoredEvent.from_body(seq, epoch, b'{"a":1}')


def test_seq_and_epoch_stand_first():
    assert stored(7).to_json() == b'{"seq":7,"epoch":"e","a":1}'


@pytest.mark.parametrize("body", [b"{}", b'{"a":"1,\\"epoch\\":\\"x\\""}', b'{"nested":{"seq":9}}'])
def test_an_event_survives_the_wire(body):
    event = StoredEvent.from_body(12345, "0123456789abcdef", body)
    again = StoredEvent.from_json(event.to_json())
    assert again == event
    assert again.position == Position("0123456789abcdef", 12345)


def test_equal_events_are_one_in_a_set():
    assert len({stored(1), stored(1), stored(2)}) == 2


def test_no_event_shows_its_body():
    assert "invented" not in repr(NewEvent("e", {"name": "invented"}))
    assert "a" not in repr(stored(1)).replace("StoredEvent", "")


@pytest.mark.parametrize(
    ("end", "first", "seq", "epoch", "gone"),
    [
        (Position("", 0), None, 0, None, False),
        (Position("", 0), None, 0, "", False),
        (Position("", 0), None, 5, None, True),
        (Position("", 0), None, 0, "old", True),
        (Position("e", 5), 1, 0, None, False),
        (Position("e", 5), 3, 0, None, True),
        (Position("e", 5), 4, 3, "e", False),
        (Position("e", 5), 4, 3, "old", True),
        (Position("e", 5), None, 5, "e", False),
        (Position("e", 5), None, 4, "e", True),
        (Position("e", 5), None, 6, "e", True),
    ],
)
def test_a_place_is_gone_when_its_future_cannot_be_told(end, first, seq, epoch, gone):
    events = [stored(first)] if first else []
    assert is_gone(end, events, seq, epoch) is gone
