"""The parser of the provider's events: torn anywhere, with any line ends, within a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.miso.sse import EventParser, EventTooLarge

STREAM = (
    "event: ping\n\n"
    ": a comment\n"
    'data: {"event":"message","answer":"가🙂"}\n\n'
    "data: one\ndata:two\nid: 7\nretry: 5\n\n"
    "\n\n"
    "data: [DONE]\n\n"
    "data: never finished"
)
EXPECTED = [("ping", ""), ("", '{"event":"message","answer":"가🙂"}'), ("", "one\ntwo"), ("", "[DONE]")]


def parse(pieces, max_event_bytes=1000):
    parser = EventParser(max_event_bytes)
    return [(event.name, event.data.decode()) for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@given(data=st.data())
def test_it_reads_the_same_wherever_it_is_torn(line_end, data):
    stream = ("\ufeff" + STREAM).replace("\n", line_end).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parse(pieces) == EXPECTED


def test_byte_by_byte():
    stream = STREAM.encode()
    assert parse([stream[at : at + 1] for at in range(len(stream))]) == EXPECTED


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 2000, b"data: x\n" * 600])
def test_an_event_without_end_is_refused(stream):
    with pytest.raises(EventTooLarge):
        parse([stream[at : at + 100] for at in range(0, len(stream), 100)])
