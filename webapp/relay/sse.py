"""The same events as server-sent events: an answer that never ends by itself, resumed by Last-Event-ID."""

import random
import re
import time
from collections.abc import Callable, Iterator

from core.logs import get_logger
from streams import Position, StreamsError
from webapp.relay import messages, metrics
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.closing import CloseCode, reason_of
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError
from webapp.relay.limits import RelayLimits
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription

log = get_logger(__name__)

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for a full buffer
}
_RETRY_MS = 3000
_POSITION = re.compile(r"(?:([0-9a-f]{0,32}):)?([0-9]{1,15})")
_EVENTS_OUT = metrics.EVENTS_OUT.labels("sse")
_DELAY = metrics.DELAY.labels("sse")
_NEVER = float("inf")


def parse_position(text: str) -> Position:
    """`12` or `epoch:12`, as in `after_seq` and Last-Event-ID. Raises ValueError."""
    match = _POSITION.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a place in a stream")
    return Position(match[1] or "", int(match[2]))


class SseStream:
    """The body of the answer. The server must call `close`, as WSGI demands; it releases the slot.

    `on_due` is called by the timer wheel: between two parts the server writes, and `cut` ends too long a write.
    """

    def __init__(
        self,
        source: StreamSource,
        subscription: Subscription,
        limits: RelayLimits,
        *,
        on_close: Callable[[], None],
        cut: Callable[[], None],
    ) -> None:
        self._source = source
        self._subscription = subscription
        self._limits = limits
        self._on_close: Callable[[], None] | None = on_close
        self._cut = cut
        self._parts = self._run()
        self._check_at = time.monotonic() + limits.check_every_seconds
        self._write_by = _NEVER
        self._outcome = "gone"
        self.is_draining = False
        self.due_tick = 0
        metrics.STREAMS.inc()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._write_by = _NEVER
        part = next(self._parts)
        self._write_by = time.monotonic() + self._limits.write_within_seconds
        return part

    def on_due(self, now: float) -> float | None:
        if self._on_close is None:
            return None
        if now >= self._write_by:
            self._outcome = "write_timeout"
            self._cut()
            return None
        return min(self._write_by, now + self._limits.write_within_seconds)

    def close(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            self._subscription.close()
            metrics.STREAMS.dec()
            metrics.CLOSED.labels("sse", self._outcome).inc()
            on_close()

    def drain(self) -> None:
        """End the answer and tell the browser to come back, not all at once."""
        self.is_draining = True
        self._subscription.close()

    def _run(self) -> Iterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        code: int | None = None
        while code is None:
            part, code = self._next_or_end()
            if part:
                yield part
        self._outcome = str(int(code))
        yield b"data: %b\n\n" % messages.closed(code, reason_of(code))

    def _next_or_end(self) -> tuple[bytes, int | None]:
        """The next part; with a close code when it was the last."""
        try:
            return self._next()
        except SlowReaderError:
            return b"", CloseCode.TOO_SLOW
        except SubscriptionClosedError:
            return self._say_when_to_return() if self.is_draining else b"", CloseCode.GOING_AWAY
        except StreamsError as exc:
            log.warning("relay_callback_failed", error=type(exc).__name__)
        except Exception:
            # The edge of this answer: its reader comes back by itself with its place, and the log knows why.
            log.exception("relay_callback_failed")
        return b"", CloseCode.TRY_AGAIN_LATER

    def _next(self) -> tuple[bytes, int | None]:
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + self._limits.check_every_seconds
            code = self._source.reauthorize()
            if code is not None:
                return b"", code
        item = self._subscription.next_item(self._limits.sse_comment_seconds)
        if item is None:
            return b": alive\n\n", None
        if isinstance(item, Resync):
            return self._start_anew(item)
        _count(item)
        return _part(item.event.position, item.event.to_json()), self._source.close_code_for(item.event)

    def _start_anew(self, item: Resync) -> tuple[bytes, int | None]:
        json = messages.resync(self._source.greeting, self._source.snapshot(), item.position)
        if len(json) > self._limits.message_out_max_bytes:
            log.error("relay_message_too_big", message_bytes=len(json))
            return b"", CloseCode.INTERNAL
        return _part(item.position, json), None

    def _say_when_to_return(self) -> bytes:
        spread_ms = int(self._limits.drain_spread_seconds * 1000)
        return b"retry: %d\n\n" % random.randint(0, spread_ms)  # noqa: S311 spreads, hides nothing


def _count(item: Outgoing) -> None:
    _EVENTS_OUT.inc()
    if item.appended_at is not None:
        _DELAY.observe(max(0.0, time.time() - item.appended_at))


def _part(at: Position, json: bytes) -> bytes:
    return b"id: %b:%d\ndata: %b\n\n" % (at.epoch.encode(), at.seq, json)
