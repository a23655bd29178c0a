"""Live events behind a real gunicorn: who may follow, how a stream ends, how a stopping server says goodbye."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from flask import Flask
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect

from core.clock import clock
from core.names import Event, Status
from services.collection.events import say, say_ended
from tests.plain_http import NO_TLS
from webapp.current import parts

from .people import API, FORM, ORIGIN, Person, change_run
from .server import Server

Dial = Callable[..., ClientConnection]


@pytest.fixture
def dial(server: Server) -> Iterator[Dial]:
    with ExitStack() as opened:
        yield partial(open_socket, opened, server)


def open_socket(opened: ExitStack, server: Server, session_id: str, query: str = "", **more: Any) -> ClientConnection:
    url = f"{server.url}/api/v1/tilko/ws/{session_id}{query}".replace("http", "ws", 1)
    return opened.enter_context(connect(url, proxy=None, **more))


def speak(app: Flask, person: Person, text: str = "기다려 주세요.") -> None:
    with parts(app).stores.unit_of_work() as work:
        say(work, UUID(person.session_id), Event.AUTH_WAITING, text, now=clock.now())


def hear(socket: ClientConnection) -> dict[str, object]:
    frame: dict[str, object] = json.loads(socket.recv(timeout=10))
    return frame


def wait_for_close(socket: ClientConnection) -> Close:
    with pytest.raises(ConnectionClosed) as closed:
        read_all(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd


def read_all(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=10)


def close_code(socket: ClientConnection) -> int:
    return wait_for_close(socket).code


def test_a_socket_gets_the_state_what_was_missed_and_what_comes(app: Flask, dial: Dial, starter: Person):
    speak(app, starter)
    socket = dial(starter.session_id, "?after_seq=0", additional_headers=starter.bearer)
    first, second = hear(socket), hear(socket)
    assert (first["type"], second["type"]) == ("connection_established", "session_status")
    assert second["data"]["status"] == "initiated"
    assert hear(socket)["seq"] == 1
    speak(app, starter)
    assert hear(socket)["seq"] == 2


def test_a_socket_resumes_after_a_number(app: Flask, dial: Dial, starter: Person):
    speak(app, starter)
    speak(app, starter)
    socket = dial(starter.session_id, "?after_seq=1", additional_headers=starter.bearer)
    assert [hear(socket).get("seq") for _ in range(3)] == [None, None, 2]


def test_a_token_may_come_as_a_sub_protocol(dial: Dial, starter: Person):
    socket = dial(starter.session_id, subprotocols=["welno.v1", f"welno.token.{starter.token}"])
    assert socket.subprotocol == "welno.v1"
    assert hear(socket)["type"] == "connection_established"


@pytest.mark.parametrize(("origin", "code"), [(ORIGIN, None), ("https://evil.test", 4403)])
def test_the_cookie_opens_a_socket_to_listed_origins_only(dial: Dial, starter: Person, origin: str, code: int | None):
    headers = {"Cookie": f"welno_session={starter.token}"}
    socket = dial(starter.session_id, origin=origin, additional_headers=headers)
    if code is None:
        assert hear(socket)["type"] == "connection_established"
    else:
        assert close_code(socket) == code


def test_a_cookie_in_crumbs_opens_a_socket(dial: Dial, starter: Person):
    crumbs = Headers([("Cookie", "theme=dark"), ("Cookie", f"welno_session={starter.token}"), ("Cookie", "lang=ko")])
    socket = dial(starter.session_id, origin=ORIGIN, additional_headers=crumbs)
    assert hear(socket)["type"] == "connection_established"


def test_strangers_colleagues_and_unknown_ids_are_refused_by_code(dial: Dial, starter: Person, colleague: Person):
    assert close_code(dial(starter.session_id)) == 4401
    assert close_code(dial(starter.session_id, additional_headers=colleague.bearer)) == 4401
    assert close_code(dial(str(uuid4()), additional_headers=colleague.bearer)) == 4404
    assert close_code(dial(str(uuid4()))) == 4401


def test_behind_a_proxy_sockets_are_counted_by_the_callers_address(
    demo_env: dict[str, str], postgres_url: str, server_home: Path, starter: Person
):
    env = demo_env | {"WELNO_TRUSTED_PROXIES": "1", "WELNO_SOCKETS_PER_ADDRESS": "1"}
    with Server(env, server_home / "proxied.log") as proxied, ExitStack() as opened:
        frames = []
        for address in ("203.0.113.1", "203.0.113.2"):
            headers = starter.bearer | {"X-Forwarded-For": address}
            socket = open_socket(opened, proxied, starter.session_id, additional_headers=headers)
            frames.append(hear(socket)["type"])
        one_more = open_socket(opened, proxied, starter.session_id, additional_headers=headers)
        assert close_code(one_more) == 4429
    assert frames == ["connection_established"] * 2


def test_an_expired_session_is_refused(app: Flask, dial: Dial, starter: Person):
    change_run(app, starter.session_id, status=Status.EXPIRED)
    assert close_code(dial(starter.session_id, additional_headers=starter.bearer)) == 4408


@pytest.mark.parametrize(("status", "code"), [(Status.EXPIRED, 4408), (Status.CANCELLED, 4404)])
def test_the_end_of_the_session_closes_its_sockets(app: Flask, dial: Dial, starter: Person, status: Status, code: int):
    socket = dial(starter.session_id, additional_headers=starter.bearer)
    with parts(app).stores.unit_of_work() as work:
        say_ended(work, UUID(starter.session_id), status, "끝났어요.", now=clock.now())
    assert close_code(socket) == code


def test_a_decline_ends_no_socket(app: Flask, dial: Dial, starter: Person):
    socket = dial(starter.session_id, additional_headers=starter.bearer)
    with parts(app).stores.unit_of_work() as work:
        for event in (Event.DECLINED, Event.AUTH_KEY_RECEIVED):
            say(work, UUID(starter.session_id), event, "확인하고 있어요.", now=clock.now(), status=Status.DECLINED)
    assert [hear(socket)["type"] for _ in range(4)][2:] == ["declined", "auth_key_received"]


def test_whoever_cancels_closes_every_tab_at_once(dial: Dial, owner: Person):
    """Of a collection that has completed there is no event to end its sockets: the control channel does."""
    sockets = [dial(owner.session_id, additional_headers=owner.bearer) for _ in range(2)]
    [hear(socket) for socket in sockets for _ in range(2)]
    began = time.monotonic()
    assert owner.session("DELETE", "").status_code == 204
    assert [close_code(socket) for socket in sockets] == [4404, 4404]
    assert time.monotonic() - began < 1.5


def test_staff_who_cancel_close_every_tab_at_once(app: Flask, dial: Dial, owner: Person, staff: dict[str, str]):
    socket = dial(owner.session_id, additional_headers=owner.bearer)
    [hear(socket) for _ in range(2)]
    began = time.monotonic()
    assert app.test_client().post(f"{API}/admin/runs/{owner.session_id}/cancel", headers=staff).status_code == 200
    assert close_code(socket) == 4404
    assert time.monotonic() - began < 1.5


def test_events_stream_as_server_sent_events(app: Flask, server: Server, starter: Person):
    speak(app, starter)
    speak(app, starter)
    url = f"{server.url}/api/v1/tilko/session/{starter.session_id}/events"
    with httpx.stream(
        "GET", url, headers=starter.bearer | {"Last-Event-ID": "1"}, trust_env=False, verify=NO_TLS
    ) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-cache, no-store, no-transform"
        line = next(line for line in answer.iter_lines() if line.startswith("data:"))
    assert json.loads(line.removeprefix("data:"))["seq"] == 2


def test_a_stopping_server_sends_its_readers_away_and_goes(
    demo_env: dict[str, str], starter: Person, server_home: Path
):
    with Server(demo_env, server_home / "stopped.log") as server, ExitStack() as opened:
        socket = open_socket(opened, server, starter.session_id, additional_headers=starter.bearer)
        hear(socket)
        server.process.send(signal.SIGTERM)
        goodbye = wait_for_close(socket)
        assert goodbye.code == 1001
        assert "retry_after_ms" in goodbye.reason
        assert server.process.wait(10)


def test_a_body_of_unknown_length_is_cut(server: Server):
    parts_of = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts_of.hostname, parts_of.port, timeout=10)
    pieces = (b'{"oid": "' + b"x" * 10_000 for _ in range(20))
    connection.request(
        "POST",
        "/api/v1/tilko/session/start",
        body=pieces,
        headers={"Content-Type": "application/json"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 413


@pytest.mark.parametrize("announced", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "5"}], ids=str)
def test_a_handshake_that_announces_a_body_is_refused(server: Server, starter: Person, announced: dict[str, str]):
    """And not cut off: the connection goes on behind the body."""
    parts_of = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts_of.hostname or "", parts_of.port, timeout=10)
    asked = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    path, is_chunked = f"{API}/tilko/ws/{starter.session_id}", "Transfer-Encoding" in announced
    body = [b"hello"] if is_chunked else b"hello"
    connection.request("GET", path, body, starter.bearer | asked | announced, encode_chunked=is_chunked)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (400, b"a WebSocket handshake has no body")
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_no_token_reaches_the_servers_log(server: Server, dial: Dial, starter: Person):
    secret = starter.token.partition(".")[2]
    offered = ["welno.v1", f"welno.token.{starter.token}"]
    hear(dial(starter.session_id, subprotocols=offered))
    close_code(dial(str(uuid4()), subprotocols=offered))
    httpx.post(f"{server.url}/api/v1/tilko/session/start", json=FORM, trust_env=False, verify=NO_TLS)
    log = server.log.read_text(encoding="utf-8")
    assert '"code":4404,"event":"socket_refused"' in log
    assert secret not in log
    assert FORM["phone_no"] not in log
