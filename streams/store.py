"""The streams themselves: appending is one atomic script, reading one round trip."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from streams.errors import InvalidEventError, Overtaken, translated
from streams.events import NOWHERE, NewEvent, Page, Position, Projection, StoredEvent
from streams.keys import channel, ids_key, log_key, meta_key

_DAY_SECONDS = 86_400


class Script:
    """Known to Redis by its hash, as long as Redis keeps it."""

    def __init__(self, name: str) -> None:
        self._text = Path(__file__).with_name(name).read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Any, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        try:
            answer: list[Any] = client.evalsha(self._sha, len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:  # Redis was restarted or its scripts were flushed
            answer = client.eval(self._text, len(keys), *keys, *args)
        return answer


_APPEND, _READ, _MOVED = Script("append.lua"), Script("read.lua"), Script("moved.lua")


class Streams:
    """One ordered stream per subject; every method raises StreamsUnavailable when Redis cannot be asked.

    `redis_client` must return bytes. A stream keeps its last `max_length` events and vanishes `ttl_seconds`,
    or up to a sixty-fourth later, after its last append; the next append then begins a new epoch.
    """

    def __init__(
        self,
        redis_client: Any,
        *,
        max_length: int = 1000,
        max_event_bytes: int = 65_536,
        ttl_seconds: int = _DAY_SECONDS,
    ) -> None:
        if max_length < 1 or ttl_seconds < 1:
            raise ValueError("max_length and ttl_seconds must be at least 1")
        if redis_client.get_encoder().decode_responses:
            raise ValueError("the Redis client must return bytes")
        self._redis = redis_client
        self._max_length = max_length
        self._max_event_bytes = max_event_bytes
        self._ttl_seconds = ttl_seconds

    def append(
        self,
        subject: str,
        events: Sequence[NewEvent],
        projection: Projection | None = None,
        *,
        only_as_newest: bool = False,
    ) -> list[Position]:
        """Number, keep and publish the events in order; safe to repeat: a known `event_id` keeps its number.

        `only_as_newest` is for who may come late: raises Overtaken, and does nothing, when the projection that is
        there is newer than the one given.
        """
        if not events and projection is None:
            return []
        keys = [log_key(subject), meta_key(subject), ids_key(subject)]
        args: list[Any] = [secrets.token_hex(8), channel(subject), self._max_length, self._ttl_seconds]
        args += [int(only_as_newest), len(events)]
        for event in events:
            args += [event.event_id, self._checked_json(event)]
        if projection is not None:
            keys.append(projection.key)
            args += _projection_args(projection)
        with translated("append"):
            answer = _APPEND.run(self._redis, keys, args)
        if not answer:
            raise Overtaken("append: somebody who came later was here first")
        epoch, *numbers = answer
        return [Position(epoch.decode(), seq) for seq in numbers]

    def read_after(
        self, subject: str, seq: int, epoch: str | None = None, limit: int = 500, max_bytes: int | None = None
    ) -> Page:
        """The next events after `seq`, at most `limit`, and at most `max_bytes` of them unless the first is longer.

        Without an epoch the number alone is believed.
        """
        keys = [log_key(subject), meta_key(subject)]
        with translated("read"):
            *meta, entries = _READ.run(self._redis, keys, [f"({max(seq, 0)}-0", limit])
        end = _position(meta)
        events = [_stored(end.epoch, entry) for entry in entries]
        if is_gone(end, events, seq, epoch):
            return Page(end, [], gone=True)
        return Page(end, events if max_bytes is None else list(_within(events, max_bytes)))

    def position(self, subject: str) -> Position:
        return self.positions([subject])[0]

    def positions(self, subjects: Iterable[str]) -> list[Position]:
        """The ends of many streams in one round trip (on a cluster: one per node)."""
        with translated("position"), self._redis.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.hmget(meta_key(subject), "epoch", "seq")
            return [_position(meta) for meta in pipe.execute()]

    def moved(self, places: Mapping[str, Position]) -> list[str]:
        """The subjects, of many at once, whose streams end elsewhere than believed."""
        if isinstance(self._redis, redis.RedisCluster):  # a script sees the keys of one slot only
            ends = self.positions(places)
            return [subject for subject, end in zip(places, ends, strict=True) if places[subject] != end]
        if not places:
            return []
        subjects = list(places)
        keys = [meta_key(subject) for subject in subjects]
        with translated("position"):
            numbers = _MOVED.run(self._redis, keys, [f"{at.epoch}:{at.seq}" for at in places.values()])
        return [subjects[number - 1] for number in numbers]

    def last(self, subject: str, n: int) -> list[StoredEvent]:
        """The newest `n` events, oldest of them first."""
        with translated("last"), self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(meta_key(subject), "epoch", "seq")
            pipe.xrevrange(log_key(subject), count=n)
            meta, entries = pipe.execute()
        epoch = _position(meta).epoch
        return [_stored(epoch, entry) for entry in reversed(entries)] if epoch else []

    def forget(self, subject: str) -> None:
        """Remove the history; readers are told `resync`, and the next append begins a new epoch."""
        with translated("forget"):
            self._redis.delete(log_key(subject), meta_key(subject), ids_key(subject))

    def _checked_json(self, event: NewEvent) -> bytes:
        json = event.to_json()
        if len(json) > self._max_event_bytes:  # every reader has to hold it: records are fetched, never pushed
            raise InvalidEventError("the body is above the limit")
        return json


def is_gone(end: Position, events: Sequence[StoredEvent], seq: int, epoch: str | None) -> bool:
    """Whether a reader at (epoch, seq) can no longer be told everything that came after."""
    if seq > end.seq or (epoch and epoch != end.epoch):
        return True
    if seq == end.seq:
        return False
    return not events or events[0].seq != seq + 1


def _within(events: Iterable[StoredEvent], max_bytes: int) -> Iterator[StoredEvent]:
    size = 0
    for number, event in enumerate(events):
        size += len(event.to_json())
        if number and size > max_bytes:
            return
        yield event


def _projection_args(projection: Projection) -> list[Any]:
    if "revision" in projection.fields:
        raise InvalidEventError("`revision` is written by the projection itself")
    pairs = [text for pair in projection.fields.items() for text in pair]
    return [projection.revision, projection.ttl_seconds, *pairs]


def _position(meta: list[bytes | None]) -> Position:
    epoch, seq = meta
    if epoch is None or seq is None:
        return NOWHERE
    return Position(epoch.decode(), int(seq))


def _stored(epoch: str, entry: tuple[bytes, dict[bytes, bytes] | list[bytes]]) -> StoredEvent:
    """Answers of a script, and of a transaction on a cluster, come as they are: name, value."""
    entry_id, fields = entry
    body = fields[b"body"] if isinstance(fields, dict) else fields[1]
    return StoredEvent.from_body(int(entry_id.partition(b"-")[0]), epoch, body)
