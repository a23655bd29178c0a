"""The small pure parts: what clients are answered, positions in a stream, close codes."""

import json

import pytest

from core.settings import RelaySettings
from streams import Position
from webapp.relay.client_protocol import ClientMistakeError, FixedWindow, InboundLimiter, name_of, parse_message
from webapp.relay.closing import CLOSINGS, CloseCode, reason_of
from webapp.relay.frames import Opcode
from webapp.relay.messages import ErrorCode, at_position, error, pong
from webapp.relay.sse import parse_position


@pytest.mark.parametrize("timestamp", [1732147200123, "2026-11-21T00:00:00Z", None, {"a": [1]}, 1.5])
def test_a_pong_carries_the_timestamp_unchanged(timestamp):
    message = parse_message(json.dumps({"type": "ping", "timestamp": timestamp}).encode())
    assert json.loads(pong(message["timestamp"])) == {"type": "pong", "timestamp": timestamp}


def test_mistakes_are_told_in_korean_with_a_stable_code():
    with pytest.raises(ClientMistakeError) as caught:
        parse_message(b"{")
    answer = json.loads(error(caught.value.code))
    assert answer == {"type": "error", "code": "BAD_JSON", "message": "메시지를 읽을 수 없어요."}


@pytest.mark.parametrize("code", ErrorCode)
def test_every_mistake_has_a_text(code):
    assert json.loads(error(code))["message"]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"type": "a", "command": "b"}, "a"),
        ({"command": "b"}, "b"),
        ({"type": ["a"], "command": "b"}, ""),
        ({}, ""),
    ],
)
def test_a_message_is_named_by_its_type_or_else_its_command(message, name):
    assert name_of(message) == name


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("0", Position("", 0)),
        (" 12 ", Position("", 12)),
        ("0123456789abcdef:7", Position("0123456789abcdef", 7)),
        (":0", Position("", 0)),
    ],
)
def test_a_position_is_a_number_or_epoch_and_number(text, position):
    assert parse_position(text) == position


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "a:b:1", "a:", "1" * 16, "１", "g:1", " " * 8_000 + "1"])
def test_anything_else_is_no_position(text):
    with pytest.raises(ValueError, match="not a position"):
        parse_position(text)


def test_what_goes_to_one_reader_only_carries_no_seq():
    frame = json.loads(at_position("resync", {"session_id": "s"}, Position("e", 4), data={"a": 1}))
    assert (frame["type"], frame["session_id"], frame["data"]) == ("resync", "s", {"a": 1})
    assert (frame["last_seq"], frame["epoch"], "seq" in frame) == (4, "e", False)


def test_an_allowance_is_whole_again_after_a_minute():
    allowance = FixedWindow(2, now=100.0)
    assert [allowance.take(now) for now in (100, 120, 159, 160, 161, 162)] == [True, True, False, True, True, False]


def test_messages_and_control_frames_are_counted_apart():
    limiter = InboundLimiter(RelaySettings(messages_per_minute=2, controls_per_minute=1), 1.0)
    reasons = [
        limiter.reject_reason(opcode, 1.0) for opcode in (Opcode.TEXT, None, Opcode.PING, Opcode.PONG, Opcode.BINARY)
    ]
    assert reasons == [None, None, None, "too many control frames", "too many messages"]


def test_every_close_code_stands_in_the_table():
    assert list(CLOSINGS) == list(CloseCode)


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_has_a_reason(code):
    assert (reason_of(code) == "") == (code == CloseCode.NORMAL)
    assert len(reason_of(code).encode()) <= 123
