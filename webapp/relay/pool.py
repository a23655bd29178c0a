"""All WebSockets of this process: the loop that watches them, the wheel that times them, and what they count."""

import time
from typing import Protocol

from webapp.relay import metrics
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.limits import Limits
from webapp.relay.loop import Loop
from webapp.relay.wheel import Timed, Wheel

_EVENTS_OUT = metrics.EVENTS_OUT.labels("websocket")


class PooledSocket(Timed, Protocol):
    def close(self, code: int, reason: str | None = None) -> None: ...


class SocketPool:
    def __init__(self, loop: Loop, limits: Limits, resolution_seconds: float) -> None:
        self.loop = loop
        self.limits = limits
        self.now = time.monotonic
        self.wheel = Wheel(resolution_seconds)
        self.sockets: set[PooledSocket] = set()
        self._writes = self._bytes = self._events = 0
        loop.every(resolution_seconds, self._turn)

    def add(self, socket: PooledSocket) -> None:
        self.sockets.add(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def remove(self, socket: PooledSocket) -> None:
        self.sockets.discard(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def count_write(self, sent: int) -> None:
        self._writes += 1
        self._bytes += sent

    def count_events(self, items: list[Outgoing | Resync]) -> None:
        """One observation per write: the oldest event waited longest. Events that were healed have no time."""
        self._events += len(items)
        first = items[0]
        if isinstance(first, Outgoing) and first.appended_at is not None:
            metrics.DELAY.observe(max(0.0, time.time() - first.appended_at))

    def _turn(self) -> None:
        self.wheel.turn()
        # Counted in plain numbers and handed over now and then: a counter's lock would cost more than the write.
        metrics.WRITES.inc(self._writes)
        metrics.BYTES_OUT.inc(self._bytes)
        _EVENTS_OUT.inc(self._events)
        self._writes = self._bytes = self._events = 0
