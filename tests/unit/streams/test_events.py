"""The wire form of an event."""

import pytest

from streams import EventBatch, InvalidEventError, Position, StoredEvent, encode_body


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
    assert "invented" not in repr(EventBatch("s", "e", 1, [b'{"name":"invented"}']))
    assert "a" not in repr(stored(1)).replace("StoredEvent", "")


def test_a_batch_numbers_its_events_from_the_first_on():
    batch = EventBatch("s", "e", 7, [b"{}", b"{}"])
    assert (batch.last, [event.seq for event in batch.to_events()]) == (8, [7, 8])


@pytest.mark.parametrize("body", [{"seq": 1}, {"epoch": "x"}, {"what": object()}])
def test_a_body_that_cannot_be_stored_is_refused(body):
    with pytest.raises(InvalidEventError) as caught:
        encode_body(body)
    assert not caught.value.retryable
