"""`/api/asyncapi.json`: the live streams for machines, made of the code's own tables and schemas."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, current_app, request

from core.names import Event
from services.collection.session_cache import STATE_FIELDS
from webapp.api.interviews.document import describe_stream
from webapp.api.journey.live.document import describe_sockets
from webapp.api.rendered import answer_rendered
from webapp.api.threads.live.document import describe_socket
from webapp.auth import TOKEN_PROTOCOL, mark_access, session_cookie_name
from webapp.current import parts
from webapp.relay.closing import CLOSINGS, CloseCode
from webapp.relay.messages import ErrorCode

Json = dict[str, Any]
blueprint = Blueprint("asyncapi", __name__)
# The only things that depend on who asks: filled in afterwards, so that a made-up Host makes nobody render again.
_HOST, _PROTOCOL = "@host@", "@protocol@"
_CHANNEL = "#/channels/session"
_MESSAGES = {
    "event": "A numbered event: each once, in order, without a hole.",
    "connection_established": "First of all: where the stream stands. It carries no `seq`.",
    "session_status": "Second, and whenever it is asked for: the state as it is now.",
    "resync": "What came after your position is gone: take this state, and go on from (`epoch`, `last_seq`).",
    "pong": "Answers `ping` with its `timestamp`, whatever that was.",
    "error": "Answers what could not be understood or done; the socket stays.",
    "ping": "Asks whether we are there.",
    "status_request": "Asks for `session_status`.",
}
_REPLIES = {"ping": "pong", "status_request": "session_status"}


@blueprint.get("/api/asyncapi.json")
def show_document() -> Response:
    """The live streams, as AsyncAPI 3."""
    response = answer_rendered("asyncapi", _render, "application/json", {_HOST: request.host, _PROTOCOL: _protocol()})
    response.headers.add("Vary", "Host")
    return response


def _render() -> str:
    here = parts()
    bounds = asdict(here.relay.limits) | {"sockets_per_session": here.stores.settings.collection.sockets_per_session}
    schemas = current_app.extensions["welno_document"]()["components"]["schemas"]
    document = build_document(schemas, bounds, {"host": _HOST, "protocol": _PROTOCOL})
    document = with_interviews(with_threads(document), schemas)
    return json.dumps(with_journey(document, schemas) if here.stores.settings.journey.is_on else document)


def _protocol() -> str:
    return "wss" if request.is_secure else "ws"


mark_access(show_document, "public")


def build_document(schemas: Mapping[str, Json], bounds: Mapping[str, float], server: Mapping[str, str]) -> Json:
    """`schemas` are those of the OpenAPI document, which describes the same bodies."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "welno live events",
            "version": "v1",
            "description": "The events of a session. The same events come as server-sent events and by polling;"
            " see /api/openapi.json.",
        },
        "defaultContentType": "application/json",
        "servers": {"here": {**server, "security": [_ref(f"securitySchemes/{name}") for name in _security()]}},
        "channels": {"session": _channel(bounds)},
        "operations": _operations(),
        "components": {
            "schemas": _frames(schemas),
            "messages": {name: _message(name, text) for name, text in _MESSAGES.items()},
            "securitySchemes": _security(),
        },
    }


def with_journey(document: Json, schemas: Mapping[str, Json]) -> Json:
    """The same with the journey's sockets beside."""
    return _joined(document, describe_sockets(schemas))


def with_threads(document: Json) -> Json:
    """The same with the threads' socket beside."""
    return _joined(document, describe_socket())


def with_interviews(document: Json, schemas: Mapping[str, Json]) -> Json:
    """The same with the stream of a project beside."""
    return _joined(document, describe_stream(schemas))


def _joined(document: Json, described: Json) -> Json:
    components = document["components"]
    return document | {
        "channels": document["channels"] | described["channels"],
        "operations": document["operations"] | described["operations"],
        "components": components | {name: components[name] | described[name] for name in ("schemas", "messages")},
    }


def _ref(path: str) -> Json:
    return {"$ref": f"#/components/{path}"}


def _channel(bounds: Mapping[str, float]) -> Json:
    position = {"type": "string", "pattern": "^([0-9a-f]{0,32}:)?[0-9]{1,15}$", "description": "`12` or `epoch:12`."}
    return {
        "address": "/api/v1/tilko/ws/{session_id}",
        "parameters": {"session_id": {"description": "As told by `start`."}},
        "messages": {name: _ref(f"messages/{name}") for name in _MESSAGES},
        "bindings": {
            "ws": {"method": "GET", "query": {"type": "object", "properties": {"after_seq": position}}},
        },
        "x-close-codes": [_closing(code) for code in CloseCode],
        "x-bounds": dict(bounds),
    }


def _closing(code: CloseCode) -> Json:
    closing = CLOSINGS[code]
    return {"code": int(code), "reason": closing.reason, "meaning": closing.meaning, "client": str(closing.then)}


def _operations() -> Json:
    sent = [name for name in _MESSAGES if name not in _REPLIES and name not in {*_REPLIES.values(), "error"}]
    answers = {
        f"answer_{asked}": {
            "action": "receive",
            "channel": {"$ref": _CHANNEL},
            "messages": _messages([asked]),
            "reply": {"channel": {"$ref": _CHANNEL}, "messages": _messages([answer, "error"])},
        }
        for asked, answer in _REPLIES.items()
    }
    send = {"action": "send", "channel": {"$ref": _CHANNEL}, "messages": _messages([*sent, "session_status"])}
    return {"send_events": send, **answers}


def _messages(names: Iterable[str]) -> list[Json]:
    return [{"$ref": f"{_CHANNEL}/messages/{name}"} for name in names]


def _message(name: str, summary: str) -> Json:
    return {"name": name, "summary": summary, "payload": _ref(f"schemas/{name}")}


def _security() -> Json:
    return {
        "session_cookie": {"type": "httpApiKey", "in": "cookie", "name": session_cookie_name()},
        "session_token": {"type": "http", "scheme": "bearer"},
        "sub_protocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": f"`welno.v1, {TOKEN_PROTOCOL}(the session's token)`: a browser sets no other header.",
        },
    }


def _frames(schemas: Mapping[str, Json]) -> dict[str, Json]:
    text, number, moment = {"type": "string"}, {"type": "integer", "minimum": 0}, {"format": "date-time"}
    at = {"session_id": text, "last_seq": number, "epoch": text, "timestamp": text | moment}
    state = _object({field.name: field.schema for field in STATE_FIELDS})
    return {
        "event": _event(schemas["EventItem"]),
        "connection_established": _typed("connection_established", at),
        "session_status": _typed("session_status", at | {"data": _ref("schemas/state")}),
        "resync": _typed("resync", at | {"data": _ref("schemas/state")}),
        "state": state,
        "pong": _typed("pong", {"timestamp": {}}),
        "error": _typed("error", {"code": text | {"enum": [str(code) for code in ErrorCode]}, "message": text}),
        # A client may say more than we read.
        "ping": {"type": "object", "required": ["type"], "properties": {"type": {"const": "ping"}, "timestamp": {}}},
        "status_request": {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"const": "status_request"}},
        },
    }


def _event(item: Json) -> Json:
    properties = dict(item["properties"])
    properties["seq"] = {"type": "integer", "minimum": 1}
    properties["type"] = {"type": "string", "enum": [str(event) for event in Event]}
    return item | {"properties": properties, "additionalProperties": False}


def _typed(name: str, fields: Json) -> Json:
    return _object({"type": {"const": name}, **fields})


def _object(fields: Json) -> Json:
    return {"type": "object", "required": list(fields), "properties": fields, "additionalProperties": False}
