"""Sessions of the collection with their tokens, and the events of a long one."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.clock import clock
from core.names import session_subject
from core.settings import Settings
from dev.bench.relay.websocket_client import ClientError
from dev.bench.sessions import begin_sessions
from services.collection.sessions import Started
from services.delivery.event_log import read_epoch
from services.stores import Stores, build_stores
from streams import EventBatch, StreamPolicy, encode_body

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
        "WELNO_TRUSTED_PROXIES": "1",  # as behind one, all have one address, and nobody is counted by it
    }
    max_readers = _MAX_READERS

    def __init__(self, env: Mapping[str, str]) -> None:
        self._stores: Stores = build_stores(Settings.read(env), clock, lambda _: None)
        with self._stores.sessions() as session:
            self._epoch = read_epoch(session)
        self._ends: Counter[int] = Counter()
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
        """Past the event log: what is measured is the way over Redis."""
        encoded = [encode_body(body) for body in bodies]
        batch = EventBatch(self._subject(stream), self._epoch, self._ends[stream] + 1, encoded)
        self._ends[stream] = batch.last
        return self._stores.streams.append(batch, StreamPolicy()).seq

    def last_seq(self, stream: int) -> int:
        return self._ends[stream]

    def close(self) -> None:
        self._stores.close()

    def _subject(self, stream: int) -> str:
        return session_subject(self._sessions[stream].session_id)
