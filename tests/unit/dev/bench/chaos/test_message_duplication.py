"""A message that MONITOR prints is read back as it was sent."""

import pytest

from dev.bench.chaos.message_duplication import unescape


@pytest.mark.parametrize(
    ("printed", "sent"),
    [(rb"{\"a\": \"b\\c\"} \x00\r\n", b'{"a": "b\\c"} \x00\r\n'), (rb"\t\a\b", b"\t\a\b"), (b"plain", b"plain")],
)
def test_a_printed_message_is_read_back(printed: bytes, sent: bytes):
    assert unescape(printed) == sent
