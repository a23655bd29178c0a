"""The JSON that goes to one reader only, beside the numbered events; none of it carries `seq`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson

from core.clock import clock
from streams import Position


class ErrorCode(StrEnum):
    BAD_JSON = "BAD_JSON"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    NOT_TEXT = "NOT_TEXT"


_ERROR_TEXTS = {
    ErrorCode.BAD_JSON: "메시지를 읽을 수 없어요.",
    ErrorCode.NOT_AN_OBJECT: "메시지의 형식이 올바르지 않아요.",
    ErrorCode.UNKNOWN_TYPE: "알 수 없는 요청이에요.",
    ErrorCode.NOT_TEXT: "글자로 된 메시지만 받을 수 있어요.",
}


def connection_established(hello: Mapping[str, Any], end: Position) -> bytes:
    """`last_seq` is where the stream stands, not where this reader stands."""
    return _dump("connection_established", hello, last_seq=end.seq, epoch=end.epoch)


def session_status(hello: Mapping[str, Any], snapshot: Mapping[str, Any], end: Position) -> bytes:
    return _dump("session_status", hello, last_seq=end.seq, epoch=end.epoch, data=snapshot)


def resync(hello: Mapping[str, Any], snapshot: Mapping[str, Any], position: Position) -> bytes:
    """The reader stands at (epoch, last_seq) from now on, with the state in `data`."""
    return _dump("resync", hello, last_seq=position.seq, epoch=position.epoch, data=snapshot)


def pong(timestamp: Any) -> bytes:
    return orjson.dumps({"type": "pong", "timestamp": timestamp})


def error(code: ErrorCode) -> bytes:
    return orjson.dumps({"type": "error", "code": code, "message": _ERROR_TEXTS[code]})


def closed(code: int, reason: str) -> bytes:
    """What the close code is to a WebSocket, for SSE and polls."""
    return orjson.dumps({"type": "closed", "code": code, "reason": reason})


def going_away_reason(retry_after_ms: int) -> str:
    return orjson.dumps({"retry_after_ms": retry_after_ms}).decode()


def _dump(message_type: str, hello: Mapping[str, Any], **fields: Any) -> bytes:
    return orjson.dumps({"type": message_type, **hello, **fields, "timestamp": clock.now().isoformat()})
