"""The WebSocket handshake: flask-sock routes and upgrades; then the connection is detached from its server."""

import _socket
import os
import socket
import ssl
from contextlib import suppress
from typing import Any

from flask import Flask, request
from flask_sock import Sock
from wsproto.utilities import RemoteProtocolError

from webapp.relay.errors import NotDetachableError


class NoReaderThread:
    """In the place of simple-websocket's reader thread, which would take the bytes that are ours."""

    def __init__(self, **_: Any) -> None:
        self.name = ""

    def start(self) -> None:
        return


def install_handshake(app: Flask) -> Sock:
    """The flask-sock to declare WebSocket routes on. Call it once for the app."""
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": NoReaderThread}
    app.before_request(_decline_compression)
    app.register_error_handler(RemoteProtocolError, _refuse_handshake)
    return Sock(app)


def detach(ws: Any) -> int:
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


def _decline_compression() -> None:
    """simple-websocket accepts whatever is offered; a deflate window costs 100 to 200 KiB per socket."""
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def _refuse_handshake(_error: RemoteProtocolError) -> tuple[str, int]:
    return "not a WebSocket handshake", 400
