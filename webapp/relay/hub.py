"""One Redis subscription for all readers of a process: fans events out in memory and recovers what got lost."""

import os
import threading
import time
from collections.abc import Callable

from core.logs import get_logger
from core.names import CONTROL_CHANNEL
from streams import Page, Position, StoredEvent, StreamsError, StreamsUnavailable
from streams.keys import channel as channel_name
from webapp.relay import metrics
from webapp.relay.channel import Channel, LiveReader, Outgoing
from webapp.relay.event_history import EventHistory
from webapp.relay.loop import plain_lock
from webapp.relay.pubsub import PubSubLink
from webapp.relay.subscription import QueueBudget, QueueTotals, Subscription, wake_all

log = get_logger(__name__)

_CONTROL = CONTROL_CHANNEL.encode()
_CONFIRM_SECONDS = 3.0
_RECOVERY_SECONDS = 0.5
_RETRY_SECONDS = 0.25
_POSITIONS_PER_CALL = 500
_PAGE_EVENTS = 100
_PAGES_PER_QUEUE = 4  # a reader that catches up has room left for what comes while it reads
_LONGEST_QUEUE_WINDOW_SECONDS = 15.0


class Hub:
    """Starts with its first reader, never at import and never before a fork; patch the process before, if at all.

    The stream is the truth and pub/sub only wakes: a jump in the numbers, a lost connection and a check of
    every position once in `check_every_seconds` lead to a read of the stream.
    """

    def __init__(
        self,
        history: EventHistory,
        redis_url: str,
        *,
        queue_max_bytes: int = 1024 * 1024,
        check_every_seconds: float = 15.0,
        on_notice: Callable[[str], None] | None = None,
        on_link_restored: Callable[[], None] | None = None,
    ) -> None:
        """`on_notice` is given what the control channel says; what it said while the link was lost is not told."""
        self.history = history
        self.queue_max_bytes = queue_max_bytes
        self.queued = QueueTotals()
        self.lock = plain_lock()  # held for memory only, never for input or output
        self._url = redis_url
        self._check_every_seconds = check_every_seconds
        self._on_notice = on_notice
        self._on_link_restored = on_link_restored
        self._events_in = self._reported_in = 0
        self._pid = 0
        self._start_lock = threading.Lock()

    def subscribe(
        self,
        subject: str,
        after: Position,
        budget: QueueBudget | None = None,
        restart_after: int | None = None,
    ) -> Subscription:
        """A reader that gets everything after `after`; `restart_after` as in StreamSource. Blocks for a round trip or
        two; raises StreamsError."""
        self._ensure_started()
        with self.lock:
            channel, confirmed = self._enter(subject)
            subscription = Subscription(self, channel, after, budget, restart_after)
        metrics.SUBSCRIPTIONS.inc()
        metrics.READERS.labels(metrics.kind_of(subject)).inc()
        try:
            if confirmed is not None and not confirmed.wait(_CONFIRM_SECONDS):
                raise StreamsUnavailable("subscribe: no answer")
            # Subscribed first, read then: what is appended from now on is either in this page or will be received.
            subscription.catch_up()
        except StreamsError:
            subscription.close()
            raise
        return subscription

    def listen(self) -> None:
        """Hear the control channel, also without a subscription. Does not wait for Redis."""
        self._ensure_started()

    def leave(self, subscription: Subscription, channel: Channel) -> None:
        with self.lock:
            if subscription.is_closed:
                return
            subscription.is_closed = True
            subscription.drop_all()
            if subscription.is_live:
                channel.leave(subscription)
            channel.readers -= 1
            if not channel.readers and self._channels.get(channel.name) is channel:
                del self._channels[channel.name]
                self._unconfirmed.pop(channel.name, None)
                self._link.unsubscribe(channel.name)
                metrics.CHANNELS.set(len(self._channels))
        metrics.SUBSCRIPTIONS.dec()
        metrics.READERS.labels(metrics.kind_of(channel.subject)).dec()
        subscription.wake()

    def stop(self) -> None:
        if self._pid != os.getpid():
            return
        self._stopped.set()
        self._work.set()
        self._link.stop()
        self._recovery.join(5)
        self._pid = 0

    def _ensure_started(self) -> None:
        if self._pid == os.getpid():
            return
        with self._start_lock:
            if self._pid == os.getpid():
                return
            self._channels: dict[bytes, Channel] = {}
            self._unconfirmed: dict[bytes, threading.Event] = {}
            self._to_recover: set[Channel] = set()
            self._to_check: list[Channel] = []
            self._work = threading.Event()
            self._stopped = threading.Event()
            self._check_now = False
            self._longest_before, self._longest_since = 0, time.monotonic()
            self._link = PubSubLink(
                self._url,
                on_messages=self._on_messages,
                on_subscribed=self._on_subscribed,
                on_ready=self._on_ready,
                names_to_restore=lambda: [_CONTROL, *self._channels],
            )
            self._link.start()
            self._recovery = threading.Thread(target=self._run_recovery, name="relay-recovery", daemon=True)
            self._recovery.start()
            self._pid = os.getpid()

    def _enter(self, subject: str) -> tuple[Channel, threading.Event | None]:
        """The event is set when Redis publishes to us; None when it does already."""
        name = channel_name(subject).encode()
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(subject, name)
            self._unconfirmed[name] = threading.Event()
            self._link.subscribe(name)
            metrics.CHANNELS.set(len(self._channels))
        channel.readers += 1
        return channel, self._unconfirmed.get(name)

    def _on_subscribed(self, name: bytes) -> None:
        with self.lock:
            confirmed = self._unconfirmed.pop(name, None)
        if confirmed is not None:
            confirmed.set()

    def _on_messages(self, batch: list[tuple[bytes, bytes]]) -> None:
        woken: list[LiveReader] = []
        with self.lock:
            for name, payload in batch:
                channel = self._channels.get(name)
                if channel is None:
                    self._on_other(name, payload)
                    continue
                self._events_in += 1
                if not channel.deliver(_parse(payload), woken):
                    self._to_recover.add(channel)
            if self._to_recover:
                self._work.set()
        wake_all(woken)  # after the whole batch: frames that wait for one socket leave in one write

    def _on_other(self, name: bytes, payload: bytes) -> None:
        if name == _CONTROL and self._on_notice is not None:
            self._on_notice(payload.decode(errors="replace"))

    def _on_ready(self) -> None:
        """Connected (again): whatever was published in between was missed, or since the first reader was decided on."""
        if self._on_link_restored is not None:
            self._on_link_restored()
        with self.lock:
            self._to_check = list(self._channels.values())
            self._check_now = True
        self._work.set()

    def _run_recovery(self) -> None:
        """Recovers at once what is known to be missing, and checks all positions bit by bit."""
        share, looked_at = 0.0, time.monotonic()
        while not self._stopped.is_set():
            self._work.wait(_RECOVERY_SECONDS)
            self._work.clear()
            now = time.monotonic()
            share += len(self._channels) * (now - looked_at) / self._check_every_seconds
            looked_at = now
            self._report(now)
            check_all, self._check_now = self._check_now, False
            try:
                self._recover_all()
                self._check_some(len(self._to_check) if check_all else int(share))
                share -= int(share)
            except StreamsError as exc:
                log.warning("relay_recovery_failed", error=type(exc).__name__)
                self._check_now = self._check_now or check_all
                self._stopped.wait(_RETRY_SECONDS)
                self._work.set()
            except Exception:
                # The edge of this thread: without it nothing would be recovered any more.
                log.exception("relay_recovery_crashed")

    def _report(self, now: float) -> None:
        received = self._events_in
        metrics.EVENTS_IN.inc(received - self._reported_in)  # its lock for each batch would cost as much as the batch
        self._reported_in = received
        queued = self.queued
        metrics.WAITING_EVENTS.set(queued.events)
        metrics.WAITING_BYTES.set(queued.size)
        metrics.LONGEST_QUEUE.set(max(queued.longest_bytes, self._longest_before))
        if now - self._longest_since >= _LONGEST_QUEUE_WINDOW_SECONDS:
            with self.lock:
                self._longest_before, queued.longest_bytes = queued.longest_bytes, 0
            self._longest_since = now

    def _recover_all(self) -> None:
        while self._to_recover and not self._stopped.is_set():
            with self.lock:
                channel = self._to_recover.pop()
            try:
                self.recover(channel)
            except StreamsError:
                with self.lock:
                    self._to_recover.add(channel)
                raise

    def read_page(
        self, subject: str, after: Position, *, limit: int = _PAGE_EVENTS, max_bytes: int | None = None
    ) -> Page:
        """What came next; without `max_bytes` a part of what may wait for a reader. Blocks; raises StreamsError."""
        max_bytes = max_bytes or self.queue_max_bytes // _PAGES_PER_QUEUE
        return self.history.read_after(subject, after.seq, after.epoch or None, limit, max_bytes)

    def find_end(self, subject: str) -> Position:
        """Where the stream stands. Blocks; raises StreamsError."""
        return self.history.find_end(subject)

    def recover(self, channel: Channel) -> None:
        """Read what came after the channel's place, for all live readers. Blocks; raises StreamsUnavailable."""
        complete = False
        while not complete and channel.readers:
            with self.lock:
                at, version = channel.position, channel.version
            if at is None:
                return
            page = self.read_page(channel.subject, at)
            woken: list[LiveReader] = []
            with self.lock:
                if not page.gone:
                    channel.absorb(page, woken)
                elif channel.version == version:
                    channel.restart(page, woken)
                complete = page.complete and (not page.gone or channel.position == page.position)
            metrics.RECOVERED.labels("resync" if page.gone else "filled").inc()
            wake_all(woken)

    def _check_some(self, count: int) -> None:
        """Compare our position with the stream's end; where they differ, recover."""
        while count > 0 and not self._stopped.is_set():
            with self.lock:
                if not self._to_check:
                    self._to_check = list(self._channels.values())
                batch = self._to_check[: min(count, _POSITIONS_PER_CALL)]
                del self._to_check[: len(batch)]
            if not batch:
                return
            try:
                self._check(batch)
            except StreamsError:
                with self.lock:
                    self._to_check += batch
                raise
            count -= len(batch)
            self._recover_all()

    def _check(self, batch: list[Channel]) -> None:
        known = {channel.subject: channel for channel in batch}
        with self.lock:
            positions = {channel.subject: channel.position for channel in batch}
        places = {subject: position for subject, position in positions.items() if position is not None}
        moved = self.history.moved(places)
        with self.lock:  # events may have come meanwhile
            self._to_recover.update(known[subject] for subject in moved if known[subject].position == places[subject])


def _parse(payload: bytes) -> Outgoing:
    """Of what `append` publishes: the microseconds of the append, a blank, the event."""
    stamp, _, json = payload.partition(b" ")
    return Outgoing(StoredEvent.from_json(json), int(stamp) / 1e6)
