"""A small Flask app with the relay and nothing else, for gunicorn's gevent worker or for threads."""

import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

import redis
from flask import Flask, Response, jsonify, request
from prometheus_client import generate_latest

from streams import StoredEvent
from tests.numbered_streams import NumberedStreams
from webapp.relay.closing import CloseCode
from webapp.relay.handshake import install_handshake
from webapp.relay.limits import RelayLimits
from webapp.relay.relay import Relay
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import StreamSource, SubscribeRequest


def close_code_for(event: StoredEvent) -> int | None:
    return event.body.get("close")


def snapshot_of(streams: NumberedStreams, subject: str, kind: str) -> Mapping[str, Any]:
    if kind == "broken":
        raise RuntimeError("as if a store were down")
    extra = {"text": "x" * 100_000} if kind == "big" else {}
    return {"last": [event.body["n"] for event in streams.last(subject, 1)], **extra}


def hog() -> Response:
    """Nothing else runs meanwhile."""
    until = time.monotonic() + float(request.args["seconds"])
    while time.monotonic() < until:
        pass
    return jsonify(None)


def create_app(redis_url: str, limits: RelayLimits) -> Flask:
    app = Flask(__name__)
    sock = install_handshake(app)
    client = redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
    app.extensions["redis"] = client
    streams = NumberedStreams(client)
    relay = Relay(streams, redis_url, limits, check_positions_every_seconds=1, resolution_seconds=0.05)
    app.extensions["relay"] = relay
    app.add_url_rule("/metrics", "metrics", generate_latest)
    app.add_url_rule("/hog", "hog", hog)
    revoked: set[str] = set()

    def source(subject: str) -> StreamSource:
        kind = request.args.get("snapshot", "")
        return StreamSource(
            subject=subject,
            greeting={"session_id": subject},
            snapshot=lambda: snapshot_of(streams, subject, kind),
            reauthorize=lambda: CloseCode.NOT_AUTHENTICATED if subject in revoked else None,
            close_code_for=close_code_for,
        )

    def decide(subject: str) -> SubscribeRequest | CloseCode:
        threading.Event().wait(float(request.args.get("decide_seconds", "0")))
        if "deny" in request.args:
            return CloseCode(int(request.args["deny"]))
        return SubscribeRequest(
            source=source(subject),
            after=parse_position(request.args.get("after_seq", "0")),
            address=request.args.get("address", "here"),
            person=request.args.get("person"),
            state={"read": request.args["state"]} if "state" in request.args else None,
        )

    @sock.route("/ws/<subject>")
    def serve(ws: Any, subject: str) -> None:
        relay.receive_websocket(ws, lambda: decide(subject))

    @app.get("/sse/<subject>")
    def stream(subject: str) -> Response:
        after = parse_position(request.headers.get("Last-Event-ID", "0"))
        return Response(relay.stream_sse(source(subject), after=after, address="here"), headers=HEADERS)

    @app.get("/poll/<subject>")
    def poll(subject: str) -> Response:
        after = parse_position(request.args.get("after_seq", "0"))
        wait_seconds = float(request.args.get("wait", "0"))
        return jsonify(relay.poll(source(subject), after=after, address="here", wait_seconds=wait_seconds))

    @app.post("/revoke/<subject>")
    def revoke(subject: str) -> str:
        revoked.add(subject)
        return ""

    @app.get("/count")
    def count() -> Response:
        return jsonify(sockets=relay.socket_count, channels=relay.hub.channel_count, admitted=relay.registry.total)

    return app


def create() -> Flask:
    return create_app(os.environ["RELAY_REDIS_URL"], RelayLimits(**json.loads(os.environ["RELAY_LIMITS"])))
