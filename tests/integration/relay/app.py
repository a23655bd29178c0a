"""A small Flask app with the relay and nothing else, for gunicorn's gevent worker or for threads."""

import json
import os
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import redis
from flask import Flask, Response, jsonify, request
from prometheus_client import generate_latest

from core.settings import RelaySettings
from streams import Position
from tests.integration.relay.counting import count_channels, count_polls, count_sockets
from tests.integration.relay.sources import Desk, Office, Source
from tests.numbered_streams import NumberedStreams
from webapp.relay.closing import CloseCode
from webapp.relay.errors import TooManySocketsError
from webapp.relay.handshake import install_handshake
from webapp.relay.reader_leases import ReaderLeases, connect_leases
from webapp.relay.relay import Relay
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import MultiSubjectRequest, SubscribeRequest


def hog() -> Response:
    """Nothing else runs meanwhile."""
    until = time.monotonic() + float(request.args["seconds"])
    while time.monotonic() < until:
        pass
    return jsonify(None)


class Routes:
    def __init__(self, relay: Relay, streams: NumberedStreams, max_readers: int) -> None:
        self.relay = relay
        self.streams = streams
        self.office = Office()
        self._max_readers = max_readers
        self.waiting: list[str] = []

    def reader(self, subject: str, query: Mapping[str, str], after: Position | None) -> SubscribeRequest:
        return SubscribeRequest(
            source=Source(self.streams, self.office, subject, query, self._max_readers),
            after=after,
            address=query.get("address", "here"),
            person=query.get("person"),
        )

    def decide(self, subject: str, query: Mapping[str, str]) -> SubscribeRequest | CloseCode:
        threading.Event().wait(float(query.get("decide_seconds", "0")))
        if "deny" in query:
            return CloseCode(int(query["deny"]))
        return self._decided(subject, query, parse_position(query.get("after_seq", "0")))

    def _decided(self, subject: str, query: Mapping[str, str], after: Position | None) -> SubscribeRequest:
        """As by a crowd, all of whom wait for their permit by now."""
        if "admit_seconds" in query:
            self.waiting.append(subject)
            threading.Event().wait(float(query["admit_seconds"]))
        return self.reader(subject, query, after)

    def decide_desk(self, login: str, query: Mapping[str, str]) -> MultiSubjectRequest | CloseCode:
        def make(subject: str) -> Source:
            return Source(self.streams, self.office, subject, query, self._max_readers)

        return MultiSubjectRequest(source=Desk(self.office, make, login), address="here")

    def stream(self, subject: str) -> Response:
        place = request.headers.get("Last-Event-ID", "0")
        after = parse_position(place) if place != "end" else None
        try:
            body = self.relay.stream_sse(self._decided(subject, request.args.to_dict(), after))
        except TooManySocketsError:
            return Response(status=429)
        return Response(body, headers=HEADERS)

    def poll(self, subject: str) -> Response:
        asked = self.reader(subject, request.args.to_dict(), parse_position(request.args.get("after_seq", "0")))
        polled = self.relay.poll(asked, float(request.args.get("wait", "0")))
        events = [json.loads(event.to_json()) for event in polled.events]
        return jsonify(events=events, seq=polled.position.seq, epoch=polled.position.epoch, gone=polled.is_gone)

    def revoke(self, subject: str) -> str:
        self.office.revoked.add(subject)
        return ""

    def close_office(self, closed: str) -> str:
        self.office.is_closed = closed == "yes"
        return ""

    def count(self) -> Response:
        relay = self.relay
        return jsonify(
            sockets=count_sockets(relay),
            polls=count_polls(relay),
            channels=count_channels(relay.hub),
            admitted=relay.registry.total,
        )


def create_app(redis_url: str, limits: RelaySettings, max_readers: int = 20, readers_key: str = "") -> Flask:
    app = Flask(__name__)
    sock = install_handshake(app)
    client = redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
    app.extensions["redis"] = client
    streams = NumberedStreams(client)
    leases = ReaderLeases(connect_leases(redis_url), readers_key.encode()) if readers_key else None
    relay = Relay(streams, redis_url, limits, leases=leases, check_positions_every_seconds=1, resolution_seconds=0.05)
    app.extensions["relay"] = relay
    routes = Routes(relay, streams, max_readers)
    app.add_url_rule("/metrics", "metrics", generate_latest)
    app.add_url_rule("/hog", "hog", hog)
    app.add_url_rule("/sse/<subject>", view_func=routes.stream)
    app.add_url_rule("/poll/<subject>", view_func=routes.poll)
    app.add_url_rule("/revoke/<subject>", view_func=routes.revoke, methods=["POST"])
    app.add_url_rule("/office/<closed>", view_func=routes.close_office, methods=["POST"])
    app.add_url_rule("/questions", view_func=lambda: jsonify(routes.office.questions))
    app.add_url_rule("/waiting", "waiting", lambda: jsonify(routes.waiting))
    app.add_url_rule("/count", view_func=routes.count)

    @sock.route("/ws/<subject>")
    def serve(ws: Any, subject: str) -> None:
        relay.receive_websocket(ws, partial(routes.decide, subject, request.args.to_dict()))

    @sock.route("/desk/<login>")
    def serve_desk(ws: Any, login: str) -> None:
        relay.receive_multi_subject_websocket(ws, partial(routes.decide_desk, login, request.args.to_dict()))

    return app


def create() -> Flask:
    limits = RelaySettings(**json.loads(os.environ["RELAY_LIMITS"]))
    max_readers, readers_key = int(os.environ["RELAY_MAX_READERS"]), os.environ["RELAY_READERS_KEY"]
    return create_app(os.environ["RELAY_REDIS_URL"], limits, max_readers, readers_key)
