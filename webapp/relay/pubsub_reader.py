"""Reads a pub/sub connection to Redis: in a blocking thread, or in a callback of the event loop."""

import os
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from webapp.relay.loop import Loop

_READ_BYTES = 16_384  # allocated for each read, before it is known how little has come
OnData = Callable[[bytes], None]


class PubSubReader(Protocol):
    def read(self) -> bool:
        """Blocks until data went to `on_data`; False after a silence. Raises what ended the connection."""

    def stop(self) -> None: ...


class BlockingPubSubReader:
    """For any server and any connection, TLS too."""

    def __init__(self, connected: Any, on_data: OnData, silence_seconds: float) -> None:
        self._connected = connected
        self._on_data = on_data
        self._silence_seconds = silence_seconds
        connected.settimeout(silence_seconds)

    def read(self) -> bool:
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
        _hand_over(self._on_data, data)
        return True

    def stop(self) -> None:
        return


class LoopPubSubReader:
    """Reads in the loop's own callback: no greenlet is woken and no timer set for a message."""

    def __init__(self, loop: Loop, connected: Any, on_data: OnData, silence_seconds: float) -> None:
        self._descriptor = connected.fileno()
        self._on_data = on_data
        self._silence_seconds = silence_seconds
        self._silent_since = time.monotonic()
        self._has_read = False
        self._failure: Exception | None = None
        self._failed = threading.Event()
        self._watch = loop.watch(self._descriptor, self)

    def read(self) -> bool:
        self._failed.wait(max(self._silent_since + self._silence_seconds - time.monotonic(), 0))
        if not self._has_read:
            self.on_readable()  # kept from running, we may find the time run out and the answer waiting
        if self._failure is not None:
            raise self._failure
        has_read, self._has_read = self._has_read, False
        if not has_read:
            self._silent_since = time.monotonic()
        return has_read

    def stop(self) -> None:
        self._watch.stop()

    def on_writable(self) -> None:
        return

    def on_readable(self) -> None:
        if self._failure is not None:
            return
        try:
            with suppress(BlockingIOError):
                data = os.read(self._descriptor, _READ_BYTES)
                self._silent_since, self._has_read = time.monotonic(), True
                _hand_over(self._on_data, data)
        except Exception as exc:  # noqa: BLE001 raised again by `read`, which has a caller
            self._watch.stop()
            self._failure = exc
            self._failed.set()


def _hand_over(on_data: OnData, data: bytes) -> None:
    if not data:
        raise ConnectionResetError
    on_data(data)
