"""The ways to follow a session: WebSocket, server-sent events, polls. Each gives the numbered events in its order."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.end_to_end.person import API, Visit, kind_of
from tests.plain_http import NO_TLS
from tests.waiting import WAIT_SECONDS

LAST = "completed"


def socket_url(visit: Visit, after_seq: int = 0) -> str:
    web = visit.person.web_url.replace("http", "ws", 1)
    return f"{web}{API}/tilko/ws/{visit.session_id}?after_seq={after_seq}"


@contextmanager
def open_socket(visit: Visit, after_seq: int = 0) -> Iterator[ClientConnection]:
    with connect(socket_url(visit, after_seq), additional_headers=visit.bearer, open_timeout=10) as socket:
        yield socket


def knock(url: str, headers: dict[str, str]) -> int | None:
    """Open a socket that is to be refused. Its close code; None when a frame came instead."""
    with connect(url, additional_headers=headers, open_timeout=10) as socket:
        try:
            socket.recv(timeout=10)
        except ConnectionClosed:
            return socket.close_code
        return None


def wait_for_close(socket: ClientConnection, timeout: float = WAIT_SECONDS) -> int | None:
    """The close code, whatever frames come before it."""
    try:
        while True:
            socket.recv(timeout=timeout)
    except ConnectionClosed:
        return socket.close_code


def receive(socket: ClientConnection, until: str = LAST, timeout: float = WAIT_SECONDS) -> list[dict[str, Any]]:
    """The numbered events up to the first of this kind, without the frames that are for this socket only."""
    events: list[dict[str, Any]] = []
    while not events or kind_of(events[-1]) != until:
        frame = json.loads(socket.recv(timeout=timeout))
        if "seq" in frame:
            events.append(frame)
    return events


def read_sse(visit: Visit, last_event_id: str = "", until: str = LAST) -> list[dict[str, Any]]:
    headers = {**visit.bearer, **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    events: list[dict[str, Any]] = []
    with httpx.stream(
        "GET", f"{visit.person.web_url}{visit.path}/events", headers=headers, timeout=20, verify=NO_TLS
    ) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data:") and "seq" in (body := json.loads(line[5:])):
                events.append(body)
                if kind_of(body) == until:
                    return events
    raise AssertionError("the stream ended early")


def poll_until(visit: Visit, until: str = LAST) -> list[dict[str, Any]]:
    """As a browser does whose socket is cut: always after the last number."""
    visit.wait_for(until)
    events: list[dict[str, Any]] = []
    while not events or kind_of(events[-1]) != until:
        events += visit.events(events[-1]["seq"] if events else 0)
    return events
