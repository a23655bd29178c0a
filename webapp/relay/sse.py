"""The same events as server-sent events: an answer that never ends by itself, resumed by Last-Event-ID."""

import random
import re
import time
from collections.abc import Callable, Iterator

from core.clock import clock
from core.logs import get_logger
from core.settings import RelaySettings
from streams import Position, StreamsError
from webapp.relay import messages, metrics
from webapp.relay.channel import Outgoing, Resync
from webapp.relay.closing import CloseCode, reason_of
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError
from webapp.relay.pool import ReaderPool
from webapp.relay.server_connection import ServerConnection
from webapp.relay.sse_writer import SseWriter
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription

log = get_logger(__name__)

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-store, no-transform",  # a proxy that compresses would hold events back
    "X-Accel-Buffering": "no",  # nginx would wait for a full buffer
}
_POSITION = re.compile(r"(?:([0-9a-f]{0,32}):)?([0-9]{1,15})")
_POSITION_MAX = 64
_EVENTS_OUT = metrics.EVENTS_OUT.labels("sse")
_DELAY = metrics.DELAY.labels("sse")


def parse_position(text: str) -> Position:
    """`12` or `epoch:12`, as in `after_seq` and Last-Event-ID. Raises ValueError."""
    match = _POSITION.fullmatch(text.strip()) if len(text) <= _POSITION_MAX else None
    if match is None:
        raise ValueError("not a position in a stream")
    return Position(match[1] or "", int(match[2]))


class SseStream(SseWriter):
    """A subject's events."""

    source: StreamSource

    def __init__(
        self,
        pool: ReaderPool,
        source: StreamSource,
        subscription: Subscription,
        *,
        start: Position,
        connection: ServerConnection,
        on_close: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._start = start
        self._lingering_code: int | None = None
        self._ends_at = float("inf")
        super().__init__(pool, source, connection=connection, on_close=on_close)

    def _wake(self) -> None:
        self._subscription.close()

    def _release(self) -> None:
        self._subscription.close()

    # In the server's thread or greenlet

    def _run(self) -> Iterator[bytes]:
        profile = self.source.sse
        yield b"retry: %d\n\n" % profile.retry_ms
        if profile.starts_with_id:
            yield _id_of(self._start) + b"\n"
        code: int | None = None
        while code is None:
            try:
                part, code = self._next()
            except SubscriptionClosedError:
                code = self._end_code
                if code is None:
                    return
                part = retry_part(self._pool.limits) if code == CloseCode.GOING_AWAY else b""
            except Exception as exc:  # noqa: BLE001 logged there
                part, code = b"", self._code_of(exc)
            if part:
                yield part
        self._outcome = str(int(code))
        yield b"data: %b\n\n" % messages.closed(code, reason_of(code))

    def _code_of(self, exc: Exception) -> CloseCode:
        """The edge of this answer: its reader comes back by itself with its position, and the log knows why."""
        if isinstance(exc, SlowReaderError):
            return CloseCode.TOO_SLOW
        if isinstance(exc, StreamsError):
            log.warning("relay_callback_failed", error=type(exc).__name__)
        else:
            log.error("relay_callback_failed", exc_info=exc)
        return CloseCode.TRY_AGAIN_LATER

    def _next(self) -> tuple[bytes, int | None]:
        """The next part; with a close code when it was the last."""
        profile = self.source.sse
        pause = profile.keep_alive_seconds or self._pool.limits.sse_comment_seconds
        item = self._subscription.next_item(min(pause, max(self._ends_at - time.monotonic(), 0)))
        if item is None:
            is_over = time.monotonic() >= self._ends_at
            return (b"", self._lingering_code) if is_over else (profile.keep_alive, None)
        if isinstance(item, Resync):
            return self._start_anew(item)
        self.source.note_handed_over(_count(item, type(self.source)))
        code = item.close_code_for(type(self.source))
        part = _part(item.event.position, item.event.to_json())
        if code is None or not self.source.is_ended_by(item.event):
            return part, None
        if linger_seconds := self.source.linger_seconds(code):
            self._lingering_code, self._ends_at = code, time.monotonic() + linger_seconds
            return part, None
        return part, code

    def _start_anew(self, item: Resync) -> tuple[bytes, int | None]:
        json = self.source.resync(item.position)
        if len(json) > self._pool.limits.message_out_max_bytes:
            log.error("relay_message_too_big", message_bytes=len(json))
            return b"", CloseCode.INTERNAL
        return _part(item.position, json), None


def retry_part(limits: RelaySettings) -> bytes:
    """When to come back to another process: another delay each time."""
    spread_ms = int(limits.drain_spread_seconds * 1000)
    return b"retry: %d\n\n" % random.randint(0, spread_ms)  # noqa: S311 spreads, hides nothing


def _count(item: Outgoing, source: type[StreamSource]) -> float | None:
    """The seconds since its append, where they are known."""
    _EVENTS_OUT.inc()
    if item.appended_at is None:
        return None
    delay = max(0.0, time.time() - item.appended_at)
    _DELAY.observe(delay)
    if (received_at := item.received_at(source)) is not None:
        source.note_delivery("sse", max(0.0, clock.now().timestamp() - received_at))
    return delay


def _id_of(at: Position) -> bytes:
    return b"id: %b:%d\n" % (at.epoch.encode(), at.seq)


def _part(at: Position, json: bytes) -> bytes:
    return b"%bdata: %b\n\n" % (_id_of(at), json)
