"""What the relay is told about a stream by whoever serves it; the relay itself knows nothing of sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams import Position, StoredEvent


def never_closes(_event: StoredEvent) -> int | None:
    return None


def always_allowed() -> int | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """A stream for one reader. The callbacks outlive the request: they find no request and no app context.

    greeting        fields of connection_established, session_status and resync, such as session_id
    snapshot        the current state, for session_status and resync; may block, may raise (then 1013)
    reauthorize     asked at least once a minute; a close code ends the connection; may block
    close_code_for  asked for each event as it is sent; a close code ends the connection after it; must not block
    """

    subject: str
    snapshot: Callable[[], Mapping[str, Any]]
    greeting: Mapping[str, Any] = field(default_factory=dict)
    reauthorize: Callable[[], int | None] = always_allowed
    close_code_for: Callable[[StoredEvent], int | None] = never_closes


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeRequest:
    """A reader who may read: which source, from which position on, and whose slots are taken in the registry.

    state   what `snapshot` would say, where it was read just now; an event that came since is still sent
    """

    source: StreamSource
    after: Position
    address: str
    person: str | None = None
    state: Mapping[str, Any] | None = None
