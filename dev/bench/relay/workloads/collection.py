"""Sessions of the collection with their tokens, and the events of a long one."""

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from core.clock import clock
from core.names import session_subject
from core.settings import Settings
from dev.bench.relay.websocket_client import ClientError
from dev.bench.sessions import begin_sessions
from services.collection.sessions import Started
from services.stores import Stores, build_stores
from streams import NewEvent

_BATCH = 200
# A session's sockets have a limit, and this is the most that it can be set to.
_MAX_READERS = 1000
_MANY = "100000"
# About 300 bytes with its number: what an event of a collection weighs.
_PADDING = "a long collection says more than a short one, and this is what it weighs" * 2


class CollectionStreams:
    """One session per stream."""

    settings: Mapping[str, str] = {
        "WELNO_SOCKETS_PER_SESSION": str(_MAX_READERS),
        "WELNO_SOCKETS_PER_ADDRESS": _MANY,
        "WELNO_SOCKETS_TOTAL": _MANY,
    }
    max_readers = _MAX_READERS

    def __init__(self, env: Mapping[str, str]) -> None:
        self._stores: Stores = build_stores(Settings.read(env), clock, lambda _: None)
        self._event_ids = itertools.count()
        self._sessions: list[Started] = []

    def create(self, count: int) -> None:
        while len(self._sessions) < count:
            numbers = range(len(self._sessions), min(len(self._sessions) + _BATCH, count))
            self._sessions += begin_sessions(self._stores, [f"010{number:08d}" for number in numbers])
        if not self._stores.redis.exists(self._subject(count - 1)):
            # Then PostgreSQL would be measured.
            raise ClientError("a session has no copy in Redis")

    def path(self, stream: int, after: int) -> str:
        return f"/api/v1/tilko/ws/{self._sessions[stream].session_id}?after_seq={after}"

    def token(self, stream: int) -> str:
        session = self._sessions[stream]
        return f"{session.session_id}.{session.token}"

    def event_body(self, name: str) -> dict[str, Any]:
        return {
            "type": "streaming_status",
            "status": "fetching_health_data",
            "session_id": name.zfill(36),  # as long as an id
            "at": time.monotonic_ns(),
            "message": _PADDING,
        }

    def append(self, stream: int, bodies: Sequence[dict[str, Any]]) -> int:
        events = [NewEvent(f"bench-{next(self._event_ids)}", body) for body in bodies]
        return self._stores.streams.append(self._subject(stream), events)[-1].seq

    def last_seq(self, stream: int) -> int:
        return self._stores.streams.position(self._subject(stream)).seq

    def close(self) -> None:
        self._stores.close()

    def _subject(self, stream: int) -> str:
        return session_subject(self._sessions[stream].session_id)
