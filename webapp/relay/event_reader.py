"""How a WebSocket takes the events of one subscription: frames that wait together leave together."""

from collections.abc import Callable, Sequence
from functools import partial

from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode
from webapp.relay.pool import ReaderPool
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription

_TAKE_BYTES = 65_536


class EventReader:
    """A mix-in without slots of its own, so that a socket that follows one subject is its own reader.

    On the loop, save the jobs that it gives away.
    """

    __slots__ = ()

    _pool: ReaderPool
    source: StreamSource
    subscription: Subscription

    def take_frames(self) -> Sequence[bytes]:
        """What waits, and can go on at once."""
        subscription = self.subscription
        if subscription.queue is None or subscription.is_paused:
            if not subscription.is_live:
                self._go_on_without_events()
            return ()
        frames = []
        source = type(self.source)
        items = subscription.take(_TAKE_BYTES)
        for item in items:
            if isinstance(item, Resync):
                self._pause(partial(self.source.resync, item.position))
                break
            frames.append(item.frame)
            code = item.close_code_for(source)
            if code is not None and self.source.is_ended_by(item.event):
                if linger_seconds := self.source.linger_seconds(code):
                    self.end_later(code, linger_seconds)
                else:
                    self.end(code)
                    break
        if frames:
            self._pool.count_events(items[0], len(frames), source)
        return frames

    def end(self, code: int) -> None:
        """No more events of this subscription; the code goes to the client after what it has been given."""
        raise NotImplementedError

    def end_later(self, code: int, seconds: float) -> None:
        """The same after a while, until when events are still given."""
        raise NotImplementedError

    def send(self, json: bytes) -> None:
        raise NotImplementedError

    def flush(self) -> None:
        raise NotImplementedError

    def _go_on_without_events(self) -> None:
        subscription = self.subscription
        if subscription.is_too_slow:
            self.end(CloseCode.TOO_SLOW)
        elif not (subscription.is_paused or subscription.is_closed):
            self._pause(subscription.catch_up)

    def _pause(self, job: Callable[[], bytes | None]) -> None:
        self.subscription.is_paused = True
        self._pool.work(job, self._resume, self._fail)

    def _resume(self, json: bytes | None) -> None:
        self.subscription.is_paused = False
        if json is not None:
            self.send(json)
        self.flush()

    def _fail(self) -> None:
        self.end(CloseCode.TRY_AGAIN_LATER)
        self.flush()
