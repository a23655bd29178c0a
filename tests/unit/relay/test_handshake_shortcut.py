"""Handshakes ahead of Flask: which are taken, how they are answered by RFC 6455, and what is left to flask-sock."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from flask import Flask, abort, g, request
from websockets.utils import accept_key
from werkzeug.test import EnvironBuilder

from webapp.relay.handshake import RelaySock, install_handshake
from webapp.relay.handshake_shortcut import answer_plain_handshake

NONCE = "dGhlIHNhbXBsZSBub25jZQ=="
HEADERS = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": NONCE,
    "Sec-WebSocket-Version": "13",
}
PLAIN = {"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1"} | {
    f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()
}


def headers_of(answer: bytes | None) -> dict[str, str]:
    assert answer is not None
    first, *lines = answer.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "HTTP/1.1 101 Switching Protocols"
    return dict(line.split(": ", 1) for line in lines)


def test_the_example_of_the_rfc_is_answered_as_there():
    assert headers_of(answer_plain_handshake(PLAIN)) == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "UPGRADE"},
        {"HTTP_SEC_WEBSOCKET_KEY": f" {NONCE} "},
        {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate; client_max_window_bits"},
    ],
)
def test_what_browsers_and_proxies_send_is_accepted_without_extensions(changed: dict[str, str]):
    headers = headers_of(answer_plain_handshake(PLAIN | changed))
    assert headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "Sec-WebSocket-Extensions" not in headers


@pytest.mark.parametrize(
    "changed",
    [
        {"REQUEST_METHOD": "POST"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"HTTP_UPGRADE": "websockets"},
        {"HTTP_UPGRADE": "h2c, websocket"},
        {"HTTP_UPGRADE": ""},
        {"HTTP_CONNECTION": "keep-alive"},
        {"HTTP_CONNECTION": ""},
        {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
        {"HTTP_SEC_WEBSOCKET_VERSION": "13, 8"},
        {"HTTP_SEC_WEBSOCKET_VERSION": ""},
        {"HTTP_SEC_WEBSOCKET_KEY": ""},
        {"HTTP_SEC_WEBSOCKET_KEY": "short"},
        {"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(15)).decode()},
        {"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(17)).decode()},
        {"HTTP_SEC_WEBSOCKET_KEY": NONCE.replace("d", "é", 1)},
        {"HTTP_SEC_WEBSOCKET_KEY": f"{NONCE}\r\nX-Injected: 1"},
        {"CONTENT_LENGTH": "5"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
    ],
)
def test_anything_else_is_not_answered_here(changed: dict[str, str]):
    assert answer_plain_handshake(PLAIN | changed) is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [("one", "one"), ("two,one", "two"), ("other, one , x", "one"), ("ONE", None), ("", None), ("other", None)],
)
def test_the_first_protocol_offered_that_is_ours_is_chosen(offered: str, chosen: str | None):
    answer = answer_plain_handshake(PLAIN | {"HTTP_SEC_WEBSOCKET_PROTOCOL": offered}, ["one", "two"])
    assert headers_of(answer).get("Sec-WebSocket-Protocol") == chosen


def test_every_key_has_an_answer_of_its_own():
    for number in range(50):
        key = base64.b64encode(hashlib.md5(bytes([number]), usedforsecurity=False).digest()).decode()
        headers = headers_of(answer_plain_handshake(PLAIN | {"HTTP_SEC_WEBSOCKET_KEY": key}))
        assert headers["Sec-WebSocket-Accept"] == accept_key(key)


class Site:
    """A small app, and what its WebSocket views were given."""

    def __init__(self) -> None:
        self.app = Flask(__name__)
        self.sock: RelaySock = install_handshake(self.app, ["one"])
        self.app.add_url_rule("/plain", view_func=lambda: "plain", endpoint="plain")
        self.sock.route("/ws/<name>")(self.view)
        self.seen: list[tuple[str, str, str]] = []
        ours, self.peer = socket.socketpair()
        self._ours = ours

    def view(self, ws: Any, name: str) -> None:
        assert ws.sock is self._ours
        self.seen.append((type(ws).__name__, name, request.args.get("q", "")))
        ws.connected = False  # as the relay leaves it

    def ask(self, path: str, server: str = "gunicorn.socket", headers: dict[str, str] = HEADERS) -> str:
        """The status that Flask answers; "" when it was not asked."""
        environ = EnvironBuilder(path, headers=headers).get_environ() | {server: self._ours}
        environ["CONTENT_LENGTH"] = headers.get("Content-Length", "")  # the builder has that of its own body
        status = [""]

        def start_response(text: str, *_: object) -> None:
            status[0] = text

        try:
            list(self.app.wsgi_app(environ, start_response))
        except StopIteration:
            return ""
        return status[0]

    def close(self) -> None:
        self._ours.close()
        self.peer.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_a_declared_route_is_in_the_map_and_answered_ahead_of_flask(site: Site):
    assert [rule.websocket for rule in site.app.url_map.iter_rules() if rule.rule == "/ws/<name>"] == [True]
    assert site.ask("/ws/a?q=1") == ""
    assert site.seen == [("ShortcutSocket", "a", "1")]
    assert site.peer.recv(1000).startswith(b"HTTP/1.1 101 Switching Protocols\r\n")


def test_another_server_gets_the_same_route_through_flask_sock(site: Site):
    site.ask("/ws/a", server="werkzeug.socket")
    assert site.seen == [("Server", "a", "")]
    assert site.peer.recv(1000).startswith(b"HTTP/1.1 101 ")


def test_both_ways_agree_on_the_answer(site: Site):
    headers = HEADERS | {"Sec-WebSocket-Protocol": "x, one", "Sec-WebSocket-Extensions": "permessage-deflate"}
    answers = []
    for server in ("gunicorn.socket", "werkzeug.socket"):
        site.ask("/ws/a", server, headers)
        lines = site.peer.recv(1000).decode().split("\r\n\r\n")[0].split("\r\n")[1:]
        answers.append({name.lower(): value.lower() for name, value in (line.split(": ", 1) for line in lines)})
    assert answers[0] == answers[1]
    assert [name for name, _, _ in site.seen] == ["ShortcutSocket", "Server"]


def test_a_body_of_no_bytes_is_none(site: Site):
    assert site.ask("/ws/a", headers=HEADERS | {"Content-Length": "0"}) == ""
    assert [name for _, name, _ in site.seen] == ["a"]


@pytest.mark.parametrize(
    ("path", "changed", "status"),
    [
        ("/plain", {}, "400"),
        ("/nowhere", {}, "404"),
        ("/ws/a", {"Sec-WebSocket-Version": "8"}, "400"),
        ("/ws/a", {"Upgrade": "h2c"}, "400"),
        ("/ws/a", {"Transfer-Encoding": "chunked"}, "400"),
        ("/ws/a", {"Content-Length": "10"}, "400"),
    ],
)
def test_what_is_not_plain_is_answered_by_flask(site: Site, path: str, changed: dict[str, str], status: str):
    assert site.ask(path, headers=HEADERS | changed).startswith(status)
    assert site.seen == []


def answer_teapot() -> tuple[str, int]:
    return "no", 418


def raise_teapot() -> None:
    abort(418)


@pytest.mark.parametrize("hook", [answer_teapot, raise_teapot])
def test_what_a_hook_refuses_is_refused_by_flask(site: Site, hook: Callable[[], Any]):
    site.app.before_request(hook)
    assert site.ask("/ws/a").startswith("418")
    assert site.seen == []


def test_hooks_before_a_request_are_run(site: Site):
    @site.app.before_request
    def note() -> None:
        g.noted = "yes"

    site.sock.route("/noted")(lambda ws: site.seen.append((g.noted, "", "")))
    assert site.ask("/noted") == ""
    assert site.seen == [("yes", "", "")]


def test_a_view_that_was_wrapped_again_is_left_to_flask(site: Site):
    inner = site.app.view_functions["view"]

    @wraps(inner)
    def guarded(**_: Any) -> tuple[str, int]:
        return "not yours", 403

    site.app.view_functions["view"] = guarded
    assert site.ask("/ws/a").startswith("403")
    assert site.seen == []
