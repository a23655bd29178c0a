"""Sockets and server-sent events of a session that has completed: they stay for a while, then end for good."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from flask import Flask

from core.clock import clock
from core.names import Status, Streaming
from services.collection.events import say_streaming
from tests.plain_http import NO_TLS
from webapp.api.collection.session_authority import SessionAuthority
from webapp.current import parts

from .people import Person, change_run
from .server import Server
from .test_sockets import hear, open_socket, wait_for_close

STAYS_SECONDS = 1.0


@pytest.fixture(scope="module")
def brief(demo_env: dict[str, str], server_home: Path) -> Iterator[Server]:
    env = demo_env | {"WELNO_STREAM_AFTER_COMPLETED_SECONDS": str(STAYS_SECONDS)}
    with Server(env, server_home / "brief.log") as server:
        yield server


def complete(app: Flask, person: Person) -> None:
    with parts(app).stores.unit_of_work() as work:
        say_streaming(work, UUID(person.session_id), Streaming.COMPLETED, now=clock.now(), data={})
    change_run(app, person.session_id, status=Status.COMPLETED, collection_ended_at=clock.now())


def events_url(server: Server, person: Person) -> str:
    return f"{server.url}/api/v1/tilko/session/{person.session_id}/events"


def test_a_socket_is_told_then_stays_for_a_while_then_closes_for_good(app: Flask, brief: Server, starter: Person):
    with ExitStack() as opened:
        socket = open_socket(opened, brief, starter.session_id, additional_headers=starter.bearer)
        [hear(socket) for _ in range(2)]
        complete(app, starter)
        assert hear(socket)["status"] == "completed"
        told_at = time.monotonic()
        closed = wait_for_close(socket)
        assert (closed.code, closed.reason) == (4410, "complete")
        assert time.monotonic() - told_at > STAYS_SECONDS / 2


def test_server_sent_events_end_so_too_and_answer_204_from_then_on(app: Flask, brief: Server, starter: Person):
    url = events_url(brief, starter)
    with httpx.stream("GET", url, headers=starter.bearer, trust_env=False, verify=NO_TLS) as answer:
        assert answer.status_code == 200
        complete(app, starter)
        told = [json.loads(line.removeprefix("data:")) for line in answer.iter_lines() if line.startswith("data:")]
    assert [(one.get("status"), one.get("code")) for one in told] == [("completed", None), (None, 4410)]
    later = httpx.get(url, headers=starter.bearer, trust_env=False, verify=NO_TLS)
    assert (later.status_code, later.content) == (204, b"")
    missed = httpx.get(url.replace("/events", "/messages"), headers=starter.bearer, trust_env=False, verify=NO_TLS)
    assert [one["status"] for one in missed.json()["messages"]] == ["completed"]


def test_whoever_comes_back_late_is_still_told_before_the_end(app: Flask, brief: Server, starter: Person):
    complete(app, starter)
    change_run(app, starter.session_id, collection_ended_at=clock.now() - timedelta(hours=1))
    with ExitStack() as opened:
        socket = open_socket(opened, brief, starter.session_id, additional_headers=starter.bearer)
        assert [hear(socket)["type"] for _ in range(3)] == [
            "connection_established",
            "session_status",
            "streaming_status",
        ]
        assert wait_for_close(socket).code == 4410


@pytest.mark.parametrize(("minutes", "code"), [(0, None), (2, 4410)])
def test_one_that_has_read_the_end_elsewhere_is_closed_by_the_next_review(
    app: Flask, starter: Person, minutes: int, code: int | None
):
    complete(app, starter)
    change_run(app, starter.session_id, collection_ended_at=clock.now() - timedelta(minutes=minutes))
    right = (starter.session_id, starter.token.partition(".")[2])
    assert SessionAuthority(parts(app).stores).review([right]) == [code]
