"""The items of a thread: what is numbered, kept and sent, without `seq` and `epoch`, which the event log puts first.

A message's body is kept without its payload, and the payload beside it as bytes: once that is gone, the number stays.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from core.base64url import encode_bytes
from core.moments import write_moment
from services.threads.envelopes import Envelope

# No other field of an item can hold quotes, so this stands in it once.
_NO_PAYLOAD = b'"payload":""'


class ItemType(StrEnum):
    MESSAGE = "message"
    SYSTEM = "system"


class SystemEvent(StrEnum):
    """What the server tells in the order of the messages."""

    KEY = "key"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    ROLE_CHANGED = "role_changed"
    DEVICE_ADDED = "device_added"
    DEVICE_REVOKED = "device_revoked"
    CLOSED = "closed"


def message_body(envelope: Envelope, sender: str, at: datetime) -> bytes:
    """Without the payload; `with_payload` puts it in."""
    head = {"type": ItemType.MESSAGE, "threadId": envelope.thread_id, "receivedAt": write_moment(at), "from": sender}
    return orjson.dumps(head | {"envelope": envelope.fields})


def system_body(thread_id: str, event: SystemEvent, by: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """`data` holds ids and roles only."""
    head = {"type": ItemType.SYSTEM, "threadId": thread_id, "receivedAt": write_moment(at), "by": by}
    return orjson.dumps(head | {"event": event, "data": data})


def with_payload(body: bytes, payload: bytes | None) -> bytes:
    """The item as it is sent, byte for byte the same each time."""
    if payload is None:
        return body
    return body.replace(_NO_PAYLOAD, b'"payload":"%b"' % encode_bytes(payload).encode(), 1)
