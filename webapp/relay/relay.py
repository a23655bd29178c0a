"""The relay of one process: the same numbered events as WebSocket, SSE, long poll and poll."""

import os
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson

from core.logs import get_logger
from streams import Position, StoredEvent, StreamsError, StreamsUnavailable
from webapp.relay import messages
from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, TooManySocketsError
from webapp.relay.event_history import EventHistory
from webapp.relay.handshake import current_connection, cut_off, detach
from webapp.relay.hub import Hub
from webapp.relay.limits import RelayLimits
from webapp.relay.loop import Loop, make_loop
from webapp.relay.pool import SocketPool
from webapp.relay.registry import ReaderRegistry, ReaderSlot
from webapp.relay.socket import Socket
from webapp.relay.sse import SseStream
from webapp.relay.stream_source import StreamSource, SubscribeRequest
from webapp.relay.subscription import Subscription

log = get_logger(__name__)

# More at a time bring no more through, but use up the connections to the stores, and then fail instead of waiting.
_MAX_CONCURRENT_ADMISSIONS = 32


class Relay:
    """Build one per process; nothing starts before the first reader. `drain` before the process stops."""

    def __init__(
        self,
        history: EventHistory,
        redis_url: str,
        limits: RelayLimits | None = None,
        *,
        check_positions_every_seconds: float = 15.0,
        resolution_seconds: float = 0.25,
    ) -> None:
        self.limits = limits or RelayLimits()
        self.hub = Hub(
            history,
            redis_url,
            queue_max_bytes=self.limits.queue_max_bytes,
            check_every_seconds=check_positions_every_seconds,
        )
        self.registry = ReaderRegistry(self.limits)
        self.is_draining = False
        self._resolution_seconds = resolution_seconds
        self._lock = threading.Lock()
        self._pid = 0
        self._pool: SocketPool
        self._sse: set[SseStream] = set()
        self._admission_permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_MAX_CONCURRENT_ADMISSIONS):
            self._admission_permits.put(None)

    def receive_websocket(self, ws: Any, decide: Callable[[], SubscribeRequest | CloseCode]) -> None:
        """Take over the connection that flask-sock has opened; `decide` says in the request who may read what.

        It may block: after `admit_within_seconds` the peer is told 1013, and the answer comes too late. Returns when
        it is answered under gunicorn, which then lets go; under other servers at the end of the connection.
        """
        pool, done = self._pool_of_process(), _wait_unless_detachable(ws)
        socket = Socket(pool, detach(ws), done)
        pool.loop.run(socket.begin)
        pool.loop.run(self._answer(socket, decide))
        if done is not None:
            done.wait()

    def serve_websocket(
        self, ws: Any, source: StreamSource, *, after: Position, address: str, person: str | None = None
    ) -> None:
        """For readers whose right is known."""
        self.receive_websocket(ws, lambda: SubscribeRequest(source=source, after=after, address=address, person=person))

    def refuse_websocket(self, ws: Any, code: CloseCode) -> None:
        """For readers who may not read: not authenticated, unknown session, foreign origin."""
        self.receive_websocket(ws, lambda: code)

    def stream_sse(
        self, source: StreamSource, *, after: Position, address: str, person: str | None = None
    ) -> SseStream:
        """The body of the answer. Raises DrainingError, TooManySocketsError and StreamsUnavailable before it begins."""
        request = SubscribeRequest(source=source, after=after, address=address, person=person)
        with self._admission_permit():
            slot, subscription = self._admit(request)

        def give_back() -> None:
            slot.release()
            self._sse.discard(stream)

        stream = SseStream(
            source, subscription, self.limits, on_close=give_back, cut=partial(cut_off, current_connection())
        )
        self._sse.add(stream)
        pool = self._pool_of_process()
        pool.loop.run(lambda: pool.timers.put(stream, pool.now() + self.limits.write_within_seconds))
        return stream

    def poll(
        self, source: StreamSource, *, after: Position, address: str, person: str | None = None, wait_seconds: float = 0
    ) -> dict[str, Any]:
        """`{events, seq, epoch}`, with `resync` when the position is gone: ask again after (epoch, seq).

        With `wait_seconds` it answers when something comes, or empty by then. Raises as `stream_sse`.
        """
        page = self.hub.read_page(source.subject, after)
        if page.gone:
            return self._polled(source, [Resync(page.position)], page.position)
        if page.events or wait_seconds <= 0:
            return self._polled(
                source, list(page.events), page.position if not page.events else page.events[-1].position
            )
        wait_seconds = min(wait_seconds, self.limits.poll_max_seconds)
        return self._poll_long(source, page.position, address, person, wait_seconds)

    def drain(self, deadline_seconds: float = 8.0) -> None:
        """Tell all readers to come back after a random delay, and wait for their close frames. Idempotent."""
        self.is_draining = True
        for stream in list(self._sse):
            stream.drain()
        if self._pid != os.getpid():
            return
        for socket in list(self._pool.sockets):
            self._pool.loop.run(partial(socket.close, CloseCode.GOING_AWAY, self._going_away()))
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

    def _going_away(self) -> str:
        """Another delay each time."""
        spread_ms = int(self.limits.drain_spread_seconds * 1000)
        return messages.going_away_reason(random.randint(0, spread_ms))  # noqa: S311 spreads, hides nothing

    def _pool_of_process(self) -> SocketPool:
        if self._pid == os.getpid():
            return self._pool
        with self._lock:
            if self._pid != os.getpid():
                loop: Loop = make_loop()
                self._pool = SocketPool(loop, self.limits, self._resolution_seconds)
                self._pid = os.getpid()
            return self._pool

    def _answer(self, socket: Socket, decide: Callable[[], SubscribeRequest | CloseCode]) -> Callable[[], None]:
        """Everything that may block; what is left to do on the loop."""
        try:
            with self._admission_permit():
                decided = decide()
                if isinstance(decided, CloseCode):
                    return partial(socket.close, decided)
                return self._prepare(socket, decided)
        except DrainingError:
            return partial(socket.close, CloseCode.GOING_AWAY, self._going_away())
        except TooManySocketsError as exc:
            return partial(socket.close, exc.close_code)
        except StreamsError:
            return partial(socket.close, CloseCode.TRY_AGAIN_LATER)
        except Exception:
            # The edge of this connection: its peer must not wait for us, and the log knows why.
            log.exception("relay_decision_failed")
            return partial(socket.close, CloseCode.INTERNAL)

    @contextmanager
    def _admission_permit(self) -> Iterator[None]:
        """When a whole crowd comes back, it is admitted one after another. Raises StreamsUnavailable after too long."""
        try:
            permit = self._admission_permits.get(timeout=self.limits.admit_within_seconds)
        except queue.Empty as exc:
            raise StreamsUnavailable("admit: no permit in time") from exc
        try:
            yield
        finally:
            self._admission_permits.put(permit)

    def _prepare(self, socket: Socket, request: SubscribeRequest) -> Callable[[], None]:
        slot, subscription = self._admit(request)
        source, end = request.source, subscription.position
        try:
            state = source.snapshot() if request.state is None else request.state
            first = [
                messages.connection_established(source.greeting, end),
                messages.session_status(source.greeting, state, end),
            ]
        except Exception:
            # The edge of this connection: whatever the snapshot needs is down.
            log.exception("relay_snapshot_failed")
            subscription.close()
            slot.release()
            return partial(socket.close, CloseCode.TRY_AGAIN_LATER)
        return partial(socket.serve, source, subscription, slot, first)

    def _admit(self, request: SubscribeRequest) -> tuple[ReaderSlot, Subscription]:
        if self.is_draining:
            raise DrainingError("this process is about to stop")
        slot = self.registry.acquire(request.source.subject, request.address, request.person)
        try:
            return slot, self.hub.subscribe(request.source.subject, request.after)
        except StreamsError:
            slot.release()
            raise

    def _poll_long(
        self, source: StreamSource, after: Position, address: str, person: str | None, wait_seconds: float
    ) -> dict[str, Any]:
        request = SubscribeRequest(source=source, after=after, address=address, person=person)
        with self._admission_permit():
            slot, subscription = self._admit(request)
        try:
            item = subscription.next(wait_seconds)
            end = subscription.position if item is None else item.position
            return self._polled(source, [] if item is None else [item], end if item is not None else after)
        finally:
            subscription.close()
            slot.release()

    def _polled(self, source: StreamSource, items: list[StoredEvent | Resync], end: Position) -> dict[str, Any]:
        answer: dict[str, Any] = {"events": [], "seq": end.seq, "epoch": end.epoch}
        for item in items:
            if isinstance(item, Resync):
                answer["resync"] = orjson.loads(messages.resync(source.greeting, source.snapshot(), item.position))
            else:
                answer["events"].append(orjson.loads(item.to_json()))
        return answer


def _wait_unless_detachable(ws: Any) -> threading.Event | None:
    """gunicorn lets go of a connection without a word; other servers would still write an HTTP answer into it."""
    return None if ws.mode == "gunicorn" else threading.Event()
