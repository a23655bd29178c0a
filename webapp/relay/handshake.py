"""The WebSocket handshake: routes by flask-sock, and the connection detached from its server afterwards."""

import _socket
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from flask import Flask, request
from flask_sock import Sock
from wsproto.utilities import RemoteProtocolError

from webapp.relay.errors import NotDetachableError
from webapp.relay.handshake_shortcut import HandshakeShortcut, SocketView


class AcceptedSocket(Protocol):
    """What a view is given: simple-websocket's Server, or what stands for it."""

    sock: Any
    mode: str
    connected: bool


class NoReaderThread:
    """In the place of simple-websocket's reader thread, which would take the bytes that are ours."""

    def __init__(self, **_: Any) -> None:
        self.name = ""

    def start(self) -> None:
        return


class RelaySock(Sock):  # type: ignore[misc] # the library has no types
    """flask-sock, which also keeps the views that it wraps. They hand their connection to the relay, and no more."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.views: set[SocketView] = set()

    def route(self, path: str, bp: Any = None, **options: Any) -> Callable[[SocketView], None]:
        declare = super().route(path, bp, **options)

        def keep_and_declare(view: SocketView) -> None:
            self.views.add(view)
            declare(view)

        return keep_and_declare


def install_handshake(app: Flask, subprotocols: Sequence[str] = ()) -> RelaySock:
    """The flask-sock to declare WebSocket routes on. Call it once for the app, before any ProxyFix: addresses are read
    behind it."""
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": NoReaderThread, "subprotocols": list(subprotocols)}
    app.before_request(_refuse_body)
    app.before_request(_decline_compression)
    app.register_error_handler(RemoteProtocolError, _refuse_handshake)
    sock = RelaySock(app)
    app.wsgi_app = HandshakeShortcut(app, sock.views, subprotocols)  # type: ignore[method-assign] # as Flask documents it
    return sock


def detach(ws: AcceptedSocket) -> int:
    """A descriptor of the connection's own, which stays open when the server lets go of its own."""
    if isinstance(ws.sock, ssl.SSLSocket):
        raise NotDetachableError("end TLS before the server: its state cannot leave it")
    with suppress(OSError):  # a unix socket has no Nagle to switch off
        ws.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    descriptor = os.dup(ws.sock.fileno())
    os.set_blocking(descriptor, False)
    ws.connected = False  # or flask-sock would send a close frame in our place
    return descriptor


def end_writing(descriptor: int) -> None:
    """Tell the peer that nothing more will come, and go on reading."""
    # The bare socket: under gevent the ordinary one would bring watchers of its own.
    bare = _socket.socket(fileno=descriptor)
    with suppress(OSError):
        bare.shutdown(_socket.SHUT_WR)
    bare.detach()


def _refuse_body() -> tuple[str, int] | None:
    """A protocol changes behind a whole request only (RFC 9110, 7.8), and nobody reads a handshake's body: its server
    would take our frames for it, on a connection that it has handed on."""
    is_socket = request.url_rule is not None and request.url_rule.websocket
    has_body = "HTTP_TRANSFER_ENCODING" in request.environ or request.environ.get("CONTENT_LENGTH", "").strip("0")
    return ("a WebSocket handshake has no body", 400) if is_socket and has_body else None


def _decline_compression() -> None:
    """simple-websocket accepts whatever is offered; a deflate window costs 100 to 200 KiB per socket."""
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def _refuse_handshake(_error: RemoteProtocolError) -> tuple[str, int]:
    return "not a WebSocket handshake", 400
