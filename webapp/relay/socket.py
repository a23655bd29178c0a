"""A WebSocket that follows one subject: by far the most do, so it keeps no more than that takes."""

from collections.abc import Iterable

from webapp.relay.closing import CloseCode
from webapp.relay.commands import Run
from webapp.relay.event_reader import EventReader
from webapp.relay.reader_connection import ReaderConnection
from webapp.relay.reauthorization import Reviewable
from webapp.relay.registry import ReaderSlot
from webapp.relay.stream_source import StreamSource
from webapp.relay.subscription import Subscription


class Socket(ReaderConnection, EventReader):
    __slots__ = ("source", "subscription")

    take_frames = EventReader.take_frames  # a Connection's own, which comes first among the bases, has none

    def serve(
        self, source: StreamSource, subscription: Subscription, slot: ReaderSlot, greeting: Iterable[bytes]
    ) -> None:
        """Send the greeting, then what came before, then what comes. Too late, it only gives everything back."""
        self.source, self.subscription = source, subscription
        if not self._open(slot, greeting):
            subscription.close()
            return
        subscription.listener = self
        self.flush()

    def reviewables(self) -> Iterable[Reviewable]:
        return (self,) if self.is_open else ()

    def lose_right(self, code: int) -> None:
        self.close(code)

    def end(self, code: int) -> None:
        self._begin_close(code)

    def end_later(self, code: int, seconds: float) -> None:
        self.close_later(code, seconds)

    def on_ready(self) -> None:
        self._pool.loop.run(self._on_ready)

    def _on_ready(self) -> None:
        if not self._is_blocked:
            self.flush()
        elif self.subscription.is_too_slow:
            self.end(CloseCode.TOO_SLOW)

    def _find_command(self, name: str) -> Run | None:
        command = self.source.command(name)
        return None if command is None else lambda message: command(message, self.subscription.end)

    def _end_subscriptions(self) -> None:
        self.subscription.listener = None  # closing wakes it, and we are in the middle of something
        self.subscription.close()
