"""How a connection to Redis is listened to: by a thread that reads and waits, or by the loop that has the sockets."""

import os
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from webapp.relay.loop import Loop

_READ_BYTES = 65_536
Take = Callable[[bytes], None]


class Ear(Protocol):
    def hear(self) -> bool:
        """Give what came to `take`; False after a silence. Blocks; raises what ends the connection."""

    def stop(self) -> None: ...


class BlockingEar:
    """For any server and any connection, TLS too."""

    def __init__(self, connected: Any, take: Take, silence_seconds: float) -> None:
        self._connected = connected
        self._take = take
        self._silence_seconds = silence_seconds
        connected.settimeout(silence_seconds)

    def hear(self) -> bool:
        try:
            data = self._connected.recv(_READ_BYTES)
        except TimeoutError:
            # A process that was kept from running finds its time run out and the answer waiting.
            self._connected.settimeout(0)
            try:
                data = self._connected.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return False
            finally:
                self._connected.settimeout(self._silence_seconds)
        _give(self._take, data)
        return True

    def stop(self) -> None:
        return


class LoopEar:
    """Reads in the loop's own callback: no greenlet is woken and no timer set for a message."""

    def __init__(self, loop: Loop, connected: Any, take: Take, silence_seconds: float) -> None:
        self._descriptor = connected.fileno()
        self._take = take
        self._silence_seconds = silence_seconds
        self._silent_since = time.monotonic()
        self._has_heard = False
        self._failure: Exception | None = None
        self._failed = threading.Event()
        self._watch = loop.watch(self._descriptor, self._on_readable)

    def hear(self) -> bool:
        self._failed.wait(max(self._silent_since + self._silence_seconds - time.monotonic(), 0))
        if not self._has_heard:
            self._on_readable()  # kept from running, we may find the time run out and the answer waiting
        if self._failure is not None:
            raise self._failure
        has_heard, self._has_heard = self._has_heard, False
        if not has_heard:
            self._silent_since = time.monotonic()
        return has_heard

    def stop(self) -> None:
        self._watch.stop()

    def _on_readable(self) -> None:
        if self._failure is not None:
            return
        try:
            with suppress(BlockingIOError):
                data = os.read(self._descriptor, _READ_BYTES)
                self._silent_since, self._has_heard = time.monotonic(), True
                _give(self._take, data)
        except Exception as exc:  # noqa: BLE001 raised again by `hear`, which has a caller
            self._watch.stop()
            self._failure = exc
            self._failed.set()


def _give(take: Take, data: bytes) -> None:
    if not data:
        raise ConnectionResetError
    take(data)
