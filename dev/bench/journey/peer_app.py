"""The peer: a plain Flask application with a pool of connections. Its clients poll.

Run by gunicorn: `gunicorn -k gthread --threads 16 'dev.bench.journey.peer_app:create_app()'`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from flask import Flask, abort, request
from psycopg2.pool import ThreadedConnectionPool

from dev.bench.journey.plain_sql import WrongState, act, call, read_lines, read_snapshot

THREADS = 16


class _Database:
    def __init__(self, url: str) -> None:
        self._pool = ThreadedConnectionPool(1, THREADS, url)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        connection = self._pool.getconn()
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            self._pool.putconn(connection)


def create_app() -> Flask:
    app = Flask(__name__)
    database = _Database(os.environ["DATABASE_URL"].replace("+psycopg2", ""))
    secret = os.environ["WELNO_JWT_SECRET"]

    def caller() -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        user_id: str = jwt.decode(token, secret, algorithms=["HS256"], audience="welno")["sub"]
        return user_id

    @app.get("/")
    def show_health() -> dict[str, Any]:
        return {}

    @app.post("/action")
    def do_action() -> dict[str, Any]:
        body, user_id = request.get_json(), caller()
        try:
            with database.transaction() as cursor:
                return act(cursor, user_id, body["action_type"], body["payload"].get("exam_id"))
        except WrongState:
            abort(409)

    @app.post("/call")
    def do_call() -> dict[str, Any]:
        caller()
        with database.transaction() as cursor:
            call(cursor, request.get_json()["queue_id"])
        return {}

    @app.get("/state")
    def show_state() -> dict[str, Any]:
        user_id = caller()
        with database.transaction() as cursor:
            return read_snapshot(cursor, user_id)

    @app.get("/lines")
    def show_lines() -> dict[str, Any]:
        caller()
        with database.transaction() as cursor:
            return {"queues": read_lines(cursor, request.args.getlist("exam_id"))}

    return app
