"""The connection of a request whose server goes on writing to it: whether its peer has left, and how to cut it."""

import _socket
import os
from collections.abc import Callable
from contextlib import suppress

from flask import request

from webapp.relay.loop import Loop, Watch


class ServerConnection:
    """On a descriptor of its own, so that nothing here depends on when the server lets go. `release` must be called."""

    def __init__(self) -> None:
        """Of the present request; without a descriptor (-1) nothing happens where the server does not tell it."""
        environ = request.environ
        served = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        self.descriptor = os.dup(served.fileno()) if served is not None else -1
        if served is not None:
            served.settimeout(None)  # the server's deadline is for ordinary answers; ours is `write_within_seconds`
        self._watch: Watch | None = None

    def drop_when_silent(self, seconds: float) -> None:
        """A peer that has vanished without a word acknowledges nothing: once something is written, the kernel ends its
        connection after so long, and not after the quarter of an hour for which it would try again."""
        if self.descriptor < 0:
            return
        bare = _socket.socket(fileno=self.descriptor)
        with suppress(OSError, AttributeError):  # a unix socket has no such option, nor have all systems
            bare.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_USER_TIMEOUT, int(seconds * 1000))
        bare.detach()

    def watch(self, loop: Loop, on_left: Callable[[], None]) -> None:
        """Tell it, on the loop, once the peer has closed or reset the connection."""
        self._on_left = on_left
        if self.descriptor >= 0:
            self._watch = loop.watch(self.descriptor, self)

    def cut_off(self) -> None:
        """End both directions: whoever waits to write there is woken."""
        if self.descriptor < 0:
            return
        # Not gevent's own socket: on the loop it would end its waiter, not the connection.
        bare = _socket.socket(fileno=self.descriptor)
        with suppress(OSError):
            bare.shutdown(_socket.SHUT_RDWR)
        bare.detach()

    def release(self) -> None:
        """On the loop. Harmless when repeated."""
        self._stop_watching()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def on_readable(self) -> None:
        bare = _socket.socket(fileno=self.descriptor)
        try:
            has_left = not bare.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            has_left = True
        finally:
            bare.detach()
        self._stop_watching()  # a peer that sends more: its end cannot be seen behind that
        if has_left:
            self._on_left()

    def on_writable(self) -> None:
        return

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
