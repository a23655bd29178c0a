"""The relay of one process: the same numbered events as WebSocket, SSE, long poll and poll."""

import os
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from core.logs import get_logger
from core.settings import RelaySettings
from streams import Position, StoredEvent, StreamsError, StreamsUnavailable
from webapp.relay import messages, metrics
from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode
from webapp.relay.connection import Connection
from webapp.relay.errors import DrainingError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.event_history import EventHistory
from webapp.relay.handshake import AcceptedSocket, detach
from webapp.relay.hub import Hub
from webapp.relay.long_poll import LongPoll
from webapp.relay.loop import Job, make_loop
from webapp.relay.multi_subject import MultiSubjectSocket
from webapp.relay.pool import ReaderPool
from webapp.relay.reader_leases import ReaderLeases
from webapp.relay.registry import ReaderRegistry, ReaderSlot
from webapp.relay.server_connection import ServerConnection
from webapp.relay.socket import Socket
from webapp.relay.sse import SseStream, retry_part
from webapp.relay.sse_writer import SseWriter
from webapp.relay.stream_source import MultiSubjectRequest, StreamSource, SubscribeRequest
from webapp.relay.subscription import QueueBudget, Subscription

log = get_logger(__name__)

_MAX_CONCURRENT_ANSWERS = 32  # of SSE and long polls, for the reason that ReaderPool gives for sockets
_POLL_EVENTS = 500

S = TypeVar("S", bound=Connection)
W = TypeVar("W", bound=SseWriter)
Q = TypeVar("Q", SubscribeRequest, MultiSubjectRequest)


@dataclass(frozen=True, slots=True)
class Polled:
    """Ask again after `position`. `is_gone`: what came after the position asked for cannot be told any more."""

    events: Sequence[StoredEvent]
    position: Position
    is_gone: bool = False


