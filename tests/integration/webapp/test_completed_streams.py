"""Sockets and server-sent events of a session that has completed: they stay for a while, then end for good."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask import Flask

from core.clock import clock
from core.names import Status, Streaming, session_subject
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


def ended_an_hour_ago(app: Flask, person: Person) -> None:
    complete(app, person)
    change_run(app, person.session_id, collection_ended_at=clock.now() - timedelta(hours=1))


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


def follow(server: Server, person: Person, last_id: str | None = None) -> tuple[int, list[tuple[str | None, Any]]]:
    """Until the server ends it: the status, and each part's `id` with what it tells."""
    headers = person.bearer | ({"Last-Event-ID": last_id} if last_id is not None else {})
    answer = httpx.get(events_url(server, person), headers=headers, trust_env=False, verify=NO_TLS, timeout=20)
    return answer.status_code, read_parts(answer.text.splitlines())


def read_parts(lines: Iterable[str]) -> list[tuple[str | None, Any]]:
    parts, last_id = [], None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            last_id = value
        if name == "data":
            parts.append((last_id, json.loads(value)))
    return parts


def ends(told: list[tuple[str | None, Any]]) -> list[tuple[str | None, int | None]]:
    return [(one.get("status"), one.get("code")) for _, one in told]


def test_server_sent_events_end_so_too_and_answer_204_from_then_on(app: Flask, brief: Server, starter: Person):
    url = events_url(brief, starter)
    with httpx.stream("GET", url, headers=starter.bearer, trust_env=False, verify=NO_TLS) as answer:
        assert answer.status_code == 200
        complete(app, starter)
        told = read_parts(answer.iter_lines())
    assert ends(told) == [("completed", None), (None, 4410)]
    last_id, _ = told[-1]
    assert follow(brief, starter, last_id) == (204, [])
    missed = httpx.get(url.replace("/events", "/messages"), headers=starter.bearer, trust_env=False, verify=NO_TLS)
    assert [one["status"] for one in missed.json()["messages"]] == ["completed"]


@pytest.mark.parametrize("last_id", [None, "0", "{epoch}:0"])
def test_an_event_source_that_lost_its_line_before_the_end_is_told_it_however_late(
    app: Flask, brief: Server, starter: Person, last_id: str | None
):
    ended_an_hour_ago(app, starter)
    here = parts(app).stores
    epoch = here.events.read_after(session_subject(starter.session_id), 0).position.epoch
    status, told = follow(brief, starter, last_id and last_id.format(epoch=epoch))
    assert (status, ends(told)) == (200, [("completed", None), (None, 4410)])
    assert [one for one, _ in told] == [f"{epoch}:1"] * 2
    assert follow(brief, starter, f"{epoch}:1") == (204, [])


@pytest.mark.parametrize("last_id", ["1", "2", "999"])
def test_who_has_read_the_end_or_more_is_asked_to_stay_away(app: Flask, brief: Server, starter: Person, last_id: str):
    ended_an_hour_ago(app, starter)
    assert follow(brief, starter, last_id) == (204, [])


def test_a_place_in_another_epoch_is_no_end(app: Flask, brief: Server, starter: Person):
    """Numbers were given again after a restore: what this one has read may not be this end."""
    ended_an_hour_ago(app, starter)
    url, headers = events_url(brief, starter), starter.bearer | {"Last-Event-ID": "00ff:1"}
    with httpx.stream("GET", url, headers=headers, trust_env=False, verify=NO_TLS) as answer:
        told = next(json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
    assert (told["type"], told["data"]["status"]) == ("resync", "completed")


def test_whoever_comes_back_late_is_still_told_before_the_end(app: Flask, brief: Server, starter: Person):
    ended_an_hour_ago(app, starter)
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
