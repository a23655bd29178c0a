"""All WebSockets of this process: the loop that watches them, their timer wheel, and what they count."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from core.logs import get_logger
from streams import StreamsError
from webapp.relay import metrics
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.limits import RelayLimits
from webapp.relay.loop import Job, Loop
from webapp.relay.timer_wheel import Timed, TimerWheel

log = get_logger(__name__)
_EVENTS_OUT = metrics.EVENTS_OUT.labels("websocket")
_DELAY = metrics.DELAY.labels("websocket")


class PooledSocket(Timed, Protocol):
    def close(self, code: int, reason: str | None = None) -> None: ...


class SocketPool:
    def __init__(self, loop: Loop, limits: RelayLimits, resolution_seconds: float) -> None:
        self.loop = loop
        self.limits = limits
        self.now = time.monotonic
        self.timers = TimerWheel(resolution_seconds)
        self.sockets: set[PooledSocket] = set()
        self._writes = self._bytes = self._events = 0
        self._delays: list[float] = []
        loop.every(resolution_seconds, self._on_tick)

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
        """One observation per write: the oldest event waited longest. Events that were recovered have no time."""
        self._events += len(items)
        first = items[0]
        if isinstance(first, Outgoing) and first.appended_at is not None:
            self._delays.append(time.time() - first.appended_at)

    def work(self, job: Callable[[], Any], then: Callable[[Any], None], failed: Job) -> None:
        """Do what may block beside the loop, and go on with its answer on the loop."""
        self.loop.spawn(partial(self._work, job, then, failed))

    def _work(self, job: Callable[[], Any], then: Callable[[Any], None], failed: Job) -> None:
        try:
            answer = job()
        except StreamsError as exc:
            log.warning("relay_callback_failed", error=type(exc).__name__)
        except Exception:
            # The edge of one connection: its reader comes back, and the log knows why.
            log.exception("relay_callback_failed")
        else:
            self.loop.run(partial(then, answer))
            return
        self.loop.run(failed)

    def _on_tick(self) -> None:
        self.timers.advance()
        # Counted in plain numbers and handed over now and then: a counter's lock would cost more than the write.
        metrics.WRITES.inc(self._writes)
        metrics.BYTES_OUT.inc(self._bytes)
        _EVENTS_OUT.inc(self._events)
        for delay in self._delays:
            _DELAY.observe(max(0.0, delay))
        self._writes = self._bytes = self._events = 0
        self._delays.clear()
