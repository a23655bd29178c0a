"""The same events as server-sent events: an answer that never ends by itself, resumed by Last-Event-ID."""

import random
import re
import time
from collections.abc import Callable, Iterator

from streams import Position, StreamsError
from webapp.relay import messages, metrics
from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode, reason_of
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError
from webapp.relay.feed import Feed
from webapp.relay.limits import Limits
from webapp.relay.subscription import Subscription

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for a full buffer
}
_RETRY_MS = 3000
_POSITION = re.compile(r"(?:([0-9a-f]{0,32}):)?([0-9]{1,15})")
_EVENTS_OUT = metrics.EVENTS_OUT.labels("sse")


def parse_position(text: str) -> Position:
    """`12` or `epoch:12`, as in `after_seq` and Last-Event-ID. Raises ValueError."""
    match = _POSITION.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a place in a stream")
    return Position(match[1] or "", int(match[2]))


class SseStream:
    """The body of the answer. The server must call `close`, as WSGI demands; it gives the place back."""

    def __init__(self, feed: Feed, subscription: Subscription, limits: Limits, on_close: Callable[[], None]) -> None:
        self._feed = feed
        self._subscription = subscription
        self._limits = limits
        self._on_close: Callable[[], None] | None = on_close
        self._parts = self._run()
        self._check_at = time.monotonic() + limits.check_every_seconds
        self.is_draining = False
        metrics.STREAMS.inc()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            self._subscription.close()
            metrics.STREAMS.dec()
            on_close()

    def drain(self) -> None:
        """End the answer and tell the browser to come back, not all at once."""
        self.is_draining = True
        self._subscription.close()

    def _run(self) -> Iterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        code: int | None = None
        while code is None:
            try:
                part, code = self._next()
            except SlowReaderError:
                part, code = b"", CloseCode.TOO_SLOW
            except SubscriptionClosedError:
                part = self._say_when_to_return() if self.is_draining else b""
                code = CloseCode.GOING_AWAY
            except StreamsError:
                return  # the browser comes back by itself, with its place
            if part:
                yield part
        yield b"data: %b\n\n" % messages.closed(code, reason_of(code))

    def _next(self) -> tuple[bytes, int | None]:
        """The next event, or after a silence a comment; with a close code when it was the last."""
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + self._limits.check_every_seconds
            code = self._feed.check()
            if code is not None:
                return b"", code
        item = self._subscription.next(self._limits.sse_comment_seconds)
        if item is None:
            return b": alive\n\n", None
        if isinstance(item, Resync):
            return _part(item.position, messages.resync(self._feed.hello, self._feed.snapshot(), item.position)), None
        _EVENTS_OUT.inc()
        return _part(item.position, item.to_json()), self._feed.ends(item)

    def _say_when_to_return(self) -> bytes:
        spread_ms = int(self._limits.drain_spread_seconds * 1000)
        return b"retry: %d\n\n" % random.randint(0, spread_ms)  # noqa: S311 spreads, hides nothing


def _part(at: Position, json: bytes) -> bytes:
    return b"id: %b:%d\ndata: %b\n\n" % (at.epoch.encode(), at.seq, json)
