"""The AsyncAPI document: right by its own meta-schema, and true by every frame of a real conversation."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
import websockets
from flask import Flask
from websockets.sync.client import ClientConnection, connect

from core.clock import clock
from core.names import Event, Status, Streaming
from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, web_program
from services.collection.events import say, say_ended
from tests.integration.webapp.conftest import app, starter, web_settings  # noqa: F401 fixtures
from tests.integration.webapp.people import Person
from webapp.api.asyncapi import build_document, with_interviews, with_journey, with_threads
from webapp.current import parts
from webapp.relay.closing import CloseCode

META = json.loads((Path(__file__).parents[2] / "unit" / "relay" / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
EVENTS: list[tuple[Event, dict[str, Any]]] = [
    (Event.AUTH_KEY_RECEIVED, {"data": {"cx_id": "cx-1"}}),
    (Event.AUTH_WAITING, {"status": Status.AUTH_PENDING}),
    (Event.STREAMING_STATUS, {"status": Streaming.HEALTH_DATA_COMPLETED, "data": {"count": 3}}),
    (Event.SESSION_EXTENDED, {}),
    (Event.DECLINED, {"status": Status.DECLINED, "data": {"code": "DECLINED", "retry_available": True}}),
]


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:  # noqa: F811 a fixture
    with app.app_context():
        schemas = app.extensions["welno_document"]()["components"]["schemas"]
        made = build_document(schemas, asdict(parts(app).relay.limits), {"host": "welno.test", "protocol": "wss"})
    return json.loads(json.dumps(with_interviews(with_journey(with_threads(made), schemas), schemas)))


@pytest.fixture(scope="module")
def url(demo_env, postgres_url, server_home) -> Iterator[str]:
    """The app under gunicorn, on the same stores as `app`."""
    program = web_program("web", pick_port())
    process = Process("web", program.command, server_home / "recorded.log", env=demo_env, cwd=ROOT)
    process.start()
    try:
        process.wait_until(lambda: answers(f"{program.url}/healthz"), 60)
        yield (program.url or "").replace("http", "ws", 1)
    finally:
        process.stop()


def judge(document: dict[str, Any], name: str) -> jsonschema_rs.Draft7Validator:
    """What a message of this name must be."""
    return jsonschema_rs.Draft7Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}, validate_formats=True
    )


def name_of(frame: dict[str, Any]) -> str:
    return "event" if "seq" in frame else str(frame["type"])


def test_the_document_is_asyncapi_3(document):
    jsonschema_rs.Draft7Validator(META).validate(document)


def test_a_document_with_a_mistake_is_not(document):
    document["operations"]["send_events"]["action"] = "shout"
    assert not jsonschema_rs.Draft7Validator(META).is_valid(document)


def test_every_reference_leads_somewhere(document):
    for ref in find_references(document):
        at = document
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]


def find_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from find_references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from find_references(inner)


def test_the_close_codes_and_bounds_are_those_of_the_code(document, app):  # noqa: F811 a fixture
    channel = document["channels"]["session"]
    assert [row["code"] for row in channel["x-close-codes"]] == [int(code) for code in CloseCode]
    assert channel["x-bounds"]["queue_max_bytes"] == parts(app).relay.limits.queue_max_bytes


def test_every_socket_route_is_listed(document, app):  # noqa: F811 a fixture
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.websocket}
    listed = {channel["address"] for channel in document["channels"].values() if "ws" in channel.get("bindings", {})}
    assert {rule.replace("<string:", "{").replace(">", "}") for rule in routes} == listed


def test_the_stream_of_a_project_is_listed(document, app):  # noqa: F811 a fixture
    rules = {rule.rule.replace("<uuid:", "{").replace(">", "}") for rule in app.url_map.iter_rules()}
    others = [one["address"] for one in document["channels"].values() if "ws" not in one.get("bindings", {})]
    assert others == ["/api/sse/projects/{project_id}"]
    assert set(others) <= rules


def test_a_recorded_conversation_is_as_described(document, app, url, starter):  # noqa: F811 fixtures
    frames, code = record(app, url, starter)
    names = [name_of(frame) for frame in frames]
    for name, frame in zip(names, frames, strict=True):
        judge(document, name).validate(frame)
    assert {*names} == {*document["channels"]["session"]["messages"]} - {"ping", "status_request"}
    assert code in [row["code"] for row in document["channels"]["session"]["x-close-codes"]]


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("event", {"seq": 0, "epoch": "e", "type": "auth_waiting"}),
        ("pong", {"type": "pong"}),
        ("error", {"type": "error", "code": "WHAT", "message": "x"}),
        ("resync", {"type": "resync", "session_id": "s", "last_seq": 1, "epoch": "e", "timestamp": "now", "data": {}}),
        ("ping", {"type": "pong"}),
    ],
)
def test_the_schemas_refuse_what_is_otherwise(document, name, frame):
    assert not judge(document, name).is_valid(frame)


def record(app: Flask, url: str, person: Person) -> tuple[list[dict[str, Any]], int]:  # noqa: F811 a fixture's name
    """All that a reader with a lost place hears, until the session ends; and the close code."""
    frames: list[dict[str, Any]] = []
    address = f"{url}/api/v1/tilko/ws/{person.session_id}?after_seq=abc:5"
    with connect(address, proxy=None, additional_headers=person.bearer) as socket:
        read(socket, frames, 3)
        for sent in ('{"type": "ping", "timestamp": 7}', "{", '{"type": "what"}', '{"type": "status_request"}'):
            socket.send(sent)
            read(socket, frames, 1)
        for event, more in EVENTS:
            with parts(app).stores.unit_of_work() as work:
                say(work, UUID(person.session_id), event, "확인하고 있어요.", now=clock.now(), **more)
            read(socket, frames, 1)
        with parts(app).stores.unit_of_work() as work:
            say_ended(work, UUID(person.session_id), Status.EXPIRED, "끝났어요.", now=clock.now())
        with pytest.raises(websockets.ConnectionClosed) as closed:
            read(socket, frames, 2)
    assert closed.value.rcvd is not None
    return frames, closed.value.rcvd.code


def read(socket: ClientConnection, frames: list[dict[str, Any]], count: int) -> None:
    frames.extend(json.loads(socket.recv(10)) for _ in range(count))