class Relay:
    """Build one per process; nothing starts before the first reader. `drain` before the process stops."""

    def __init__(
        self,
        history: EventHistory,
        redis_url: str,
        limits: RelaySettings | None = None,
        *,
        leases: ReaderLeases | None = None,
        check_positions_every_seconds: float = 15.0,
        resolution_seconds: float = 0.25,
    ) -> None:
        """With `leases` the bounds of readers hold over all processes that share them."""
        self.limits = limits or RelaySettings()
        self.hub = Hub(
            history,
            redis_url,
            queue_max_bytes=self.limits.queue_max_bytes,
            check_every_seconds=check_positions_every_seconds,
            on_notice=self._on_notice,
            on_link_restored=self._on_link_restored,
        )
        self.registry = ReaderRegistry(self.limits, leases)
        self.is_draining = False
        self._resolution_seconds = resolution_seconds
        self._lock = threading.Lock()
        self._pid = 0
        self._pool: ReaderPool
        self._admission_permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_MAX_CONCURRENT_ANSWERS):
            self._admission_permits.put(None)

    def receive_websocket(self, ws: AcceptedSocket, decide: Callable[[], SubscribeRequest | CloseCode]) -> None:
        """Take over the connection of a flask-sock route; `decide` says who may read what.

        It finds no request, and may block: after `admit_within_seconds` the peer is told 1013, and the answer comes
        too late. Returns at once under gunicorn, which then lets go; under other servers at the end of the connection.
        """
        self._receive(ws, Socket, decide, self._prepare)

    def receive_multi_subject_websocket(
        self, ws: AcceptedSocket, decide: Callable[[], MultiSubjectRequest | CloseCode]
    ) -> None:
        """The same for a socket that may follow several subjects."""
        self._receive(ws, MultiSubjectSocket, decide, self._prepare_multi_subject)

    def stream_sse(self, request: SubscribeRequest) -> Iterable[bytes]:
        """The body of the answer. Raises TooManySocketsError and StreamsError before it begins.

        A process that is about to stop refuses nobody here: an EventSource that hears anything but 200 stays away for
        good, and one that comes back at once may do so on a connection that this process still holds.
        """
        pool = self._pool_of_process()
        try:
            with self._admission_permit():
                slot, subscription, start = self._admit(request)
        except (DrainingError, SubscriptionClosedError):
            return (retry_part(self.limits),)
        stream = SseStream(
            pool, request.source, subscription, start=start, connection=ServerConnection(), on_close=slot.release
        )
        stream.begin()
        if self.is_draining:  # since it was admitted
            stream.drain()
        return stream

    def take_slot(self, person: str, person_max: int) -> ReaderSlot:
        """For an answer that follows no subject, before it is made. Raises DrainingError, TooManySocketsError."""
        self._refuse_while_draining()
        self._pool_of_process()  # which notices are told to
        self.hub.listen()  # whoever follows no subject can lose a right, too
        return self.registry.acquire_connection(None, person, person_max=person_max)

    def begin_writer(self, make: Callable[[ReaderPool, ServerConnection], W]) -> W:
        """The body of the present request's answer."""
        writer = make(self._pool_of_process(), ServerConnection())
        writer.begin()
        return writer

    def writers(self, kind: type[W]) -> list[W]:
        """Of this process, those of this kind."""
        return [one for one in self._pool.streams if isinstance(one, kind)] if self._pid == os.getpid() else []

    def repeat(self, seconds: float, job: Job) -> None:
        """Call it from now on, off the loop, where it may block; not more often, and never twice at once."""
        pool = self._pool_of_process()
        pool.loop.every(seconds, PeriodicJob(seconds, job, pool.work).on_tick)

    def poll(self, request: SubscribeRequest, wait_seconds: float = 0) -> Polled:
        """With `wait_seconds` it answers when something comes, or empty by then. Raises StreamsError; where it waits,
        also DrainingError, TooManySocketsError, SubscriptionClosedError, SlowReaderError and RightLostError."""
        subject, after = request.source.subject, request.after
        page = self.hub.read_page(subject, after or self.hub.find_end(subject), limit=_POLL_EVENTS)
        if page.events:
            return Polled(page.events, page.events[-1].position)
        if page.gone or wait_seconds <= 0:
            return Polled((), page.position, page.gone)
        return self._poll_long(request, page.position, min(wait_seconds, self.limits.poll_max_seconds))

    def drain(self, deadline_seconds: float = 8.0) -> None:
        """Tell all readers to come back after a random delay, and wait for their close frames. Idempotent."""
        self.is_draining = True
        if self._pid != os.getpid():
            return
        for stream in self._pool.streams:
            stream.drain()
        for socket in self._pool.sockets:
            self._pool.loop.run(partial(socket.close, CloseCode.GOING_AWAY, self._going_away()))
        # Whoever answers no close, as a phone that sleeps, may be waited for until this process is killed.
        self.registry.release_leases()
        deadline = time.monotonic() + deadline_seconds
        pause = threading.Event()
        while self._pool.sockets and time.monotonic() < deadline:
            pause.wait(0.02)

    def stop(self) -> None:
        """After `drain`: no thread and no connection stays."""
        if self._pid == os.getpid():
            self._pool.stop()
            self._pid = 0
        self.hub.stop()
        self.registry.stop()

    def _going_away(self) -> str:
        """Another delay each time."""
        spread_ms = int(self.limits.drain_spread_seconds * 1000)
        return messages.going_away_reason(random.randint(0, spread_ms))  # noqa: S311 spreads, hides nothing

    def _pool_of_process(self) -> ReaderPool:
        if self._pid == os.getpid():
            return self._pool
        with self._lock:
            if self._pid != os.getpid():
                self._pool = ReaderPool(make_loop(), self.limits, self._resolution_seconds)
                self._pid = os.getpid()
            return self._pool

    def _on_notice(self, name: str) -> None:
        if self._pid:
            self._pool.reauthorization.notice(name)

    def _on_link_restored(self) -> None:
        if self._pid:
            self._pool.reauthorization.notice_loss()

    def _receive(
        self,
        ws: AcceptedSocket,
        kind: Callable[[ReaderPool, int, threading.Event | None], S],
        decide: Callable[[], Q | CloseCode],
        prepare: Callable[[S, Q], Job],
    ) -> None:
        pool, done = self._pool_of_process(), _wait_unless_detachable(ws)
        socket = kind(pool, detach(ws), done)
        pool.loop.run(socket.begin)
        if len(pool.sockets) > 2 * self.limits.sockets_total:  # as many as may be served wait already
            metrics.REFUSED.labels("total").inc()
            pool.loop.run(partial(socket.close, CloseCode.TRY_AGAIN_LATER))
        else:  # not in the request: of a crowd each would keep its greenlet and its environment while it waits
            pool.admissions.put(partial(self._admit_socket, pool, socket, decide, prepare))
        if done is not None:
            done.wait()

    def _admit_socket(
        self, pool: ReaderPool, socket: S, decide: Callable[[], Q | CloseCode], prepare: Callable[[S, Q], Job]
    ) -> None:
        if socket.is_admitting:
            pool.loop.run(self._answer(socket, decide, prepare))

    def _answer(self, socket: S, decide: Callable[[], Q | CloseCode], prepare: Callable[[S, Q], Job]) -> Job:
        """Everything that may block; what is left to do on the loop."""
        try:
            decided = decide()
            if isinstance(decided, CloseCode):
                return partial(socket.close, decided)
            return prepare(socket, decided)
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

    def _prepare(self, socket: Socket, request: SubscribeRequest) -> Job:
        slot, subscription, _ = self._admit(request)
        try:
            greeting = request.source.greeting(subscription.end)
        except Exception:
            # The edge of this connection: whatever the greeting needs is down.
            log.exception("relay_greeting_failed")
            subscription.close()
            slot.release()
            return partial(socket.close, CloseCode.TRY_AGAIN_LATER)
        return partial(socket.serve, request.source, subscription, slot, greeting)

    def _prepare_multi_subject(self, socket: MultiSubjectSocket, request: MultiSubjectRequest) -> Job:
        self._refuse_while_draining()
        slot = self.registry.acquire_connection(request.address, request.person)
        try:
            greeting = request.source.greeting()
        except Exception:
            # As above.
            log.exception("relay_greeting_failed")
            slot.release()
            return partial(socket.close, CloseCode.TRY_AGAIN_LATER)
        return partial(socket.serve, request.source, self._subscribe, slot, greeting)

    def _refuse_while_draining(self) -> None:
        if self.is_draining:
            raise DrainingError("this process is about to stop")

    def _admit(self, request: SubscribeRequest) -> tuple[ReaderSlot, Subscription, Position]:
        """Its slot, its events, and the position that they begin at."""
        self._refuse_while_draining()
        source, subject = request.source, request.source.subject
        slot = self.registry.acquire(
            subject, source.max_readers, request.address, request.person, person_max=request.person_max
        )
        try:
            start = request.after or self.hub.find_end(subject)
            return slot, self._follow(source, start), start
        except StreamsError:
            slot.release()
            raise

    def _subscribe(
        self, source: StreamSource, after: Position | None, budget: QueueBudget
    ) -> tuple[ReaderSlot, Subscription]:
        """One subject more for a socket that was admitted."""
        subject = source.subject
        slot = self.registry.acquire_subject(subject, source.max_readers)
        try:
            start = after or self.hub.find_end(subject)
            return slot, self._follow(source, start, budget)
        except StreamsError:
            slot.release()
            raise

    def _follow(self, source: StreamSource, start: Position, budget: QueueBudget | None = None) -> Subscription:
        return self.hub.subscribe(source.subject, start, budget, source.restart_after)

    def _poll_long(self, request: SubscribeRequest, after: Position, wait_seconds: float) -> Polled:
        pool = self._pool_of_process()
        with self._admission_permit():
            slot, subscription, _ = self._admit(replace(request, after=after))
        poll = LongPoll(request.source, subscription)
        pool.loop.run(partial(pool.add_poll, poll))
        try:
            item = poll.wait(wait_seconds)
        finally:
            pool.loop.run(partial(pool.polls.remove, poll))
            subscription.close()
            slot.release()
        if item is None:
            return Polled((), after)
        if isinstance(item, Resync):
            return Polled((), item.position, is_gone=True)
        return Polled([item], item.position)


class PeriodicJob:
    """A job that a loop calls again and again; loops may tick more often than they are asked to."""

    def __init__(self, seconds: float, job: Job, work: Callable[[Job, Callable[[None], None], Job], None]) -> None:
        self._seconds = seconds
        self._job = job
        self._work = work
        self._due_at = time.monotonic() + seconds
        self._is_busy = False

    def on_tick(self) -> None:
        now = time.monotonic()
        # A timer may come a little early.
        if not self._is_busy and now >= self._due_at - self._seconds / 10:
            self._is_busy, self._due_at = True, now + self._seconds
            self._work(self._job, lambda _: self._on_done(), self._on_done)

    def _on_done(self) -> None:
        self._is_busy = False


def _wait_unless_detachable(ws: AcceptedSocket) -> threading.Event | None:
    """gunicorn lets go of a connection without a word; other servers would still write an HTTP answer into it."""
    return None if ws.mode == "gunicorn" else threading.Event()
