"""The small pure parts: what clients are answered, places in a stream, close codes."""

import json

import pytest

from streams import Position
from webapp.relay.client_protocol import FixedWindow, InboundLimiter, reply_to
from webapp.relay.closing import CLOSINGS, CloseCode, reason_of
from webapp.relay.frames import Opcode
from webapp.relay.limits import RelayLimits
from webapp.relay.messages import connection_established, resync, session_status
from webapp.relay.sse import parse_position


@pytest.mark.parametrize("timestamp", [1732147200123, "2026-11-21T00:00:00Z", None, {"a": [1]}, 1.5])
def test_a_pong_carries_the_timestamp_unchanged(timestamp):
    reply = reply_to(json.dumps({"type": "ping", "timestamp": timestamp}).encode())
    assert json.loads(reply.json) == {"type": "pong", "timestamp": timestamp}


def test_mistakes_are_told_in_korean_with_a_stable_code():
    answer = json.loads(reply_to(b"{").json)
    assert answer == {"type": "error", "code": "BAD_JSON", "message": "메시지를 읽을 수 없어요."}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("0", Position("", 0)),
        (" 12 ", Position("", 12)),
        ("0123456789abcdef:7", Position("0123456789abcdef", 7)),
        (":0", Position("", 0)),
    ],
)
def test_a_place_is_a_number_or_epoch_and_number(text, position):
    assert parse_position(text) == position


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "a:b:1", "a:", "1" * 16, "１", "g:1"])
def test_anything_else_is_no_place(text):
    with pytest.raises(ValueError, match="not a place"):
        parse_position(text)


def test_only_resync_carries_seq():
    hello, at = {"session_id": "s"}, Position("e", 4)
    greeting, status = json.loads(connection_established(hello, at)), json.loads(session_status(hello, {"a": 1}, at))
    assert "seq" not in greeting | status
    assert (status["data"], status["last_seq"]) == ({"a": 1}, 4)
    assert json.loads(resync(hello, {}, at))["last_seq"] == 4


def test_an_allowance_is_whole_again_after_a_minute():
    allowance = FixedWindow(2, now=100.0)
    assert [allowance.take(now) for now in (100, 120, 159, 160, 161, 162)] == [True, True, False, True, True, False]


def test_messages_and_control_frames_are_counted_apart():
    limiter = InboundLimiter(RelayLimits(messages_per_minute=2, controls_per_minute=1))
    reasons = [
        limiter.reject_reason(opcode, 1.0) for opcode in (Opcode.TEXT, None, Opcode.PING, Opcode.PONG, Opcode.BINARY)
    ]
    assert reasons == [None, None, None, "too many control frames", "too many messages"]


def test_each_ping_of_ours_has_one_pong_free():
    limiter = InboundLimiter(RelayLimits(controls_per_minute=1))
    limiter.await_pong()
    reasons = [limiter.reject_reason(Opcode.PONG, 1.0) for _ in range(3)]
    assert reasons == [None, None, "too many control frames"]


def test_every_close_code_stands_in_the_table():
    assert list(CLOSINGS) == list(CloseCode)


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_has_a_reason(code):
    assert (reason_of(code) == "") == (code == CloseCode.NORMAL)
    assert len(reason_of(code).encode()) <= 123
