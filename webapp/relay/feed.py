"""What the relay is told about a stream by whoever serves it; the relay itself knows nothing of sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams import Position, StoredEvent


def never_ends(_event: StoredEvent) -> int | None:
    return None


def always_allowed() -> int | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A stream for one reader. The callbacks outlive the request: they find no request and no app context.

    hello     fields of connection_established, session_status and resync, such as session_id
    snapshot  the current state, for session_status and resync; may block, may raise (then 1013)
    check     asked at least once a minute; a close code ends the connection; may block
    ends      asked for each event as it is sent; a close code ends the connection after it; must not block
    """

    subject: str
    snapshot: Callable[[], Mapping[str, Any]]
    hello: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[], int | None] = always_allowed
    ends: Callable[[StoredEvent], int | None] = never_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A reader who may read: what, from which place on, and whose places in the registry are taken.

    state   what `snapshot` would say, where it was read just now; an event that came since is still told
    """

    feed: Feed
    after: Position
    address: str
    person: str | None = None
    state: Mapping[str, Any] | None = None
