"""One reader of one stream: its position, and the queue of what waits for it."""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from streams import NOWHERE, Page, Position, StoredEvent
from webapp.relay.channel import Channel, LiveReader, Outgoing, Resync
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError

Item = Outgoing | Resync


class QueueTotals:
    """What waits for all readers of this process. Guarded by the hub's lock."""

    __slots__ = ("events", "longest_bytes", "size")

    def __init__(self) -> None:
        self.events = 0
        self.size = 0
        self.longest_bytes = 0  # of one reader's queue, since somebody last set it back


class QueueBudget:
    """What may wait in all the queues of a reader that has several. Guarded by the hub's lock."""

    __slots__ = ("_queues", "max_bytes", "used")

    def __init__(self, max_bytes: int, queues: int) -> None:
        self._queues = queues
        self.max_bytes = max_bytes
        self.used = 0

    @property
    def page_max_bytes(self) -> int:
        """Of one that catches up. Few do at a time, and small pages cost statements: an eighth of what is left of the
        half that live events can spare. All may at once: each has an equal share of the whole at least."""
        return max(self.max_bytes // self._queues, (self.max_bytes // 2 - self.used) // 8)


class SubscriptionHub(Protocol):
    """What a subscription needs of its hub."""

    lock: threading.Lock
    queue_max_bytes: int
    queued: QueueTotals

    def read_page(self, subject: str, after: Position, *, max_bytes: int | None = None) -> Page: ...
    def recover(self, channel: Channel) -> None: ...
    def leave(self, subscription: "Subscription", channel: Channel) -> None: ...


class Listener(Protocol):
    def on_ready(self) -> None:
        """Something waits, or the subscription has ended. Called without a lock, by any thread; must not block."""


class Subscription:
    """First behind: `catch_up` reads what came before, page by page. Then live: events are pushed to it.

    Either pull with `next`, or give a `listener` and `take`. A reader for which more than the hub's limit waits becomes
    `is_too_slow`, and gets nothing more: it is closed with 3008, and comes back with its position.
    """

    __slots__ = (
        "_budget", "_bytes", "_channel", "_hub", "_restart_after", "_signal", "is_closed", "is_live", "is_paused",
        "is_too_slow", "listener", "position", "queue",
    )  # fmt: skip

    def __init__(
        self,
        hub: SubscriptionHub,
        channel: Channel,
        after: Position,
        budget: QueueBudget | None,
        restart_after: int | None = None,
    ) -> None:
        self._hub = hub
        self._channel = channel
        self._budget = budget  # None: the hub's limit for itself alone
        self._restart_after = restart_after
        self.position = after  # while it is behind
        self.listener: Listener | None = None
        self.queue: list[Item] | None = None  # none are the rule, and an empty list weighs 56 bytes
        self._bytes = 0
        self._signal: threading.Event | None = None
        self.is_live = False
        self.is_closed = False
        self.is_too_slow = False
        self.is_paused = False  # its listener's: events stay in the queue until a page or a state has come

    def next(self, timeout: float | None = None) -> StoredEvent | Resync | None:
        """The next event in order, or None after `timeout` seconds. Raises as `next_item`."""
        item = self.next_item(timeout)
        return item.event if isinstance(item, Outgoing) else item

    def next_item(self, timeout: float | None = None) -> Item | None:
        """The same with the time of its append.

        Raises SlowReaderError, SubscriptionClosedError, and StreamsError while catching up.
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

    def take(self, max_bytes: int) -> Sequence[Item]:
        """What waits, at least one item if any, about `max_bytes`; a Resync is always the last of a take."""
        with self._hub.lock:
            items = self.queue
            if items is None:
                return ()
            if len(items) == 1:  # as nearly always
                self._forget(1, self._bytes)
                self.queue = None
                return items
            count, size = _part(items, max_bytes)
            self._forget(count, size)
            self.queue = items[count:] or None
            return items[:count]

    @property
    def end(self) -> Position:
        """Where the stream stands, as far as this process knows."""
        with self._hub.lock:
            return self._known_end()

    def _known_end(self) -> Position:
        return (self._channel.position if self.is_live else None) or self.position

    def catch_up(self) -> None:
        """Read the next page of what came before, and go live at its end. Blocks; raises StreamsError."""
        at, version = self.position, self._channel.version
        max_bytes = None if self._budget is None else self._budget.page_max_bytes
        page = self._hub.read_page(self._channel.subject, at, max_bytes=max_bytes)
        woken: list[LiveReader] = []
        with self._hub.lock:
            if self.is_closed or self.is_live or self.is_too_slow:
                return
            is_anew = page.gone and self._restart_after is not None
            if is_anew:
                self._start_after(page, woken)
            elif page.gone:
                self.push(Resync(page.position), 0, woken)
            for event in page.events:
                outgoing = Outgoing(event)
                self.push(outgoing, outgoing.size, woken)
                self.position = event.position
            if page.complete and not is_anew:
                self.position = page.position
                self.is_live = self._channel.join(self, page, version, woken)
                if self.is_live:
                    self.position = NOWHERE  # the channel's counts from now on; one of its own weighs a hundred bytes
        wake_all(woken)
        if page.complete and not is_anew and not self.is_live:
            self._hub.recover(self._channel)

    def push(self, item: Item, size: int, woken: list[LiveReader]) -> None:
        """With the hub's lock held; whoever must be woken is added to `woken`."""
        if self.is_too_slow:
            return
        items, hub = self.queue, self._hub
        if items is None:
            self.queue = [item]
            woken.append(self)
        else:
            items.append(item)
        total = self._bytes = self._bytes + size
        queued = hub.queued
        queued.events += 1
        queued.size += size
        queued.longest_bytes = max(queued.longest_bytes, total)
        limit = hub.queue_max_bytes
        if self._budget is not None:
            self._budget.used += size
            total, limit = self._budget.used, self._budget.max_bytes
        # One event, however long, is never too much; nor is a page for who catches up, it has a limit of its own.
        if total > limit and items and self.is_live:
            self._overflow()
            woken.append(self)

    def restart(self, page: Page, woken: list[LiveReader]) -> None:
        """Of a live reader, whose history is not the channel's any more. With the hub's lock held."""
        if self._restart_after is None:
            self.push(Resync(page.position), 0, woken)
            return
        self._channel.leave(self)
        self.is_live = False
        self._start_after(page, woken)

    def _start_after(self, page: Page, woken: list[LiveReader]) -> None:
        """Be behind, before the first event that is still held and may be read. A number of another epoch may lie
        beyond the end of this one: whoever began there would miss what comes until it is reached."""
        restart_after = min(self._restart_after or 0, page.position.seq)
        self.position = Position(page.position.epoch, max(page.held_after or 0, restart_after))
        self.push(Resync(self.position), 0, woken)

    def drop_all(self) -> None:
        """With the hub's lock held."""
        self._forget(len(self.queue or ()), self._bytes)
        self.queue = None

    def wake(self) -> None:
        if self.listener is not None:
            self.listener.on_ready()
        elif self._signal is not None:
            self._signal.set()

    def close(self) -> None:
        """Harmless when repeated."""
        self._hub.leave(self, self._channel)

    def _overflow(self) -> None:
        self.drop_all()
        self.position = self._known_end()
        self._channel.leave(self)
        self.is_too_slow, self.is_live = True, False

    def _pop(self) -> Item | None:
        with self._hub.lock:
            if self.is_too_slow:
                raise SlowReaderError("more waited than may wait")
            if self.is_closed:
                raise SubscriptionClosedError("the subscription was closed")
            if self.queue is None:
                if self._signal is not None:
                    self._signal.clear()
                return None
            item = self.queue.pop(0)
            self.queue = self.queue or None
            self._forget(1, item.size)
            return item

    def _forget(self, count: int, size: int) -> None:
        self._bytes -= size
        queued = self._hub.queued
        queued.events -= count
        queued.size -= size
        if self._budget is not None:
            self._budget.used -= size

    def _wait(self, deadline: float | None) -> bool:
        """True when woken, also for nothing."""
        if self._signal is None:
            self._signal = threading.Event()  # only pulling readers need one; it weighs more than all the rest
            return True
        return self._signal.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))


def _part(items: Sequence[Item], max_bytes: int) -> tuple[int, int]:
    """How many of the first items are about `max_bytes`, and how long they are together."""
    size = 0
    for count, item in enumerate(items, start=1):
        size += item.size
        if size >= max_bytes or isinstance(item, Resync):
            return count, size
    return len(items), size


def wake_all(woken: list[LiveReader]) -> None:
    for subscription in woken:
        subscription.wake()
