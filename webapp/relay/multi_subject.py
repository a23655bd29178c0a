"""A WebSocket that follows several subjects: what it keeps of each, and the turns they take to be written."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from streams import Position
from webapp.relay.closing import CloseCode
from webapp.relay.commands import MAX_WAITING, Run
from webapp.relay.errors import AlreadyFollowedError, SlowReaderError, TooManySubjectsError
from webapp.relay.event_reader import EventReader
from webapp.relay.pool import ReaderPool
from webapp.relay.reader_connection import ReaderConnection
from webapp.relay.reauthorization import Reviewable
from webapp.relay.registry import ReaderSlot
from webapp.relay.stream_source import MultiSubjectSource, StreamSource
from webapp.relay.subscription import QueueBudget, Subscription

Subscribe = Callable[[StreamSource, Position | None, QueueBudget], tuple[ReaderSlot, Subscription]]


class FollowedStream(EventReader):
    """One of the subjects of a socket."""

    __slots__ = ("_pool", "_slot", "_socket", "source", "subscription")

    def __init__(self, socket: "MultiSubjectSocket", pool: ReaderPool, source: StreamSource) -> None:
        self._socket = socket
        self._pool = pool
        self.source = source

    def admit(self, slot: ReaderSlot, subscription: Subscription) -> None:
        self._slot, self.subscription = slot, subscription

    def lose_right(self, code: int) -> None:
        self.end(code)
        self.flush()

    def end(self, code: int) -> None:
        """Too slow is the socket as a whole; whatever else ends this subject leaves it the others."""
        if code == CloseCode.TOO_SLOW:
            self._socket.end(code)
        elif not self.subscription.is_closed:
            self._socket.forget(self)
            self.send(self.source.ended(code))

    def end_later(self, code: int, seconds: float) -> None:
        """At once: the socket stays for its other subjects, so nothing is won by waiting."""
        del seconds
        self.end(code)

    def close(self) -> None:
        self.subscription.listener = None
        self.subscription.close()
        self._slot.release()

    def send(self, json: bytes) -> None:
        self._socket.send(json)

    def flush(self) -> None:
        self._socket.note_ready(self)
        self._socket.flush()

    def on_ready(self) -> None:
        self._pool.loop.run(partial(self._socket.on_stream_ready, self))


class MultiSubjectSocket(ReaderConnection):
    """Also the FollowedStreams of its source's commands."""

    __slots__ = ("_budget", "_followed", "_ready", "_subscribe", "source")

    def __init__(self, pool: ReaderPool, descriptor: int, done: threading.Event | None = None) -> None:
        super().__init__(pool, descriptor, done)
        self._followed: dict[str, FollowedStream] = {}
        self._ready: dict[FollowedStream, None] = {}  # those with something to write, in the order of their turns

    def serve(
        self, source: MultiSubjectSource, subscribe: Subscribe, slot: ReaderSlot, greeting: Iterable[bytes]
    ) -> None:
        self.source, self._subscribe = source, subscribe
        self._budget = QueueBudget(self._pool.limits.queue_max_bytes, source.max_subjects)
        if self._open(slot, greeting):
            self.flush()

    # Off the loop, by commands, which come one after another

    @property
    def subjects(self) -> Sequence[str]:
        return tuple(self._followed)

    def follow(self, source: StreamSource, after: Position | None) -> None:
        subject = source.subject
        if subject in self._followed:
            raise AlreadyFollowedError(subject)
        if len(self._followed) >= self.source.max_subjects:
            raise TooManySubjectsError(f"more than {self.source.max_subjects}")
        if self._budget.used > self._budget.max_bytes:
            raise SlowReaderError("too much waits for the others")
        stream = FollowedStream(self, self._pool, source)
        stream.admit(*self._subscribe(source, after, self._budget))
        try:
            greeting = source.greeting(stream.subscription.end)
        except BaseException:
            stream.close()
            raise
        self._followed[subject] = stream
        self._pool.loop.run(partial(self._begin, stream, greeting))

    def unfollow(self, subject: str) -> bool:
        stream = self._followed.get(subject)
        if stream is not None:
            self._pool.loop.run(partial(self.forget, stream))
        return stream is not None

    # On the loop

    def reviewables(self) -> Iterable[Reviewable]:
        return (self, *self._followed.values()) if self.is_open else ()

    def lose_right(self, code: int) -> None:
        self.close(code)

    def end(self, code: int) -> None:
        self._begin_close(code)

    def forget(self, stream: FollowedStream) -> None:
        self._ready.pop(stream, None)
        if self._followed.get(stream.source.subject) is stream:
            del self._followed[stream.source.subject]
        stream.close()

    def note_ready(self, stream: FollowedStream) -> None:
        self._ready[stream] = None

    def on_stream_ready(self, stream: FollowedStream) -> None:
        if self._is_blocked and stream.subscription.is_too_slow:
            self.end(CloseCode.TOO_SLOW)
        self.note_ready(stream)
        self.flush()

    def _begin(self, stream: FollowedStream, greeting: Iterable[bytes]) -> None:
        if not self.is_open:
            stream.close()
            return
        for json in greeting:
            self.send(json)
        self._pool.reauthorization.note_opened((stream,))
        stream.subscription.listener = stream
        stream.flush()

    def take_frames(self) -> Sequence[bytes]:
        """Of one subject: the others have their turn with the next write."""
        while self._ready:
            stream = next(iter(self._ready))
            del self._ready[stream]
            frames = stream.take_frames()
            if frames:
                if not stream.subscription.is_closed:
                    self.note_ready(stream)  # what is left, or what has come
                return frames
        return ()

    @property
    def _max_waiting(self) -> int:
        """A client that comes back subscribes to all at once."""
        return max(MAX_WAITING, self.source.max_subjects)

    def _subject_of(self, message: Mapping[str, Any]) -> Mapping[str, str]:
        return self.source.subject_of(message)

    def _find_command(self, name: str) -> Run | None:
        command = self.source.command(name)
        return None if command is None else lambda message: command(message, self)

    def _end_subscriptions(self) -> None:
        for stream in tuple(self._followed.values()):
            self.forget(stream)
