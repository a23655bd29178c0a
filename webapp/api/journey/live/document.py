"""The journey's sockets for machines: what the AsyncAPI document tells of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.names import JourneyEvent
from webapp.api.journey.addresses import SOCKETS
from webapp.relay.closing import CLOSINGS, CloseCode

Json = dict[str, Any]
_PREFIX = "journey_"
_SNAPSHOT, _ACTION = "SnapshotOutput", "PerformInput"
_TEXT: Json = {"type": "string"}
_NUMBERED: Json = {"seq": {"type": "integer", "minimum": 1}, "epoch": _TEXT, "timestamp": _TEXT}
_OF_CALLS = (JourneyEvent.PATIENT_CALLED, JourneyEvent.CALL_WITHDRAWN)
# By socket: what it sends, and what may be sent to it.
_SENT: Mapping[str, tuple[str, ...]] = {
    "patient_journey": ("initial_state", "action_result", JourneyEvent.STATE_UPDATE, *_OF_CALLS),
    "queue": (JourneyEvent.QUEUE_UPDATE, *_OF_CALLS),
    "exam": ("board", JourneyEvent.EXAM_UPDATE),
    "hall": ("hall", JourneyEvent.HALL_UPDATE),
}
_TAKEN: Mapping[str, tuple[str, ...]] = {"patient_journey": ("perform_action", "fetch_initial_state")}
_MEANINGS: Mapping[str, str] = {
    "initial_state": "First of all, and whenever it is asked for: the snapshot, and where the stream stands with it.",
    "action_result": "Answers `perform_action`; its order among the events is not fixed, `seq` and `last_seq` decide.",
    "perform_action": "An action of the patient, as over HTTP.",
    "fetch_initial_state": "Asks for `initial_state`.",
    "board": "First of all: the line without names.",
    "hall": "First of all: what the screen shows.",
    JourneyEvent.STATE_UPDATE: "A step of the person, with the snapshot after it.",
    JourneyEvent.PATIENT_CALLED: "The person is called, or called again; it follows the step.",
    JourneyEvent.CALL_WITHDRAWN: "The call was a mistake.",
    JourneyEvent.QUEUE_UPDATE: "An entry has changed, or its place; as the greeting it has no `seq`.",
    JourneyEvent.EXAM_UPDATE: "The line has changed.",
    JourneyEvent.HALL_UPDATE: "What the screen shows has changed.",
}


def describe_sockets(schemas: Mapping[str, Json]) -> Json:
    """Channels, operations, messages and schemas, to be joined with those of others. `schemas` are those of the
    OpenAPI document."""
    names = sorted({name for by_socket in (_SENT, _TAKEN) for names in by_socket.values() for name in names})
    return {
        "channels": {_PREFIX + socket: _channel(socket) for socket in SOCKETS},
        "operations": dict(_operations()),
        "messages": {
            _message_id(name): {
                "name": name,
                "summary": _MEANINGS[name],
                "payload": {"$ref": f"#/components/schemas/{_message_id(name)}"},
            }
            for name in names
        },
        "schemas": {
            **{_message_id(name): _frame(name, schemas) for name in names},
            **{name: schemas[name] for name in _closure(schemas, (_SNAPSHOT, _ACTION))},
        },
    }


def _channel(socket: str) -> Json:
    address = SOCKETS[socket]
    names = (*_SENT[socket], *_TAKEN.get(socket, ()))
    parameters = [part.partition("}")[0] for part in address.split("{")[1:]]
    channel: Json = {
        "address": address,
        "messages": {_key(name): {"$ref": f"#/components/messages/{_message_id(name)}"} for name in names},
        "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": {"after_seq": _TEXT}}}},
        "x-close-codes": [
            {"code": int(code), "reason": CLOSINGS[code].reason, "meaning": CLOSINGS[code].meaning}
            for code in CloseCode
        ],
    }
    return channel | ({"parameters": {name: {} for name in parameters}} if parameters else {})


def _operations() -> Iterator[tuple[str, Json]]:
    for socket in SOCKETS:
        yield f"send_{_PREFIX}{socket}", _operation("send", socket, _SENT[socket])
        if socket in _TAKEN:
            yield f"take_{_PREFIX}{socket}", _operation("receive", socket, _TAKEN[socket])


def _operation(action: str, socket: str, names: tuple[str, ...]) -> Json:
    channel = f"#/channels/{_PREFIX}{socket}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_key(name)}"} for name in names],
    }


def _frame(name: str, schemas: Mapping[str, Json]) -> Json:
    snapshot = {"$ref": f"#/components/schemas/{_SNAPSHOT}"}
    if name == "perform_action":
        own = {"command": {"const": name}, "request_id": _TEXT}
        asked = {field: facts for field, facts in schemas[_ACTION]["properties"].items() if field != "patient_id"}
        return _object(own | asked, ("command", "action_type"))
    if name == "fetch_initial_state":
        return {"type": "object", "required": ["command"], "properties": {"command": {"const": name}}}
    kind = {"type": {"const": str(name)}}
    if name == "action_result":
        told = {"success": {"type": "boolean"}, "payload": snapshot, "code": _TEXT, "error": _TEXT}
        return _object(kind | told | {"details": {"type": "object"}, "request_id": _TEXT}, ("type", "success"))
    if name == "initial_state":
        at = {"payload": snapshot, "last_seq": {"type": "integer"}, "epoch": _TEXT}
        return _object(kind | at, ("type", *at))
    if name == JourneyEvent.STATE_UPDATE:
        return _object(kind | _NUMBERED | {"payload": {"type": "object"}}, ("type", *_NUMBERED, "payload"))
    return _object(kind | _NUMBERED | {"data": {"type": "object"}}, ("type", "data"))


def _object(fields: Json, required: tuple[str, ...]) -> Json:
    return {"type": "object", "required": list(required), "properties": fields, "additionalProperties": False}


def _message_id(name: str) -> str:
    return _PREFIX + _key(name)


def _key(name: str) -> str:
    """References divide at slashes and keys of components hold no dots."""
    return str(name).replace(".", "_")


def _closure(schemas: Mapping[str, Json], names: tuple[str, ...]) -> list[str]:
    """Those, and what they refer to."""
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            waiting += _references(schemas[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
