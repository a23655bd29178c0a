"""The threads' socket for machines: what the AsyncAPI document tells of it."""

from collections.abc import Mapping
from typing import Any

from webapp.relay.closing import CLOSINGS, CloseCode

Json = dict[str, Any]
_ADDRESS, _CHANNEL = "/ws/threads", "threads"
_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer", "minimum": 0}
_KID: Json = {"type": ["string", "null"]}
_PLACE: Json = {"type": "string", "description": "`epoch:12`; without it from the end on."}
_ONE: Json = {"threadId": _TEXT, "after": _PLACE}
_SEVERAL: Json = {"threads": {"type": "array", "maxItems": 100, "items": {"type": "object", "properties": _ONE}}}
_ITEM: Json = {"seq": {"type": "integer", "minimum": 1}, "epoch": _TEXT, "threadId": _TEXT, "receivedAt": _TEXT}
# By name: what it says, its fields, and how many of them, from the front, are always there.
_SENT: Mapping[str, tuple[str, Json, int]] = {
    "connection_established": ("First of all.", {"memberId": _TEXT}, 1),
    "subscribed": (
        "What came after the place follows, then what comes.",
        {"threadId": _TEXT, "epoch": _TEXT, "lastSeq": _NUMBER, "ackedSeq": _NUMBER, "kid": _KID},
        5,
    ),
    "unsubscribed": (
        "No more of this thread. `unavailable`: a store was down, or nobody could say who may read; come back.",
        {"threadId": _TEXT, "reason": {"enum": ["asked", "removed", "closed", "unavailable"]}},
        2,
    ),
    "acked": ("Up to which the member has read.", {"threadId": _TEXT, "ackedSeq": _NUMBER}, 2),
    "message": (
        "An envelope, as it was signed.",
        _ITEM | {"from": _TEXT, "envelope": {"type": "object"}},
        6,
    ),
    "system": (
        "What the server tells in the order of the messages.",
        _ITEM | {"by": _TEXT, "event": _TEXT, "data": {"type": "object"}},
        7,
    ),
    "resync": (
        "The place is gone (`trimmed`, `epoch`): what is still held follows from `firstSeq` on.",
        {
            "threadId": _TEXT,
            "epoch": _TEXT,
            "firstSeq": _NUMBER,
            "lastSeq": _NUMBER,
            "reason": {"enum": ["trimmed", "epoch"]},
        },
        5,
    ),
    "pong": ("Answers `ping` with its `timestamp`, whatever that was.", {"timestamp": {}}, 0),
    "error": (
        "Answers what could not be understood or done; the socket stays. `message`: of the former alone.",
        {"code": _TEXT, "threadId": _TEXT, "message": _TEXT},
        1,
    ),
}
_TAKEN: Mapping[str, tuple[str, Json, int]] = {
    "subscribe": ("Follow a thread, or up to 100 at once.", _ONE | _SEVERAL, 0),
    "unsubscribe": ("Leave one.", {"threadId": _TEXT}, 1),
    "ack": ("As over HTTP.", {"threadId": _TEXT, "seq": _NUMBER}, 2),
    "ping": ("Answered with `pong`.", {"timestamp": {}}, 0),
}


def describe_socket() -> Json:
    """Channels, operations, messages and schemas, to be joined with those of others."""
    known = {**_SENT, **_TAKEN}
    return {
        "channels": {_CHANNEL: _channel(known)},
        "operations": {
            "send_threads": _operation("send", _SENT),
            "take_threads": _operation("receive", _TAKEN),
        },
        "messages": {
            _id(name): {"name": name, "summary": said, "payload": {"$ref": f"#/components/schemas/{_id(name)}"}}
            for name, (said, _, _) in known.items()
        },
        "schemas": {_id(name): _frame(name, fields, count) for name, (_, fields, count) in known.items()},
    }


def _channel(known: Mapping[str, object]) -> Json:
    return {
        "address": _ADDRESS,
        "messages": {name: {"$ref": f"#/components/messages/{_id(name)}"} for name in known},
        "bindings": {"ws": {"method": "GET"}},
        "x-close-codes": [
            {"code": int(code), "reason": CLOSINGS[code].reason, "meaning": CLOSINGS[code].meaning}
            for code in CloseCode
        ],
    }


def _operation(action: str, names: Mapping[str, object]) -> Json:
    channel = f"#/channels/{_CHANNEL}"
    messages = [{"$ref": f"{channel}/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": channel}, "messages": messages}


def _frame(name: str, fields: Json, always: int) -> Json:
    required = ["type", *list(fields)[:always]]
    return {"type": "object", "required": required, "properties": {"type": {"const": name}, **fields}}


def _id(name: str) -> str:
    return f"thread_{name}"
