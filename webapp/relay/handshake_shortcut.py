"""Answers plain WebSocket handshakes under gunicorn ahead of Flask's response; all others are flask-sock's."""

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, request

Environ = Mapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
SocketView = Callable[..., None]
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16


class ShortcutSocket:
    """In the place of simple-websocket's Server, for a handshake that never came to it."""

    mode = "gunicorn"

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.connected = True


class HandshakeShortcut:
    """WSGI. Flask builds a response for each handshake, of which nothing is ever sent; this does without.

    Flask routes, its hooks before a request are run, and the view finds the same request. Whatever is not plain goes to
    Flask as if this were not here: other servers, other routes, mistakes, what a hook refuses. `views` are those that
    flask-sock wraps itself; one that somebody else has wrapped again is left to Flask.
    """

    def __init__(self, app: Flask, views: Collection[SocketView], subprotocols: Sequence[str]) -> None:
        self._app = app
        self._views = views
        self._subprotocols = subprotocols
        self._next = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_SEC_WEBSOCKET_KEY" in environ and "gunicorn.socket" in environ and self._serve(environ):
            raise StopIteration  # gunicorn's way to be told that nothing is to be written
        return self._next(environ, start_response)  # type: ignore[arg-type] # WSGI's own types are narrower

    def _serve(self, environ: dict[str, Any]) -> bool:
        answer = answer_plain_handshake(environ, self._subprotocols)
        if answer is None:
            return False
        with self._app.request_context(environ):
            view = self._find_view()
            if view is None or self._is_refused():
                return False
            served = environ["gunicorn.socket"]
            served.sendall(answer)
            view(ShortcutSocket(served), **(request.view_args or {}))
        return True

    def _find_view(self) -> SocketView | None:
        rule = request.url_rule
        if rule is None or not rule.websocket:
            return None
        view: SocketView | None = getattr(self._app.view_functions[rule.endpoint], "__wrapped__", None)
        return view if view in self._views else None

    def _is_refused(self) -> bool:
        """By a hook. Flask then asks it again, and answers."""
        try:
            return self._app.preprocess_request() is not None
        except Exception:  # noqa: BLE001 raised again in Flask, which answers and logs it
            return True


def answer_plain_handshake(environ: Environ, subprotocols: Sequence[str] = ()) -> bytes | None:
    """By section 4.2 of RFC 6455; None for what is no handshake, or has anything unusual.

    Extensions are declined: a window to inflate with would cost 100 to 200 KiB per socket.
    """
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    if not _is_plain(environ) or not _is_nonce(key):
        return None
    accepted = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(accepted),
    ]
    offered = _items(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    chosen = next((name for name in offered if name in subprotocols), None)
    if chosen is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + chosen.encode())
    return b"\r\n".join([*lines, b"", b""])


def _is_plain(environ: Environ) -> bool:
    return (
        environ.get("REQUEST_METHOD") == "GET"
        and environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        and "upgrade" in _items(environ.get("HTTP_CONNECTION", "").lower())
        and environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        and not environ.get("CONTENT_LENGTH")
        and "HTTP_TRANSFER_ENCODING" not in environ
    )


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def _items(header: str) -> list[str]:
    return [item.strip() for item in header.split(",")]
