"""A project's stream behind a real gunicorn: the frames, who hears them, from which place on, and how it ends."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from flask import Flask
from httpx_sse import EventSource, ServerSentEvent

from dev.local.ports import LOOPBACK
from tests.integration.interviews.company import World
from tests.integration.webapp.server import Server
from webapp.api.interviews.stream import READERS_OF_ACCOUNT, ProjectSource
from webapp.current import parts

from .members import Member, with_cookies

Events = Iterator[ServerSentEvent]
Follow = Callable[..., Events]


@pytest.fixture
def follow(server: Server, world: World) -> Iterator[Follow]:
    """Opens streams, read as `httpx-sse` reads them."""
    with ExitStack() as opened, httpx.Client(base_url=server.url, timeout=10) as client:

        def open_stream(member: Member, query: str = "", **headers: str) -> Events:
            asked = client.stream("GET", path_of(world) + query, headers=bearer(member) | headers)
            answer = opened.enter_context(asked)
            assert answer.status_code == 200, answer.read()
            return EventSource(answer).iter_sse()

        yield open_stream


def path_of(world: World) -> str:
    return f"/api/sse/projects/{world.food}"


def bearer(member: Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {member.token}"}


def next_told(events: Events) -> ServerSentEvent:
    """`httpx-sse` tells blocks without data, too; a browser does not."""
    return next(event for event in events if event.data)


def hear(events: Events) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(next_told(events).data)
    return body


def place_of(member: Member, world: World) -> str:
    place: str = member.ask("GET", f"/api/projects/{world.food}/interviews").json["last_event_id"]
    return place


@contextmanager
def raw_stream(server: Server, world: World, **headers: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10)
    connection.request("GET", path_of(world), headers=headers)
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def test_the_first_block_goes_out_at_once_without_data(server: Server, jun: Member, world: World):
    place = place_of(jun, world)
    with raw_stream(server, world, **bearer(jun)) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.headers["Cache-Control"] == "no-cache, no-store, no-transform"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert [answer.readline() for _ in range(2)] == [b"retry: 5000\n", b"\n"]
        assert [answer.readline() for _ in range(2)] == [f"id: {place}\n".encode(), b"\n"]


def test_a_ping_is_an_unnamed_frame_without_an_id_every_30_seconds():
    profile = ProjectSource.sse
    assert (profile.keep_alive, profile.keep_alive_seconds) == (b'data: {"type":"ping"}\n\n', 30)


def test_everybody_in_the_project_hears_the_same_in_the_same_order(
    follow: Follow, mina: Member, jun: Member, vera: Member, world: World
):
    streams = [follow(member) for member in (mina, jun, vera)]
    first = jun.upload(world, title="하나").json["interview_id"]
    mina.ask("DELETE", f"/api/interviews/{first}")
    mina.ask("POST", f"/api/interviews/{first}/restore")
    heard = [[hear(stream) for _ in range(3)] for stream in streams]
    assert heard[0] == heard[1] == heard[2]
    assert [(event["seq"], event["type"]) for event in heard[0]] == [
        (1, "interview:added"),
        (2, "interview:deleted"),
        (3, "interview:added"),
    ]
    assert heard[0][0]["data"]["interview"]["title"] == "하나"
    assert "masked_text" not in heard[0][0]["data"]["interview"]


def test_added_comes_before_the_answer(follow: Follow, jun: Member, world: World):
    """Whoever subscribes from before the upload finds the event in the stream, whenever the answer comes."""
    place = place_of(jun, world)
    answer = jun.upload(world)
    event = hear(follow(jun, f"?after_seq={place}"))
    assert event["data"]["interview"] == answer.json["interview"]


def test_the_stream_goes_on_after_a_place(follow: Follow, jun: Member, world: World):
    start = place_of(jun, world)
    for _ in range(3):
        jun.upload(world)
    epoch = start.partition(":")[0]
    assert hear(follow(jun, f"?after_seq={start}"))["seq"] == 1
    resumed = follow(jun, f"?after_seq={start}", **{"Last-Event-ID": f"{epoch}:2"})
    event = next_told(resumed)
    assert (orjson.loads(event.data)["seq"], event.id) == (3, f"{epoch}:3")


@pytest.mark.parametrize("place", ["no place", "f" * 16 + ":3", "12:-1", "9" * 60])
def test_a_place_that_is_none_is_answered_by_a_resync(follow: Follow, jun: Member, world: World, place: str):
    jun.upload(world)
    stream = follow(jun, **{"Last-Event-ID": place})
    event = next_told(stream)
    body = orjson.loads(event.data)
    assert (body["type"], body["data"], event.id) == ("resync", {"reload": True}, place_of(jun, world))
    jun.upload(world)
    assert hear(stream)["seq"] == 2


@pytest.mark.parametrize("place", ["0", "1", ":1", "12"])
def test_a_number_without_its_epoch_is_no_place(follow: Follow, jun: Member, world: World, place: str):
    jun.upload(world)
    event = next_told(follow(jun, f"?after_seq={place}"))
    assert (orjson.loads(event.data)["type"], event.id) == ("resync", place_of(jun, world))


def test_events_come_again_after_redis_was_emptied(follow: Follow, app: Flask, jun: Member, world: World):
    stream = follow(jun)
    jun.upload(world)
    parts(app).stores.redis.flushall()
    jun.upload(world)
    assert [hear(stream)["seq"] for _ in range(2)] == [1, 2]
    assert [hear(event)["seq"] for event in [follow(jun, f"?after_seq={place_of(jun, world).split(':')[0]}:0")]] == [1]


def test_whose_membership_is_taken_away_hears_no_more_within_a_second(
    follow: Follow, mina: Member, jun: Member, vera: Member, world: World
):
    stream, other = follow(jun), follow(vera)
    jun.upload(world)
    assert hear(stream)["type"] == hear(other)["type"] == "interview:added"
    began = time.monotonic()
    mina.ask("DELETE", f"/api/projects/{world.food}/members?accountId={world.people['jun']}")
    closed = hear(stream)
    assert (closed["type"], closed["code"], time.monotonic() - began < 2) == ("closed", 4404, True)
    mina.upload(world)
    assert hear(other)["seq"] == 2


def test_signing_out_ends_the_streams_of_that_login(follow: Follow, jun: Member, world: World):
    stream = follow(jun)
    jun.ask("POST", "/api/v1/accounts/logout")
    closed = hear(stream)
    assert (closed["type"], closed["code"]) == ("closed", 4401)


def test_a_native_event_source_comes_with_the_cookie(server: Server, app: Flask, world: World):
    cookie = with_cookies(app, "vera").get_cookie("welno_account")
    assert cookie is not None
    with raw_stream(server, world, Cookie=f"welno_account={cookie.value}") as answer:
        assert answer.status == 200


def test_a_stranger_cannot_tell_the_project_from_none(server: Server, sora: Member, world: World):
    with httpx.Client(base_url=server.url) as client:
        theirs = client.get(path_of(world), headers=bearer(sora))
        nobodys = client.get(f"/api/sse/projects/{uuid4()}", headers=bearer(sora))
        assert (theirs.status_code, nobodys.status_code) == (404, 404)
        assert theirs.json()["error"] == nobodys.json()["error"]
        assert client.get(path_of(world)).status_code == 401


def test_an_account_has_twenty_streams(follow: Follow, server: Server, jun: Member, vera: Member, world: World):
    for _ in range(READERS_OF_ACCOUNT):
        follow(jun)
    with httpx.Client(base_url=server.url) as client:
        refused = client.get(path_of(world), headers=bearer(jun))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TOO_MANY_SOCKETS")
    follow(vera)
