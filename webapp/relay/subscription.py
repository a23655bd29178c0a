"""One reader of one stream: its position, and the queue of what waits for it."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from streams import Page, Position, StoredEvent
from webapp.relay.channel import Channel, Outgoing, Resync
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError


class QueueTotals:
    """What waits for all readers of this process. Guarded by the hub's lock."""

    __slots__ = ("events", "longest_bytes", "size")

    def __init__(self) -> None:
        self.events = 0
        self.size = 0
        self.longest_bytes = 0  # of one reader's queue, since somebody last set it back

    def add(self, size: int, queue_bytes: int) -> None:
        self.events += 1
        self.size += size
        self.longest_bytes = max(self.longest_bytes, queue_bytes)

    def remove(self, events: int, size: int) -> None:
        self.events -= events
        self.size -= size


class Owner(Protocol):
    """What a subscription needs of its hub."""

    lock: threading.Lock
    queue_max_bytes: int
    queued: QueueTotals

    def read_page(self, subject: str, after: Position) -> Page: ...
    def recover(self, channel: "Channel[Subscription]") -> None: ...
    def leave(self, subscription: "Subscription", channel: "Channel[Subscription]") -> None: ...


class Subscription:
    """First behind: `catch_up` reads what came before, page by page. Then live: events are pushed to it.

    Either pull with `next`, or give `on_ready` (called without a lock, must not block) and `take`. A reader
    for which more than the hub's limit waits becomes `is_too_slow` and gets nothing more.
    """

    __slots__ = (
        "_bytes",
        "_channel",
        "_hub",
        "_items",
        "_signal",
        "is_closed",
        "is_live",
        "is_too_slow",
        "on_ready",
        "position",
    )

    def __init__(
        self, hub: Owner, channel: "Channel[Subscription]", after: Position, on_ready: Callable[[], None] | None
    ) -> None:
        self._hub = hub
        self._channel = channel
        self.position = after
        self.on_ready = on_ready
        self._items: list[Outgoing | Resync] = []
        self._bytes = 0
        self._signal: threading.Event | None = None
        self.is_live = False
        self.is_closed = False
        self.is_too_slow = False

    def next(self, timeout: float | None = None) -> StoredEvent | Resync | None:
        """The next event in order, or None after `timeout` seconds. Raises as `next_item`."""
        item = self.next_item(timeout)
        return item.event if isinstance(item, Outgoing) else item

    def next_item(self, timeout: float | None = None) -> Outgoing | Resync | None:
        """The same with the time of its append.

        Raises SlowReaderError, SubscriptionClosedError, and StreamsUnavailable while catching up.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            item = self._pop()
            if item is not None:
                return item
            if not self.is_live:
                self.catch_up()
            elif not self._wait(deadline):
                return None

    def take(self, max_bytes: int) -> list[Outgoing | Resync]:
        """What waits, at least one item if any, about `max_bytes`; a Resync is always the last of a take."""
        with self._hub.lock:
            items = self._items
            if len(items) == 1:
                self._hub.queued.remove(1, self._bytes)
                self._items, self._bytes = [], 0
                return items
            size = 0
            count = 0
            for item in items:
                count += 1
                size += item.size
                if size >= max_bytes or isinstance(item, Resync):
                    break
            self._items = items[count:]
            self._bytes -= size
            self._hub.queued.remove(count, size)
            return items[:count]

    @property
    def is_waiting(self) -> bool:
        return bool(self._items)

    @property
    def end(self) -> Position:
        """Where the stream stands, as far as this process knows."""
        return (self._channel.position if self.is_live else None) or self.position

    def catch_up(self) -> None:
        """Read the next page of what came before, and go live at its end. Blocks; raises StreamsUnavailable."""
        at, version = self.position, self._channel.version
        page = self._hub.read_page(self._channel.subject, at)
        woken: list[Subscription] = []
        with self._hub.lock:
            if self.is_closed or self.is_live or self.is_too_slow:
                return
            if page.gone:
                self.push(Resync(page.position), 0, woken)
            for event in page.events:
                outgoing = Outgoing(event)
                self.push(outgoing, outgoing.size, woken)
                self.position = event.position
            if page.complete:
                self.position = page.position
                self.is_live = self._channel.join(self, page, version, woken)
        wake_all(woken)
        if page.complete and not self.is_live:
            self._hub.recover(self._channel)

    def push(self, item: Outgoing | Resync, size: int, woken: "list[Subscription]") -> None:
        """With the hub's lock held; whoever must be woken is added to `woken`."""
        if self.is_too_slow:
            return
        items, hub = self._items, self._hub
        if not items:
            woken.append(self)
        items.append(item)
        self._bytes += size
        hub.queued.add(size, self._bytes)
        if self._bytes > hub.queue_max_bytes and len(items) > 1:  # one event, however long, is never too much
            self.is_too_slow = True
            self.drop_all()
            woken.append(self)

    def drop_all(self) -> None:
        """With the hub's lock held."""
        self._hub.queued.remove(len(self._items), self._bytes)
        self._items, self._bytes = [], 0

    def wake(self) -> None:
        if self.on_ready is not None:
            self.on_ready()
        elif self._signal is not None:
            self._signal.set()

    def close(self) -> None:
        """Harmless when repeated."""
        self._hub.leave(self, self._channel)

    def _pop(self) -> Outgoing | Resync | None:
        with self._hub.lock:
            if self.is_too_slow:
                raise SlowReaderError("more waited than may wait")
            if self.is_closed:
                raise SubscriptionClosedError("the subscription was closed")
            if not self._items:
                if self._signal is not None:
                    self._signal.clear()
                return None
            item = self._items.pop(0)
            self._bytes -= item.size
            self._hub.queued.remove(1, item.size)
            return item

    def _wait(self, deadline: float | None) -> bool:
        """True when woken, also for nothing."""
        if self._signal is None:
            self._signal = threading.Event()  # only pulling readers need one; it weighs more than all the rest
            return True
        return self._signal.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))


def wake_all(woken: list[Subscription]) -> None:
    for subscription in woken:
        subscription.wake()
