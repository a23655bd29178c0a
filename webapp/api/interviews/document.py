"""A project's stream for machines: what the AsyncAPI document tells of it."""

from collections.abc import Mapping
from typing import Any

from core.names import InterviewEvent
from services.interviews.events import ProjectPart
from webapp.relay.closing import CLOSINGS, CloseCode

Json = dict[str, Any]
_ADDRESS, _CHANNEL = "/api/sse/projects/{project_id}", "project"
_INTERVIEW = "ListedInterviewOutput"
_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer", "minimum": 0}
_OBJECT: Json = {"type": "object"}
_MAYBE_OBJECT: Json = {"type": ["object", "null"]}
_PLACE: Json = {"type": "string", "description": "`epoch:12`, else what comes from now on; `Last-Event-ID` wins."}
_CHANGED: Json = {"interviewId": _TEXT, "revision": _NUMBER}
# By type: what it says, and its `data`.
_EVENTS: Mapping[InterviewEvent, tuple[str, Json]] = {
    InterviewEvent.ADDED: (
        "A new interview, or one that was restored.",
        {"interview": {"$ref": f"#/components/schemas/{_INTERVIEW}"}},
    ),
    InterviewEvent.STATUS_CHANGED: (
        "It is analysed, or once more.",
        _CHANGED | {"status": _TEXT, "previous": _TEXT, "attempt": _NUMBER},
    ),
    InterviewEvent.COMPLETED: (
        "Its analysis; the whole is fetched.",
        _CHANGED | {"attempt": _NUMBER, "result": _OBJECT},
    ),
    InterviewEvent.FAILED: ("Its analysis has failed.", _CHANGED | {"attempt": _NUMBER, "error": _OBJECT}),
    InterviewEvent.DELETED: ("Softly, or erased.", _CHANGED),
    InterviewEvent.HIGHLIGHTED: (
        "A highlight was made or changed; null where it was removed.",
        _CHANGED | {"highlightId": _TEXT, "highlight": _MAYBE_OBJECT},
    ),
    InterviewEvent.CHANGED: ("What members add to it: the names of its speakers; fetched.", _CHANGED),
    InterviewEvent.INSIGHT_CHANGED: (
        "Themes or a persona: under way, completed or failed.",
        {"insightId": _TEXT, "kind": _TEXT, "status": _TEXT, "error": _MAYBE_OBJECT, "revision": _NUMBER},
    ),
    InterviewEvent.PROJECT_CHANGED: (
        "Its members, its costs, or who read an original; fetched by who may.",
        {"part": {"enum": [part.value for part in ProjectPart]}},
    ),
}
# Of the stream itself, without a number.
_OTHERS: Mapping[str, tuple[str, Json]] = {
    "ping": ("After 30 seconds without a frame.", {}),
    "resync": (
        "The place is gone: load the list, and go on from (`epoch`, `last_seq`).",
        {"data": _OBJECT, "last_seq": _NUMBER, "epoch": _TEXT, "timestamp": _TEXT},
    ),
    "closed": ("The last frame.", {"code": _NUMBER, "reason": _TEXT}),
}


def describe_stream(schemas: Mapping[str, Json]) -> Json:
    """Channel, operation, messages and schemas, to be joined with those of others. `schemas` are those of the OpenAPI
    document."""
    frames = {
        **{str(event): (said, _numbered(data)) for event, (said, data) in _EVENTS.items()},
        **_OTHERS,
    }
    channel = f"#/channels/{_CHANNEL}"
    return {
        "channels": {_CHANNEL: _channel(frames)},
        "operations": {
            "send_project": {
                "action": "send",
                "channel": {"$ref": channel},
                "messages": [{"$ref": f"{channel}/messages/{_key(name)}"} for name in frames],
                "bindings": {
                    "http": {"method": "GET", "query": {"type": "object", "properties": {"after_seq": _PLACE}}}
                },
            }
        },
        "messages": {
            message_id(name): {
                "name": name,
                "summary": said,
                "contentType": "text/event-stream",
                "payload": {"$ref": f"#/components/schemas/{message_id(name)}"},
            }
            for name, (said, _) in frames.items()
        },
        "schemas": {
            **{message_id(name): _object({"type": {"const": name}, **fields}) for name, (_, fields) in frames.items()},
            _INTERVIEW: schemas[_INTERVIEW],
        },
    }


def message_id(name: str) -> str:
    """Of the message of this type, and of its schema."""
    return f"{_CHANNEL}_{_key(name)}"


def _channel(frames: Mapping[str, object]) -> Json:
    return {
        "address": _ADDRESS,
        "title": "Server-sent events, unnamed",
        "parameters": {"project_id": {"description": "Of a project whose member the caller is."}},
        "messages": {_key(name): {"$ref": f"#/components/messages/{message_id(name)}"} for name in frames},
        "x-close-codes": [
            {"code": int(code), "reason": CLOSINGS[code].reason, "meaning": CLOSINGS[code].meaning}
            for code in CloseCode
        ],
    }


def _numbered(data: Json) -> Json:
    return {"seq": {"type": "integer", "minimum": 1}, "epoch": _TEXT, "data": _object(data), "timestamp": _TEXT}


def _object(fields: Json) -> Json:
    return {"type": "object", "required": list(fields), "properties": fields, "additionalProperties": False}


def _key(name: str) -> str:
    """Keys of components hold no colons."""
    return name.replace(":", "_")
