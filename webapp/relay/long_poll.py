"""An answer that waits for one event, as a reader whose right may end meanwhile."""

from collections.abc import Iterable

from streams import StoredEvent
from webapp.relay.channel import Resync
from webapp.relay.closing import CloseCode
from webapp.relay.errors import RightLostError, SubscriptionClosedError
from webapp.relay.reauthorization import Reviewable
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription

_TAKEN_BACK = frozenset({CloseCode.NOT_AUTHENTICATED, CloseCode.UNKNOWN})
# The session's own end: whoever asks again is told of it as the API tells it.
_ENDED = frozenset({CloseCode.EXPIRED, CloseCode.COMPLETE})


class LongPoll:
    """Is told of a lost right on the loop, while another thread waits."""

    def __init__(self, source: StreamSource, subscription: Subscription) -> None:
        self.source = source
        self.number = id(self) >> 4  # what the allocator aligns says nothing
        self._subscription = subscription
        self._code: int | None = None

    def wait(self, seconds: float) -> StoredEvent | Resync | None:
        """None when nothing came in time, or nothing can come any more. Raises RightLostError, and what a subscription
        raises."""
        try:
            item = self._subscription.next(seconds)
        except SubscriptionClosedError:
            if self._code in _ENDED:
                return None
            self._require_right()
            raise
        self._require_right()
        return item

    def reviewables(self) -> Iterable[Reviewable]:
        return () if self._subscription.is_closed else (self,)

    def lose_right(self, code: int) -> None:
        self._code = code
        self._subscription.close()

    def _require_right(self) -> None:
        if self._code in _TAKEN_BACK:
            raise RightLostError(CloseCode(self._code))
