"""What staff see of the projects' streams, over several web processes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
import redis
from flask import Flask
from httpx_sse import EventSource, ServerSentEvent

from core.names import SSE_COUNTS_KEY
from tests.integration.interviews.company import World
from tests.integration.webapp.server import Server
from tests.waiting import wait_until

from .members import Member

METRICS = "/api/metrics/sse"
RECEIVED = f"{METRICS}/received"


@contextmanager
def following(server: Server, member: Member, world: World, query: str = "") -> Iterator[Iterator[ServerSentEvent]]:
    headers = {"Authorization": f"Bearer {member.token}"}
    path = f"/api/sse/projects/{world.food}{query}"
    with (
        httpx.Client(base_url=server.url, timeout=10) as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        events = EventSource(answer).iter_sse()
        next(events)
        yield events


def look(server: Server, staff: dict[str, str], path: str = METRICS) -> dict[str, Any]:
    answer = httpx.get(server.url + path, headers=staff)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def next_body(events: Iterator[ServerSentEvent]) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(next(event.data for event in events if event.data))
    return body


def test_connections_are_counted_by_project_and_forgotten_when_they_end(
    server: Server, staff: dict[str, str], jun: Member, vera: Member, world: World
):
    with ExitStack() as opened:
        for member in (jun, vera):
            opened.enter_context(following(server, member, world))
        assert look(server, staff)["connections"] == {"total": 2, "projects": {str(world.food): 2}}
        listed = look(server, staff, f"{METRICS}/connections")["connections"]
        assert [one["project_id"] for one in listed] == [str(world.food)] * 2
        assert set(listed[0]) == {"process", "project_id", "open_seconds", "idle_seconds"}
    wait_until(lambda: look(server, staff)["connections"]["total"] == 0)


def test_events_and_their_delays_are_told(
    server: Server, staff: dict[str, str], jun: Member, vera: Member, world: World
):
    before = look(server, staff)  # the app of the tests may have streams of other tests
    with following(server, jun, world) as events, following(server, vera, world) as others:
        for _ in range(3):
            jun.upload(world)
        for heard in (events, others):
            assert [next_body(heard)["seq"] for _ in range(3)] == [1, 2, 3]
        found = look(server, staff)
    assert found["events_per_second"] == {"interview:added": {"1m": 3 / 60, "5m": 3 / 300, "15m": 3 / 900}}
    assert found["sent_per_second"]["15m"] - before["sent_per_second"]["15m"] == pytest.approx(6 / 900)
    delays = found["append_to_write_ms"]
    assert 0 < delays["p50"] <= delays["p95"] <= delays["p99"]
    assert found["stale"] == before["stale"]


def test_who_comes_with_a_place_is_a_reconnect(server: Server, staff: dict[str, str], jun: Member, world: World):
    place = jun.ask("GET", f"/api/projects/{world.food}/interviews").json["last_event_id"]
    before = look(server, staff)["reconnects_per_minute"]["1m"]
    with following(server, jun, world), following(server, jun, world, f"?after_seq={place}"):
        assert look(server, staff)["reconnects_per_minute"]["1m"] - before == pytest.approx(1)
    assert server.sample("welno_relay_reconnects_total", stream="project") >= 1


def test_readers_are_counted_by_the_kind_of_their_stream(server: Server, jun: Member, world: World):
    with following(server, jun, world):
        assert server.sample("welno_relay_readers", stream="project") == 1
    wait_until(lambda: server.sample("welno_relay_readers", stream="project") == 0)


def test_each_process_tells_the_others(
    app: Flask, server: Server, staff: dict[str, str], jun: Member, vera: Member, world: World
):
    """Here the app of the tests is the other process; it may have streams of other tests."""
    own = app.test_client().get(METRICS, headers=staff).json["connections"]["total"]
    with following(server, jun, world):

        def seen_elsewhere() -> bool:
            body = app.test_client().get(METRICS, headers=staff).json
            found: bool = body["connections"]["total"] == own + 1 and body["processes"] == 2
            return found

        wait_until(seen_elsewhere, 15)
    assert vera.ask("POST", RECEIVED, json={"projectId": str(world.food), "received": 30}).status_code == 204
    assert app.test_client().get(METRICS, headers=staff).json["received_per_second"]["1m"] == pytest.approx(0.5)


def test_a_process_that_is_gone_is_forgotten(app: Flask, staff: dict[str, str], redis_client: redis.Redis):
    redis_client.zadd(SSE_COUNTS_KEY, {"gone": 1})
    redis_client.zadd(SSE_COUNTS_KEY, {"killed": 9_999_999_999})
    assert app.test_client().get(METRICS, headers=staff).json["processes"] == 1


def test_a_client_reports_once_a_minute(jun: Member, world: World):
    body = {"projectId": str(world.food), "received": 3}
    answers = [jun.ask("POST", RECEIVED, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 429]
    assert answers[1].json["error"]["code"] == "RATE_LIMITED"
    assert int(answers[1].headers["Retry-After"]) <= 60


def test_a_stranger_reports_nothing(app: Flask, sora: Member, vera: Member, world: World):
    project_ids = (str(world.food), str(uuid4()))
    answers = [sora.ask("POST", RECEIVED, json={"projectId": one, "received": 3}) for one in project_ids]
    assert [answer.json["error"]["code"] for answer in answers] == ["PROJECT_NOT_FOUND"] * 2
    body = {"projectId": str(world.food), "received": 3}
    assert app.test_client(use_cookies=False).post(RECEIVED, json=body).status_code == 401
    assert vera.ask("POST", RECEIVED, json=body).status_code == 204


@pytest.mark.parametrize("received", [-1, 100_001, "many", None])
def test_a_report_is_a_number_within_bounds(jun: Member, world: World, received: object):
    answer = jun.ask("POST", RECEIVED, json={"projectId": str(world.food), "received": received})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["received"])


@pytest.mark.parametrize("path", [METRICS, f"{METRICS}/connections"])
def test_members_see_nothing_of_it(mina: Member, path: str):
    assert mina.ask("GET", path).status_code == 403


def test_staff_see_no_content(app: Flask, staff: dict[str, str], world: World):
    for path in (f"/api/projects/{world.food}/interviews", "/api/projects"):
        assert app.test_client(use_cookies=False).get(path, headers=staff).status_code == 401
