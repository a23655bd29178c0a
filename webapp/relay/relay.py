"""The relay of one process: the same numbered events as WebSocket, SSE, long poll and poll."""

import os
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from ground.logs import get_logger
from streams import Position, StoredEvent, Streams, StreamsError
from webapp.relay import messages
from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode
from webapp.relay.door import detach
from webapp.relay.errors import DrainingError, TooManySocketsError
from webapp.relay.feed import Feed
from webapp.relay.hub import Hub
from webapp.relay.limits import Limits
from webapp.relay.loop import Loop, make_loop
from webapp.relay.pool import SocketPool
from webapp.relay.registry import Admission, Registry
from webapp.relay.socket import Socket
from webapp.relay.sse import SseStream
from webapp.relay.subscription import Subscription

log = get_logger(__name__)


class Relay:
    """Build one per process; nothing starts before the first reader. `drain` before the process stops."""

    def __init__(
        self,
        streams: Streams,
        redis_url: str,
        limits: Limits | None = None,
        *,
        check_positions_every_seconds: float = 15.0,
        resolution_seconds: float = 0.25,
    ) -> None:
        self.limits = limits or Limits()
        self.hub = Hub(
            streams,
            redis_url,
            queue_max_bytes=self.limits.queue_max_bytes,
            check_every_seconds=check_positions_every_seconds,
        )
        self.registry = Registry(self.limits)
        self.is_draining = False
        self._resolution_seconds = resolution_seconds
        self._lock = threading.Lock()
        self._pid = 0
        self._sse: set[SseStream] = set()

    def serve_websocket(self, ws: Any, feed: Feed, *, after: Position, address: str, person: str | None = None) -> None:
        """Take over the connection that flask-sock has opened. Returns at once under gunicorn, which then lets go."""
        descriptor, done = detach(ws), _wait_unless_detachable(ws)
        socket = Socket(self._pool_of_process(), descriptor, done)
        start = self._prepare(socket, feed, after, address, person)
        self._pool_of_process().loop.run(start)
        if done is not None:
            done.wait()

    def refuse_websocket(self, ws: Any, code: CloseCode) -> None:
        """For readers who may not read: not authenticated, unknown session, foreign origin."""
        descriptor, done = detach(ws), _wait_unless_detachable(ws)
        socket = Socket(self._pool_of_process(), descriptor, done)
        self._pool_of_process().loop.run(partial(socket.refuse, code))
        if done is not None:
            done.wait()

    def stream_sse(self, feed: Feed, *, after: Position, address: str, person: str | None = None) -> SseStream:
        """The body of the answer. Raises DrainingError, TooManySocketsError and StreamsUnavailable before it begins."""
        admission, subscription = self._admit(feed, after, address, person)

        def give_back() -> None:
            admission.leave()
            self._sse.discard(stream)

        stream = SseStream(feed, subscription, self.limits, give_back)
        self._sse.add(stream)
        return stream

    def poll(self, feed: Feed, *, after: Position, address: str, wait_seconds: float = 0) -> dict[str, Any]:
        """`{events, seq, epoch}`, with `resync` when the place is gone: ask again after (epoch, seq).

        With `wait_seconds` it answers when something comes, or empty by then. Raises as `stream_sse`.
        """
        page = self.hub.streams.read_after(feed.subject, after.seq, after.epoch or None)
        if page.gone:
            return self._polled(feed, [Resync(page.position)], page.position)
        if page.events or wait_seconds <= 0:
            return self._polled(feed, list(page.events), page.position if not page.events else page.events[-1].position)
        return self._poll_long(feed, page.position, address, min(wait_seconds, self.limits.poll_max_seconds))

    def drain(self, deadline_seconds: float = 8.0) -> None:
        """Tell every reader to come back after a random delay, and wait for their goodbyes. Harmless when repeated."""
        self.is_draining = True
        for stream in list(self._sse):
            stream.drain()
        if self._pid != os.getpid():
            return
        for socket in list(self._pool.sockets):
            delay_ms = int(random.uniform(0, self.limits.drain_spread_seconds) * 1000)  # noqa: S311
            reason = messages.going_away_reason(delay_ms)
            self._pool.loop.run(partial(socket.close, CloseCode.GOING_AWAY, reason))
        deadline = time.monotonic() + deadline_seconds
        pause = threading.Event()
        while self._pool.sockets and time.monotonic() < deadline:
            pause.wait(0.02)

    def stop(self) -> None:
        """After `drain`: no thread and no connection stays."""
        if self._pid == os.getpid():
            self._pool.loop.stop()
            self._pid = 0
        self.hub.stop()

    @property
    def socket_count(self) -> int:
        return len(self._pool.sockets) if self._pid else 0

    def _pool_of_process(self) -> SocketPool:
        with self._lock:
            if self._pid != os.getpid():
                loop: Loop = make_loop()
                self._pool = SocketPool(loop, self.limits, self._resolution_seconds)
                self._pid = os.getpid()
            return self._pool

    def _prepare(
        self, socket: Socket, feed: Feed, after: Position, address: str, person: str | None
    ) -> Callable[[], None]:
        """Everything that may block; what is left to do on the loop."""
        try:
            admission, subscription = self._admit(feed, after, address, person)
        except DrainingError:
            return partial(socket.refuse, CloseCode.GOING_AWAY)
        except TooManySocketsError as exc:
            return partial(socket.refuse, exc.close_code)
        except StreamsError:
            return partial(socket.refuse, CloseCode.TRY_AGAIN_LATER)
        try:
            end = subscription.position
            first = [
                messages.connection_established(feed.hello, end),
                messages.session_status(feed.hello, feed.snapshot(), end),
            ]
        except Exception:
            # The edge of this connection: whatever the snapshot needs is down.
            log.exception("relay_snapshot_failed")
            subscription.close()
            admission.leave()
            return partial(socket.refuse, CloseCode.TRY_AGAIN_LATER)
        return partial(socket.serve, feed, subscription, admission, first)

    def _admit(self, feed: Feed, after: Position, address: str, person: str | None) -> tuple[Admission, Subscription]:
        if self.is_draining:
            raise DrainingError("this process is about to stop")
        admission = self.registry.enter(feed.subject, address, person)
        try:
            return admission, self.hub.subscribe(feed.subject, after)
        except StreamsError:
            admission.leave()
            raise

    def _poll_long(self, feed: Feed, after: Position, address: str, wait_seconds: float) -> dict[str, Any]:
        admission, subscription = self._admit(feed, after, address, None)
        try:
            item = subscription.next(wait_seconds)
            end = subscription.position if item is None else item.position
            return self._polled(feed, [] if item is None else [item], end if item is not None else after)
        finally:
            subscription.close()
            admission.leave()

    def _polled(self, feed: Feed, items: list[StoredEvent | Resync], end: Position) -> dict[str, Any]:
        answer: dict[str, Any] = {"events": [], "seq": end.seq, "epoch": end.epoch}
        for item in items:
            if isinstance(item, Resync):
                answer["resync"] = orjson.loads(messages.resync(feed.hello, feed.snapshot(), item.position))
            else:
                answer["events"].append(orjson.loads(item.to_json()))
        return answer


def _wait_unless_detachable(ws: Any) -> threading.Event | None:
    """gunicorn lets go of a connection without a word; other servers would still write an HTTP answer into it."""
    return None if ws.mode == "gunicorn" else threading.Event()
