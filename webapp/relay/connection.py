"""One WebSocket that has left its server: frames in and out, deadlines, the closing handshake. No greenlet waits."""

import os
import threading
from collections.abc import Iterable, Sequence

from core.logs import get_logger
from webapp.relay import metrics
from webapp.relay.client_protocol import InboundLimiter
from webapp.relay.closing import CloseCode, reason_of
from webapp.relay.errors import ProtocolError
from webapp.relay.frames import FrameReader, Message, Opcode, decode_close, encode_close, encode_frame
from webapp.relay.handshake import end_writing
from webapp.relay.pool import ReaderPool
from webapp.relay.reauthorization import Reviewable
from webapp.relay.registry import ReaderSlot

log = get_logger(__name__)

_READ_BYTES = 16_384
_PING = encode_frame(Opcode.PING, b"")
_EMPTY_PONG_HEAD, _EMPTY_PONG_BYTES = b"\x8a\x80", 6  # final, masked; the four bytes of the mask follow
_ADMITTING, _OPEN, _CLOSING, _CLOSED = range(4)
_NEVER = float("inf")


class Connection:
    """Everything runs on the loop. The descriptor is owned and closed here.

    Waiting bytes are bounded: one write under way, a few control frames (the limits on what comes in bound them), and
    what the subclass holds back. Nothing is read before it is known whether the peer may read.
    """

    __slots__ = (
        "_awaited_pongs", "_buffer", "_control", "_deadline", "_descriptor", "_done", "_end_code", "_idle_pings",
        "_ignores_input", "_is_peer_done", "_is_registered", "_limiter", "_pool", "_reader", "_silent_pings", "_slot",
        "_state", "_write_by", "due_tick",
    )  # fmt: skip

    def __init__(self, pool: ReaderPool, descriptor: int, done: threading.Event | None = None) -> None:
        self._pool = pool
        self._descriptor = descriptor
        self._done = done
        self._end_code = int(CloseCode.NORMAL)  # of an open one's deadline
        self._state = _ADMITTING
        self._deadline = pool.now() + pool.limits.admit_within_seconds
        self._write_by = _NEVER
        self._slot: ReaderSlot | None = None
        self._is_registered = False  # at the poller
        self._is_peer_done = False
        self._ignores_input = False  # after a mistake in a frame nothing can be believed any more
        self._reader: FrameReader | None = None  # while a message is on its way
        self._limiter: InboundLimiter | None = None  # once something was said
        self._control: list[bytes] | None = None  # frames that go before all events
        self._buffer: bytes | memoryview = b""
        self._awaited_pongs = 0
        self._silent_pings = 0  # our pings since the last byte from the peer
        self._idle_pings = 0  # our pings since anything but pings went either way
        self.due_tick = 0

    @property
    def number(self) -> int:
        return self._descriptor

    @property
    def is_admitting(self) -> bool:
        """Nobody has decided yet, and it is not too late."""
        return self._state == _ADMITTING

    @property
    def is_open(self) -> bool:
        return self._state == _OPEN

    @property
    def _is_blocked(self) -> bool:
        """The kernel takes no more for now."""
        return self._write_by is not _NEVER

    def begin(self) -> None:
        """Its time runs; opening or `close` must follow."""
        self._pool.add(self)
        self._pool.timers.put(self, self._deadline)

    # What a subclass decides

    def reviewables(self) -> Iterable[Reviewable]:
        """Everything that has a right which may be lost."""
        return ()

    def take_frames(self) -> Sequence[bytes]:
        """The next frames of events."""
        return ()

    def _on_text(self, text: bytes) -> None:
        """A message of the client, whole and UTF-8."""

    def _on_binary(self) -> None:
        """The same, of bytes that are no text."""

    def _on_ended(self) -> None:
        """It was open, and is no more: nothing is asked for and nothing is read from now on."""

    # Opening

    def _open(self, slot: ReaderSlot, greeting: Iterable[bytes]) -> bool:
        """False, and the slot is given back, when it came too late."""
        if self._state != _ADMITTING:
            slot.release()
            return False
        self._state, self._deadline, self._slot = _OPEN, _NEVER, slot
        for json in greeting:
            self.send(json)
        self._register()
        self._pool.reauthorization.note_opened(self.reviewables())
        return True

    def _register(self) -> None:
        if not self._is_registered:
            self._is_registered = True
            self._pool.loop.poller.register(self._descriptor, self)

    # Reading

    def on_readable(self) -> None:
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
        self._silent_pings = 0
        if self._is_awaited_pong(data):
            self._awaited_pongs -= 1
            return
        try:
            self._take_in(data)
        except ProtocolError as exc:
            self._ignores_input = True
            self._begin_close(exc.code, str(exc))
        self.flush()

    def _is_awaited_pong(self, data: bytes) -> bool:
        """By far the most that clients send, so it is told by its bytes, without a frame reader."""
        if len(data) != _EMPTY_PONG_BYTES or not data.startswith(_EMPTY_PONG_HEAD):
            return False
        return self._awaited_pongs > 0 and self._reader is None

    def _take_in(self, data: bytes) -> None:
        if self._ignores_input:
            return
        reader = self._reader or FrameReader(self._pool.limits.message_in_max_bytes)
        self._reader = None
        for message in reader.feed(data):
            if message.opcode is Opcode.CLOSE:
                self._on_close(message)
                return
            if self._state == _OPEN:
                self._on_message(message)
        if reader.is_midway:
            self._reader = reader

    def _on_message(self, message: Message) -> None:
        if message.opcode is Opcode.PONG and self._awaited_pongs:
            self._awaited_pongs -= 1  # who only answers our pings meets no limit
            return
        now = self._pool.now()
        self._limiter = self._limiter or InboundLimiter(self._pool.limits, now)
        reason = self._limiter.reject_reason(message.opcode, now)
        if reason is not None:
            self._begin_close(CloseCode.TOO_MANY, reason)
        elif message.opcode is Opcode.TEXT:
            self._on_text(message.payload)
        elif message.opcode is Opcode.PING:
            self._put_control(encode_frame(Opcode.PONG, message.payload))
        elif message.opcode is Opcode.BINARY:
            self._on_binary()

    def _on_close(self, message: Message) -> None:
        self._ignores_input = self._is_peer_done = True
        if self._state == _OPEN:
            code = decode_close(message.payload)
            self._release(_CLOSING, "client")
            self._put_control(encode_close(code))

    # Writing

    def send(self, json: bytes) -> None:
        """Before all events that wait; nothing is written yet."""
        if len(json) > self._pool.limits.message_out_max_bytes:
            log.error("relay_message_too_big", message_bytes=len(json))
            self._begin_close(CloseCode.INTERNAL)
        elif self._state == _OPEN:
            self._put_control(encode_frame(Opcode.TEXT, json))

    def flush(self) -> None:
        """Write what waits until the kernel takes no more; frames that wait together leave in one write."""
        if self._is_registered and self._write_by is _NEVER:
            self.on_writable()

    def on_writable(self) -> None:
        pool = self._pool
        try:
            while self._buffer or self._gather():
                sent = os.write(self._descriptor, self._buffer)
                pool.writes += 1
                pool.bytes_out += sent
                self._buffer = b"" if sent == len(self._buffer) else memoryview(self._buffer)[sent:]
                if self._write_by is not _NEVER:
                    self._write_by = pool.now() + pool.limits.write_within_seconds
        except (BlockingIOError, InterruptedError):
            self._wait_writable()
        except OSError:
            self._drop("reset")
        else:
            self._on_all_written()

    def _wait_writable(self) -> None:
        if self._write_by is _NEVER:
            self._write_by = self._pool.now() + self._pool.limits.write_within_seconds
            self._pool.timers.put(self, self._write_by)
            self._pool.loop.poller.want_write(self._descriptor, True)

    def _on_all_written(self) -> None:
        if self._write_by is not _NEVER:
            self._pool.loop.poller.want_write(self._descriptor, False)
            self._write_by = _NEVER
        if self._is_peer_done:
            self._drop(None)
        elif self._state == _CLOSING and self._ignores_input:
            end_writing(self._descriptor)  # its close frame could not be read any more; the end of the stream can

    def _gather(self) -> bool:
        """Fill the buffer with what waits; False when there is nothing."""
        control = self._control
        if control is not None:
            self._control = None  # what is put there from now on goes after the events
        frames: Sequence[bytes] = ()
        if self._state == _OPEN:
            frames = self.take_frames()
            if frames:
                self._idle_pings = 0
        if control is not None:
            frames = [*control, *frames]
        elif not frames and self._control is not None:  # having no events can be the end of them, with a close frame
            frames, self._control = self._control, None
        self._buffer = frames[0] if len(frames) == 1 else b"".join(frames)
        return bool(frames)

    def _put_control(self, frame: bytes) -> None:
        if self._control is None:
            self._control = [frame]
        else:
            self._control.append(frame)

    # Deadlines

    def on_due(self, now: float) -> float | None:
        if self._state == _CLOSED:
            return None
        if now >= self._write_by:
            self._drop("write_timeout")
        elif now >= self._deadline:
            if self._state == _ADMITTING:
                self.close(CloseCode.TRY_AGAIN_LATER)
            elif self._state == _OPEN:
                self.close(self._end_code)
            else:
                self._drop("close_timeout")
        due = min(self._write_by, self._deadline)
        return due if self._state != _CLOSED and due is not _NEVER else None

    def ping(self) -> None:
        """Once in every period of the limits."""
        if self._state != _OPEN:
            return
        limits = self._pool.limits
        if self._idle_pings * limits.ping_every_seconds >= limits.idle_seconds:
            self.close(CloseCode.IDLE)
            return
        self._idle_pings += 1
        self._silent_pings += 1
        self._awaited_pongs += 1
        if self._buffer:
            self._put_control(_PING)
        else:  # as nearly always; nothing is gathered for it
            self._buffer = _PING
            self.on_writable()

    def check_pong(self) -> None:
        """As often, and by as much later as a pong may take: the pings since then are not late yet."""
        limits = self._pool.limits
        if self._state == _OPEN and self._silent_pings > limits.pong_within_seconds // limits.ping_every_seconds:
            self.close(CloseCode.NO_PONG)

    # Closing

    def close(self, code: int, reason: str | None = None) -> None:
        """Send a close frame after what is under way, and wait for the answer: closing at once could destroy it."""
        if self._state in {_ADMITTING, _OPEN}:
            self._begin_close(code, reason)
            self._register()
            self.flush()

    def close_later(self, code: int, seconds: float) -> None:
        """Unless it is closed before. The first call counts."""
        if self._state == _OPEN and self._deadline is _NEVER:
            self._end_code, self._deadline = code, self._pool.now() + seconds
            self._pool.timers.put(self, self._deadline)

    def _begin_close(self, code: int, reason: str | None = None) -> None:
        if self._state in {_ADMITTING, _OPEN}:
            self._release(_CLOSING, str(int(code)))
            self._put_control(encode_close(code, reason_of(code) if reason is None else reason))

    def _release(self, state: int, outcome: str) -> None:
        """Nothing more will be read from a stream; the connection itself may live on for the closing handshake."""
        if self._state in {_ADMITTING, _OPEN}:
            metrics.CLOSED.labels("websocket", outcome).inc()
            self._deadline = self._pool.now() + self._pool.limits.close_within_seconds
            self._pool.timers.put(self, self._deadline)
        was_open, self._state = self._state == _OPEN, state
        if was_open:
            self._on_ended()

    def _drop(self, outcome: str | None) -> None:
        """Now, without a close frame. Unregistering comes first: a closed descriptor may be another's at once."""
        if self._state == _CLOSED:
            return
        self._release(_CLOSED, outcome or "client")
        if self._is_registered:
            self._is_registered = False
            self._pool.loop.poller.unregister(self._descriptor)
        if self._slot is None:
            end_writing(self._descriptor)  # the server may still hold it, and closing ours would say nothing
        self._pool.remove(self)
        os.close(self._descriptor)
        self._control, self._buffer, self._reader = None, b"", None
        if self._slot is not None:
            self._slot.release()
        if self._done is not None:
            self._done.set()
