"""The JSON that the relay itself sends to one reader, beside the numbered events; none of it carries `seq`."""

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
    TOO_LONG = "TOO_LONG"
    TOO_MANY_COMMANDS = "TOO_MANY_COMMANDS"
    COMMAND_FAILED = "COMMAND_FAILED"


_ERROR_TEXTS = {
    ErrorCode.BAD_JSON: "메시지를 읽을 수 없어요.",
    ErrorCode.NOT_AN_OBJECT: "메시지의 형식이 올바르지 않아요.",
    ErrorCode.UNKNOWN_TYPE: "알 수 없는 요청이에요.",
    ErrorCode.NOT_TEXT: "글자로 된 메시지만 받을 수 있어요.",
    ErrorCode.TOO_LONG: "메시지가 너무 길어요.",
    ErrorCode.TOO_MANY_COMMANDS: "요청이 너무 많아요. 답을 받은 뒤에 다시 보내 주세요.",
    ErrorCode.COMMAND_FAILED: "요청을 처리하지 못했어요. 잠시 후 다시 시도해 주세요.",
}


def at_position(message_type: str, fields: Mapping[str, Any], at: Position, **more: Any) -> bytes:
    """For the frames of a source: `last_seq` and `epoch` say where the stream stands, or where to stand from now on."""
    body = {"type": message_type, **fields, "last_seq": at.seq, "epoch": at.epoch, **more}
    return orjson.dumps(body | {"timestamp": clock.now().isoformat()})


def pong(timestamp: Any) -> bytes:
    return orjson.dumps({"type": "pong", "timestamp": timestamp})


def error(code: ErrorCode, **about: str) -> bytes:
    return orjson.dumps({"type": "error", "code": code, "message": _ERROR_TEXTS[code], **about})


def closed(code: int, reason: str) -> bytes:
    """What the close code is to a WebSocket, for SSE."""
    return orjson.dumps({"type": "closed", "code": code, "reason": reason})


def subscription_ended(subject: str, code: int, reason: str) -> bytes:
    """What the close code is to a socket that follows this subject alone."""
    return orjson.dumps({"type": "subscription_ended", "subject": subject, "code": code, "reason": reason})


def going_away_reason(retry_after_ms: int) -> str:
    return orjson.dumps({"retry_after_ms": retry_after_ms}).decode()
