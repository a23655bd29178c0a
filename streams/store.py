"""The streams in Redis: they carry what the event log has numbered. Appending is one atomic script, reading another.

Redis may be emptied, killed, or come back with older data at any moment: an append may be repeated or come late, and a
reader is told where the stream ends and decides itself whether that covers its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.redis_script import Script
from streams.errors import InvalidEventError, translated
from streams.events import NOWHERE, EventBatch, Page, Position, Projection, StoredEvent
from streams.keys import channel, log_key, meta_key, subject_of_key

_DAY_SECONDS = 86_400
_MARK_KEY = "welno:streams:mark"
_KEYS_AT_ONCE = 1000


_APPEND, _READ, _MOVED = (Script(Path(__file__).with_name(f"{name}.lua")) for name in ("append", "read", "moved"))


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """What Redis keeps of one kind of streams: its newest `max_length` events, of them no more than `max_bytes` (but
    always one), and all of it until `ttl_seconds`, or up to a sixty-fourth later, after its last append."""

    max_length: int = 1000
    ttl_seconds: int = _DAY_SECONDS
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.max_length < 1 or self.ttl_seconds < 1 or (self.max_bytes is not None and self.max_bytes < 1):
            raise ValueError("max_length, ttl_seconds and max_bytes must be at least 1")


class Streams:
    """One ordered stream per subject; every method raises StreamsUnavailable when Redis cannot be asked.

    `redis_client` must return bytes.
    """

    def __init__(self, redis_client: Any) -> None:
        if redis_client.get_encoder().decode_responses:
            raise ValueError("the Redis client must return bytes")
        self._redis = redis_client

    def append(
        self,
        batch: EventBatch,
        policy: StreamPolicy,
        projection: Projection | None = None,
        *,
        begin_anew: bool = False,
    ) -> Position:
        """Take what the stream does not have yet, and publish it. Returns where the stream ends now.

        An end before `batch.first - 1` is a hole, one of another epoch a history that has replaced this one: nothing
        was done. A stream that is empty, or of an earlier epoch, begins with the batch; `begin_anew` has it do so over
        a hole, too.
        """
        keys = [log_key(batch.subject), meta_key(batch.subject)]
        events = [event.to_json() for event in batch.to_events()]
        args: list[Any] = [batch.epoch, channel(batch.subject), batch.first, len(events)]
        args += [policy.max_length, policy.ttl_seconds, int(begin_anew), policy.max_bytes or 0, *events]
        if projection is not None:
            keys.append(projection.key)
            args += _projection_args(projection)
        with translated(self._redis, "append"):
            epoch, seq = _APPEND.run(self._redis, keys, args)
        return Position(epoch.decode(), seq)

    def read_after(self, subject: str, seq: int, limit: int = 500, max_bytes: int = 1024 * 1024) -> Page:
        """What the stream holds after `seq`. Its first event need not follow it: see `covers`."""
        keys = [log_key(subject), meta_key(subject)]
        with translated(self._redis, "read"):
            epoch, end, events = _READ.run(self._redis, keys, [max(seq, 0), limit, max_bytes])
        return Page(_position([epoch, end]), [StoredEvent.from_json(event) for event in events])

    def position(self, subject: str) -> Position:
        """Where the stream ends; NOWHERE for one that is not."""
        with translated(self._redis, "position"):
            return _position(self._redis.hmget(meta_key(subject), "epoch", "seq"))

    def positions(self, subjects: Iterable[str]) -> list[Position]:
        """The ends of many streams in one round trip; NOWHERE for those that are not."""
        with translated(self._redis, "position"), self._redis.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.hmget(meta_key(subject), "epoch", "seq")
            return [_position(meta) for meta in pipe.execute()]

    def moved(self, places: Mapping[str, Position]) -> list[str]:
        """The subjects, of many at once, whose streams end elsewhere than believed."""
        if not places:
            return []
        subjects = list(places)
        keys = [meta_key(subject) for subject in subjects]
        with translated(self._redis, "position"):
            numbers = _MOVED.run(self._redis, keys, [f"{at.epoch}:{at.seq}" for at in places.values()])
        return [subjects[number - 1] for number in numbers]

    def revisions(self, keys: Sequence[str]) -> list[int | None]:
        """Of many projections in one round trip; None for those that are not."""
        with translated(self._redis, "revisions"), self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hget(key, "revision")
            return [int(found) if found is not None else None for found in pipe.execute()]

    def server_state(self) -> str:
        """Changes when the data may have: another server answers, it was started anew, or follows another history; ""
        when `mark` was not called since it was emptied."""
        with translated(self._redis, "server state"):
            if self._redis.get(_MARK_KEY) is None:
                return ""
            server, replication = (self._redis.info(section) for section in ("server", "replication"))
        return f"{server['run_id']} {replication['master_replid']}"

    def mark(self) -> None:
        """Note in Redis that nothing is missing from here on."""
        with translated(self._redis, "mark"):
            self._redis.set(_MARK_KEY, "1")

    def forget(self, subject: str) -> None:
        """Remove the stream. Its events stay in the event log."""
        with translated(self._redis, "forget"):
            self._redis.delete(log_key(subject), meta_key(subject))

    def delete_matching(self, is_concerned: Callable[[str], bool]) -> None:
        """Remove the streams and the projections of the subjects for which this is true. Walks over all keys, some at a
        time."""
        with translated(self._redis, "delete matching"):
            for key in self._redis.scan_iter(count=_KEYS_AT_ONCE):
                if is_concerned(subject_of_key(key.decode(errors="replace"))):
                    self._redis.delete(key)


def covers(page: Page, seq: int) -> bool:
    """Whether a page of a stream tells everything after this number, as far as the stream goes."""
    if seq > page.position.seq or page.position == NOWHERE:
        return False
    return seq == page.position.seq or (bool(page.events) and page.events[0].seq == seq + 1)


def _projection_args(projection: Projection) -> list[Any]:
    if not projection.fields or "revision" in projection.fields:
        raise InvalidEventError("a projection has fields, and `revision` is written by itself")
    pairs = [text for pair in projection.fields.items() for text in pair]
    return [projection.revision, projection.ttl_seconds, *pairs]


def _position(meta: Sequence[bytes | None]) -> Position:
    epoch, seq = meta
    if epoch is None or seq is None:
        return NOWHERE
    return Position(epoch.decode(), int(seq))
