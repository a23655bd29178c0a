"""The kinds of subjects: for each, where its numbers lie, what is kept of it and for how long, and what follows it.

A subject is `{prefix}:{key}`, such as `tilko_session:7f...`. A domain declares its kinds; `services.stores`
gathers them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from streams import InvalidEventError, Projection, StreamPolicy


def no_projection(_session: Session, _subject: str) -> Projection | None:
    return None


@dataclass(frozen=True)
class RowCounter:
    """The subject has a row of its own with the columns `event_seq` and `changed_at`, and `revision` where a projection
    follows it. `key_type` is the SQL type of the key's column; `seq_column` is the first one's other name."""

    table: str
    key_column: str
    key_type: str = "uuid"
    has_revision: bool = False
    seq_column: str = "event_seq"


@dataclass(frozen=True)
class Lifetime:
    """How long a subject lives after a write that its readers see, and at most after it was made."""

    ttl: timedelta
    longest: timedelta


@dataclass(frozen=True)
class SharedCounter:
    """The subject has no row but that of `welno_subjects`, made with its first event."""

    table: str = "welno.welno_subjects"
    seq_column: str = "event_seq"


class OwnLog(Protocol):
    """The events of a kind that are kept in a table of its domain, which numbers them itself under its row's lock."""

    def read(self, session: Session, key: str, after: int, limit: int, max_bytes: int) -> Sequence[tuple[int, bytes]]:
        """Numbers and bodies after a number, in order: about `max_bytes`, at least one if there is any."""

    def held_after(self, session: Session, key: str) -> int:
        """The number after which all events are still held."""

    def window_begin(self, session: Session, key: str, stream: StreamPolicy) -> int:
        """The number after which as many events come as their stream would keep."""


class EventFollower(Protocol):
    """What another domain does of each event of a kind: this keeps the two from knowing each other."""

    def __call__(self, work: Any, subject: str, body: Mapping[str, Any], /) -> None:
        """Called with the `Work` that tells the event, which has no number yet. May write rows and send tasks, and is
        rolled back with it."""


@dataclass(frozen=True, kw_only=True)
class SubjectKind:
    """One kind of subjects. `keep_days` is how long the log keeps its events; Redis keeps less, see `stream`. `log` is
    None for the common one, which `UnitOfWork` numbers.

    `project` makes the Redis hash that follows the subject, from what a transaction sees; `project_row` the same from
    the row that a unit has just written. `follower` is told of each event. `lifetime` where the subject's row has an
    end that each write moves.
    """

    prefix: str
    counter: RowCounter | SharedCounter
    keep_days: int
    log: OwnLog | None = None
    stream: StreamPolicy = field(default_factory=StreamPolicy)
    event_max_bytes: int = 64 * 1024
    project: Callable[[Session, str], Projection | None] = no_projection
    project_row: Callable[[Any], Projection] | None = None
    follower: EventFollower | None = None
    lifetime: Lifetime | None = None

    def key_of(self, subject: str) -> str:
        """What identifies it in its counter's table."""
        return subject[len(self.prefix) + 1 :] if isinstance(self.counter, RowCounter) else subject

    def subject_of(self, key: object) -> str:
        """The other way round."""
        return f"{self.prefix}:{key}" if isinstance(self.counter, RowCounter) else str(key)


class SubjectKinds:
    """All kinds of this product."""

    def __init__(self, kinds: Iterable[SubjectKind]) -> None:
        self._by_prefix: dict[str, SubjectKind] = {kind.prefix: kind for kind in kinds}

    def __iter__(self) -> Iterator[SubjectKind]:
        return iter(self._by_prefix.values())

    def of(self, subject: str) -> SubjectKind:
        """Raises InvalidEventError."""
        kind: Any = self._by_prefix.get(subject.partition(":")[0])
        if kind is None:
            raise InvalidEventError("no kind of subjects is declared for this prefix")
        found: SubjectKind = kind
        return found
