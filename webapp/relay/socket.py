"""One WebSocket that has left its server: frames in and out, deadlines, the closing handshake. No greenlet waits."""

import os
import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from core.logs import get_logger
from streams import Position
from webapp.relay import messages, metrics
from webapp.relay.channel import Resync
from webapp.relay.client_protocol import InboundLimiter, reply_to
from webapp.relay.closing import CloseCode, reason_of
from webapp.relay.errors import ProtocolError
from webapp.relay.frames import FrameReader, Message, Opcode, decode_close, encode_close, encode_frame
from webapp.relay.handshake import end_writing
from webapp.relay.loop import Watch
from webapp.relay.pool import SocketPool
from webapp.relay.registry import ReaderSlot
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription

log = get_logger(__name__)

_READ_BYTES = 16_384
_WRITE_BYTES = 65_536
_PING = encode_frame(Opcode.PING, b"")
_OPEN, _CLOSING, _CLOSED = range(3)
_NEVER = float("inf")


class Socket:
    """Everything runs on the loop, save what `_spawn` is given. The descriptor is owned and closed here.

    Waiting bytes are bounded: one write under way, a few control frames (the limits on what comes in bound them),
    and the subscription's queue. Nothing is read before it is known whether the peer may read.
    """

    __slots__ = (
        "_active_at", "_admit_by", "_buffer", "_close_by", "_control", "_descriptor", "_done", "_is_busy",
        "_is_peer_done", "_limiter", "_ping_at", "_pong_by", "_pool", "_reader", "_reauthorize_at", "_slot",
        "_source", "_state", "_subscription", "_wants_status", "_watch", "_write_by", "due_tick",
    )  # fmt: skip

    def __init__(self, pool: SocketPool, descriptor: int, done: threading.Event | None = None) -> None:
        now = pool.now()
        self._pool = pool
        self._descriptor = descriptor
        self._done = done
        self._reader: FrameReader | None = FrameReader(pool.limits.message_in_max_bytes)
        self._watch: Watch | None = None
        self._source: StreamSource | None = None
        self._subscription: Subscription | None = None
        self._slot: ReaderSlot | None = None
        self._control: list[bytes] = []
        self._buffer: memoryview | bytes = b""
        self._state = _OPEN
        self._is_busy = False  # events stay in their queue until a resync or a page has come
        self._is_peer_done = False
        self._wants_status = False
        self._limiter = InboundLimiter(pool.limits)
        self._active_at = now
        self._ping_at = now + pool.limits.ping_every_seconds * random.uniform(0.5, 1)  # noqa: S311
        self._reauthorize_at = self._next_reauthorization(now)
        self._admit_by = now + pool.limits.admit_within_seconds
        self._pong_by = self._write_by = self._close_by = _NEVER
        self.due_tick = 0

    def begin(self) -> None:
        """Its time runs; `serve` or `close` must follow."""
        self._pool.add(self)
        self._pool.timers.put(self, self._next_deadline())

    def serve(self, source: StreamSource, subscription: Subscription, slot: ReaderSlot, first: list[bytes]) -> None:
        """Send `first` (JSON), then what came before, then what comes. Too late, it only releases the slot."""
        if self._state != _OPEN:
            subscription.close()
            slot.release()
            return
        self._admit_by = _NEVER
        self._source, self._subscription, self._slot = source, subscription, slot
        for json in first:
            self._answer(json)
        subscription.on_ready = self._pool.loop.hook(self._on_ready)
        self._pool.timers.put(self, self._next_deadline())
        self._listen()
        self.flush()

    def _listen(self) -> None:
        if self._watch is None:
            self._watch = self._pool.loop.watch(self._descriptor, self._on_readable)

    # Reading

    def _on_readable(self) -> None:
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop("reset")
            return
        if not data:
            self._drop("gone")
            return
        self._pong_by = _NEVER  # whoever sends is alive
        try:
            self._take_in(data)
        except ProtocolError as exc:
            self._reader = None  # after this nothing of it can be believed
            self._begin_close(exc.code, str(exc))
        self.flush()

    def _take_in(self, data: bytes) -> None:
        if self._reader is None:
            return
        for message in self._reader.feed(data):
            if message.opcode is Opcode.CLOSE:
                self._on_close(message)
                return
            if self._state == _OPEN:
                self._on_message(message)

    def _on_message(self, message: Message) -> None:
        refusal = self._limiter.reject_reason(message.opcode, self._pool.now())
        if refusal is not None:
            self._begin_close(CloseCode.TOO_MANY, refusal)
        elif message.opcode is Opcode.TEXT:
            self._on_text(message.payload)
        elif message.opcode is Opcode.PING:
            self._control.append(encode_frame(Opcode.PONG, message.payload))
        elif message.opcode is Opcode.BINARY:
            self._answer(messages.error(messages.ErrorCode.NOT_TEXT))

    def _on_text(self, text: bytes) -> None:
        self._active_at = self._pool.now()
        reply = reply_to(text)
        metrics.MESSAGES_IN.labels(reply.kind).inc()
        if reply.json is not None:
            self._answer(reply.json)
        elif not self._wants_status:  # one answer serves all that asked meanwhile
            self._wants_status = True
            self._spawn(self._make_status, self._give_status)

    def _on_close(self, message: Message) -> None:
        self._reader = None
        self._is_peer_done = True
        if self._state == _OPEN:
            code = decode_close(message.payload)
            self._release(_CLOSING, "client")
            self._control.append(encode_close(code))

    def _answer(self, json: bytes) -> None:
        if len(json) > self._pool.limits.message_out_max_bytes:
            log.error("relay_message_too_big", message_bytes=len(json))
            self._begin_close(CloseCode.INTERNAL)
        elif self._state == _OPEN:
            self._control.append(encode_frame(Opcode.TEXT, json))

    # Writing

    def flush(self) -> None:
        """Write what waits until the kernel takes no more; frames that wait together leave in one write."""
        if self._state == _CLOSED or self._watch is None:
            return
        try:
            while self._buffer or self._gather():
                sent = os.write(self._descriptor, self._buffer)
                self._pool.count_write(sent)
                self._buffer = b"" if sent == len(self._buffer) else memoryview(self._buffer)[sent:]
                if self._write_by is not _NEVER:
                    self._write_by = self._pool.now() + self._pool.limits.write_within_seconds
        except (BlockingIOError, InterruptedError):
            self._wait_writable()
            return
        except OSError:
            self._drop("reset")
            return
        if self._write_by is not _NEVER:
            self._watch.no_write()
            self._write_by = _NEVER
        if self._is_peer_done:
            self._drop(None)
        elif self._state == _CLOSING and self._reader is None:
            end_writing(self._descriptor)  # its close frame could not be read any more; the end of the stream can

    def _wait_writable(self) -> None:
        if self._write_by is _NEVER and self._watch is not None:
            self._write_by = self._pool.now() + self._pool.limits.write_within_seconds
            self._pool.timers.put(self, self._write_by)
            self._watch.want_write(self.flush)

    def _gather(self) -> bool:
        """Fill the buffer with what waits; False when there is nothing."""
        if self._state == _OPEN and not self._is_busy:
            self._gather_events()
        if not self._control:
            return False
        waiting, self._control = self._control, []
        self._buffer = waiting[0] if len(waiting) == 1 else b"".join(waiting)
        return True

    def _gather_events(self) -> None:
        subscription, source = self._subscription, self._source
        if subscription is None or source is None:
            return
        if subscription.is_too_slow:
            self._begin_close(CloseCode.TOO_SLOW)
            return
        if subscription.is_live and not subscription.is_waiting:
            return  # as after most writes; what is pushed just now wakes us again
        items = subscription.take(_WRITE_BYTES)
        for item in items:
            if isinstance(item, Resync):
                self._pause(partial(self._make_resync, item.position))
                return
            self._control.append(item.frame)
            code = source.close_code_for(item.event)
            if code is not None:
                self._begin_close(code)
                break
        if items:
            self._pool.count_events(items)
            self._active_at = self._pool.now()
        elif not subscription.is_live:
            self._pause(subscription.catch_up)

    def _on_ready(self) -> None:
        """Something waits."""
        if self._write_by is _NEVER:
            self.flush()
        elif self._subscription is not None and self._subscription.is_too_slow:
            self._begin_close(CloseCode.TOO_SLOW)

    # What may block

    def _pause(self, job: Callable[[], bytes | None]) -> None:
        self._is_busy = True
        self._spawn(job, self._resume)

    def _resume(self, json: bytes | None) -> None:
        self._is_busy = False
        if json is not None:
            self._answer(json)
        self.flush()

    def _give_status(self, json: bytes | None) -> None:
        self._wants_status = False
        if json is not None:
            self._answer(json)
            self.flush()

    def _make_status(self) -> bytes | None:
        source, subscription = self._source, self._subscription
        if source is None or subscription is None:
            return None
        return messages.session_status(source.greeting, source.snapshot(), subscription.end)

    def _make_resync(self, position: Position) -> bytes | None:
        source = self._source
        return messages.resync(source.greeting, source.snapshot(), position) if source is not None else None

    def _spawn(self, job: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._pool.work(job, then, partial(self.close, CloseCode.TRY_AGAIN_LATER))

    # Deadlines

    def on_due(self, now: float) -> float | None:
        if self._state == _CLOSED:
            return None
        if now >= min(self._write_by, self._close_by):
            self._drop("write_timeout" if now >= self._write_by else "close_timeout")
            return None
        if self._state == _OPEN:
            self._keep_alive(now)
        return self._next_deadline() if self._state != _CLOSED else None

    def _keep_alive(self, now: float) -> None:
        if now >= self._admit_by:
            self.close(CloseCode.TRY_AGAIN_LATER)
        elif now >= self._pong_by:
            self.close(CloseCode.NO_PONG)
        elif now >= self._active_at + self._pool.limits.idle_seconds:
            self.close(CloseCode.IDLE)
        if self._state != _OPEN or self._source is None:
            return
        if now >= self._reauthorize_at:
            self._reauthorize_at = self._next_reauthorization(now)
            self._spawn(self._source.reauthorize, self._on_reauthorized)
        if now >= self._ping_at:
            self._ping_at = now + self._pool.limits.ping_every_seconds
            self._pong_by = min(self._pong_by, now + self._pool.limits.pong_within_seconds)
            self._limiter.await_pong()
            self._control.append(_PING)
            if self._write_by is _NEVER:
                self.flush()

    def _on_reauthorized(self, code: int | None) -> None:
        if code is not None:
            self.close(code)

    def _next_reauthorization(self, now: float) -> float:
        return now + self._pool.limits.check_every_seconds * random.uniform(0.8, 1)  # noqa: S311

    def _next_deadline(self) -> float:
        ends = min(self._write_by, self._close_by)
        if self._state != _OPEN or self._source is None:
            return min(ends, self._admit_by if self._state == _OPEN else _NEVER)
        return min(
            ends, self._pong_by, self._ping_at, self._reauthorize_at, self._active_at + self._pool.limits.idle_seconds
        )

    # Closing

    def close(self, code: int, reason: str | None = None) -> None:
        """Send a close frame after what is under way, and wait for the answer: closing at once could destroy it."""
        if self._state == _OPEN:
            self._begin_close(code, reason)
            self._listen()
            if self._write_by is _NEVER:
                self.flush()

    def _begin_close(self, code: int, reason: str | None = None) -> None:
        if self._state != _OPEN:
            return
        self._release(_CLOSING, str(int(code)))
        self._control.append(encode_close(code, reason_of(code) if reason is None else reason))

    def _release(self, state: int, outcome: str) -> None:
        """Nothing more will be read from the stream; the socket itself may live on for the closing handshake."""
        if self._state == _OPEN:
            metrics.CLOSED.labels("websocket", outcome).inc()
            self._close_by = self._pool.now() + self._pool.limits.close_within_seconds
            self._pool.timers.put(self, self._close_by)
        self._state = state
        if self._subscription is not None:
            self._subscription.on_ready = None  # closing wakes its reader, and we are in the middle of something
            self._subscription.close()
        self._subscription = self._source = None

    def _drop(self, outcome: str | None) -> None:
        """Now, without a close frame. Stopping the watch comes first: libev aborts over a closed descriptor."""
        if self._state == _CLOSED:
            return
        self._release(_CLOSED, outcome or "client")
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._slot is None:
            end_writing(
                self._descriptor
            )  # the server may still hold the connection, and closing ours would say nothing
        os.close(self._descriptor)
        self._control, self._buffer, self._reader = [], b"", None
        if self._slot is not None:
            self._slot.release()
        self._pool.remove(self)
        if self._done is not None:
            self._done.set()
