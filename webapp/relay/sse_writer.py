"""The body of an answer of server-sent events, whatever they tell: its write deadline, its end, its slot."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from webapp.relay import metrics
from webapp.relay.closing import CloseCode
from webapp.relay.pool import ReaderPool
from webapp.relay.reauthorization import Reviewable, Right
from webapp.relay.server_connection import ServerConnection

_NEVER = float("inf")


class SseWriter:
    """The server must call `close`, as WSGI demands; it gives the slot back.

    The server reads nothing while it answers, so the loop looks whether the peer has left. `on_due` is called by the
    timer wheel: between two parts the server writes, and a write that takes too long is ended by cutting it.
    """

    transport: ClassVar[str] = "sse"

    def __init__(
        self, pool: ReaderPool, source: Right, *, connection: ServerConnection, on_close: Callable[[], None]
    ) -> None:
        """`source` says who may go on reading."""
        self.source = source
        self._pool = pool
        self._connection = connection
        self._on_close: Callable[[], None] | None = on_close
        self._parts = self._run()
        self._write_by = _NEVER
        self._outcome = "gone"
        # Of the monotonic clock: since when there is this answer, and when it gave its last part to the server.
        self.began_at = self.handed_over_at = time.monotonic()
        self._is_ended = False
        self._end_code: int | None = None  # None: without a word
        self.number = connection.descriptor
        self.due_tick = 0

    def begin(self) -> None:
        self._pool.loop.run(self._begin_on_loop)

    def _begin_on_loop(self) -> None:
        self._pool.add_stream(self)
        if self._on_close is not None:
            self._pool.timers.put(self, self._pool.now() + self._pool.limits.write_within_seconds)
            # Later than our own deadline, as a reader that only takes nothing is silent to the kernel, too.
            self._connection.drop_when_silent(2 * self._pool.limits.write_within_seconds)
            self._connection.watch(self._pool.loop, self._on_left)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._write_by = _NEVER
        part = next(self._parts)
        self.handed_over_at = time.monotonic()
        self._write_by = self.handed_over_at + self._pool.limits.write_within_seconds
        return part

    def close(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            self._release()
            metrics.CLOSED.labels(self.transport, self._outcome).inc()
            on_close()
            self._pool.loop.run(self._close_on_loop)

    def _close_on_loop(self) -> None:
        self._pool.remove_stream(self)
        self._connection.release()

    # On the loop

    def on_due(self, now: float) -> float | None:
        if self._on_close is None:
            return None
        if now >= self._write_by:
            self._outcome = "write_timeout"
            self._connection.cut_off()
            return None
        return min(self._write_by, now + self._pool.limits.write_within_seconds)

    def reviewables(self) -> Iterable[Reviewable]:
        return (self,) if self._on_close is not None else ()

    def lose_right(self, code: int) -> None:
        self._end(code)

    def drain(self) -> None:
        """End the answer and tell the browser to come back, not all at once."""
        self._end(CloseCode.GOING_AWAY)

    def _on_left(self) -> None:
        self._end(None)

    def _end(self, code: int | None) -> None:
        self._is_ended, self._end_code = True, code
        self._wake()

    # Of the kinds of answers

    def _run(self) -> Iterator[bytes]:
        """The parts, in the server's thread or greenlet."""
        raise NotImplementedError

    def _wake(self) -> None:
        """On the loop: whoever waits for the next part looks at `_is_ended`. Must not block."""
        raise NotImplementedError

    def _release(self) -> None:
        """Once, in the server's thread or greenlet, when nothing more is written."""
        raise NotImplementedError
