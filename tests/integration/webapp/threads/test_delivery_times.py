"""How long envelopes take from the server's receipt to their readers, as /metrics tells it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.integration.webapp.server import Server
from tests.waiting import wait_until

from .members import API, Member, Talk


def count(server: Server, transport: str) -> float:
    return server.sample("welno_thread_delivery_seconds_count", transport=transport)


def seconds(server: Server, transport: str) -> float:
    return server.sample("welno_thread_delivery_seconds_sum", transport=transport)


def read(socket: ClientConnection, kind: str) -> None:
    while json.loads(socket.recv(timeout=10))["type"] != kind:
        pass


@contextmanager
def following(server: Server, talk: Talk, after: str | None = None) -> Iterator[ClientConnection]:
    url = server.url.replace("http", "ws", 1) + "/ws/threads"
    with connect(url, proxy=None, additional_headers=talk.owner.headers) as socket:
        place = {} if after is None else {"after": after}
        socket.send(json.dumps({"type": "subscribe", "threadId": talk.id, **place}))
        read(socket, "subscribed")
        yield socket


@pytest.fixture
def before(server: Server) -> dict[str, tuple[float, float]]:
    return {name: (count(server, name), seconds(server, name)) for name in ("websocket", "sse")}


def test_a_socket_is_timed(server: Server, talk: Talk, patient: Member, before: dict[str, tuple[float, float]]):
    counted, took = before["websocket"]
    with following(server, talk) as socket:
        for _ in range(2):
            talk.say(patient)
            read(socket, "message")
        wait_until(lambda: count(server, "websocket") == counted + 2)
    assert 0 < seconds(server, "websocket") - took < 10
    assert count(server, "sse") == before["sse"][0]


def test_server_sent_events_are_timed(
    server: Server, talk: Talk, patient: Member, before: dict[str, tuple[float, float]]
):
    counted, took = before["sse"]
    plain = {"headers": talk.owner.headers, "timeout": 10}
    with httpx.stream("GET", f"{server.url}{API}/{talk.id}/events", **plain) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line.startswith("id:"))
        talk.say(patient)
        next(line for line in lines if line.startswith("data:"))
        wait_until(lambda: count(server, "sse") == counted + 1)
    assert 0 < seconds(server, "sse") - took < 10


def test_what_is_read_from_the_history_is_not_timed(
    server: Server, talk: Talk, patient: Member, before: dict[str, tuple[float, float]]
):
    counted, _ = before["websocket"]
    talk.say(patient, 3)
    with following(server, talk, "1") as socket:  # behind the item of the key
        for _ in range(3):
            read(socket, "message")
        talk.say(patient)
        read(socket, "message")
        wait_until(lambda: count(server, "websocket") > counted)
    assert count(server, "websocket") == counted + 1


def test_what_the_server_itself_tells_is_not_timed(
    server: Server, talk: Talk, patient: Member, before: dict[str, tuple[float, float]]
):
    counted, _ = before["websocket"]
    with following(server, talk) as socket:
        role = {"memberId": patient.member, "role": "reader"}
        assert talk.owner.post(f"/{talk.id}/members/role", role).status_code == 200
        read(socket, "system")
        talk.say(talk.owner)
        read(socket, "message")
        wait_until(lambda: count(server, "websocket") > counted)
    assert count(server, "websocket") == counted + 1
