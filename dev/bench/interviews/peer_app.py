"""The peer: a Flask generator for each reader, with a Redis subscription of its own, as tutorials show it.

Run: `gunicorn -k gevent 'dev.bench.interviews.peer_app:create_app()'`.
"""

import os
from collections.abc import Iterator

import redis
from flask import Flask, Response

CHANNEL = "bench:project"
_PING_SECONDS = 30.0


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def show_health() -> str:
        return ""

    @app.get("/events")
    def events() -> Response:
        return Response(_follow(), content_type="text/event-stream")

    return app


def _follow() -> Iterator[str]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]  # redis-py's
        subscription.subscribe(CHANNEL)
        yield "retry: 5000\n\n"
        while True:
            message = subscription.get_message(timeout=_PING_SECONDS)
            yield f"data: {message['data'].decode()}\n\n" if message else 'data: {"type":"ping"}\n\n'
