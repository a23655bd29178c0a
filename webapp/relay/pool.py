"""All readers of this process that stay: the loop that serves them, their deadlines, and what they count."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from core.clock import clock
from core.logs import get_logger
from core.settings import RelaySettings
from streams import StreamsError
from webapp.relay import metrics
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.loop import Job, Loop
from webapp.relay.reauthorization import Reader, Reauthorization
from webapp.relay.rounds import Members, Round
from webapp.relay.stream_source import StreamSource
from webapp.relay.timer_wheel import Timed, TimerWheel

log = get_logger(__name__)
_WORKERS = 32
_MAX_CONCURRENT_ADMISSIONS = 32
_SUBSCRIBE_SECONDS = 10.0  # after the permit of an admission, at most: Redis, and what came before
_EVENTS_OUT = metrics.EVENTS_OUT.labels("websocket")
_DELAY = metrics.DELAY.labels("websocket")


class PooledSocket(Reader, Timed, Protocol):
    def ping(self) -> None: ...
    def check_pong(self) -> None: ...
    def close(self, code: int, reason: str | None = None) -> None: ...


class PooledStream(Reader, Timed, Protocol):
    """A server-sent answer."""

    def drain(self) -> None: ...


class ReaderPool:
    """Belongs to its loop, save `work`, the workers and `stop`."""

    def __init__(self, loop: Loop, limits: RelaySettings, resolution_seconds: float) -> None:
        self.loop = loop
        self.limits = limits
        self.now = time.monotonic
        self.timers = TimerWheel(resolution_seconds)
        self.workers = loop.make_workers(_WORKERS)
        # Apart from all other work, which must not wait for a crowd. More at a time would bring no more through, but
        # use up the connections to the stores, and then fail instead of waiting.
        self.admissions = loop.make_workers(_MAX_CONCURRENT_ADMISSIONS)
        self.sockets: Members[PooledSocket] = Members()
        self.streams: Members[PooledStream] = Members()
        self.polls: Members[Reader] = Members()  # that wait
        now = self.now()
        self._pings = Round(self.sockets, limits.ping_every_seconds, now)
        self._pong_checks = Round(self.sockets, limits.ping_every_seconds, now + limits.pong_within_seconds)
        self.reauthorization = Reauthorization(
            loop,
            self.workers,
            [self.sockets, self.streams, self.polls],
            limits.check_every_seconds,
            admission_seconds=limits.admit_within_seconds + _SUBSCRIBE_SECONDS,
        )
        self.writes = self.bytes_out = self._events_out = 0
        self._delays: list[float] = []
        # Beside each delay how much longer ago than its append it was received, where somebody wants to know.
        self._leads: list[tuple[type[StreamSource], float] | None] = []
        self._last_timed: Outgoing | Resync | None = None
        loop.every(resolution_seconds, self._on_tick)

    def add(self, socket: PooledSocket) -> None:
        self.sockets.add(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def remove(self, socket: PooledSocket) -> None:
        self.sockets.remove(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def add_stream(self, stream: PooledStream) -> None:
        self.streams.add(stream)
        self.reauthorization.note_opened(stream.reviewables())
        metrics.STREAMS.set(len(self.streams))

    def remove_stream(self, stream: PooledStream) -> None:
        self.streams.remove(stream)
        metrics.STREAMS.set(len(self.streams))

    def add_poll(self, poll: Reader) -> None:
        self.polls.add(poll)
        self.reauthorization.note_opened(poll.reviewables())

    def count_events(self, first: Outgoing | Resync, count: int, source: type[StreamSource]) -> None:
        """One observation of the first event of a write: how long it took until the last of its readers had it."""
        self._events_out += count
        if isinstance(first, Resync) or first.appended_at is None:
            return
        delay = time.time() - first.appended_at
        if first is self._last_timed:
            self._delays[-1] = delay
            return
        self._last_timed = first
        self._delays.append(delay)
        received_at = first.received_at(source)
        lead = None if received_at is None else (source, clock.now().timestamp() - received_at - delay)
        self._leads.append(lead)

    def work(self, job: Callable[[], Any], then: Callable[[Any], None], failed: Job) -> None:
        """Do what may block beside the loop, and go on with its answer on the loop."""
        self.workers.put(partial(self._work, job, then, failed))

    def stop(self) -> None:
        self.workers.stop()
        self.admissions.stop()
        self.loop.stop()

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
        now = self.now()
        for socket in self._pong_checks.due(now):
            socket.check_pong()
        for socket in self._pings.due(now):
            socket.ping()
        self.reauthorization.on_tick()
        self._report()

    def _report(self) -> None:
        """Counted in plain numbers and handed over now and then: a counter's lock would cost more than the write."""
        metrics.WRITES.inc(self.writes)
        metrics.BYTES_OUT.inc(self.bytes_out)
        _EVENTS_OUT.inc(self._events_out)
        for delay, lead in zip(self._delays, self._leads, strict=True):
            _DELAY.observe(max(0.0, delay))
            if lead is not None:
                source, seconds = lead
                source.note_delivery("websocket", max(0.0, seconds + delay))
        self.writes = self.bytes_out = self._events_out = 0
        self._delays.clear()
        self._leads.clear()
        self._last_timed = None
