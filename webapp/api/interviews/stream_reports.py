"""Each web process tells Redis what it counts of the projects' streams, and any of them reads all together."""

import heapq
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import orjson
from redis import Redis
from redis.exceptions import RedisError

from core.clock import Clock
from core.logs import get_logger
from core.names import PROJECT_PREFIX, SSE_COUNTS_KEY
from webapp.api.interviews.chat_stream import ChatStream
from webapp.api.interviews.stream_counts import StreamCounts
from webapp.relay.relay import Relay
from webapp.relay.sse import SseStream

log = get_logger(__name__)
REPORT_SECONDS, EXPIRE_SECONDS = 10.0, 30
# Of a stream with a ping every 30 s: who has been given nothing for so long is not served.
STALE_SECONDS = 90.0
_MOST_CONNECTIONS = 200


class StreamReports:
    """One for a process; nothing is told before its first stream."""

    def __init__(self, relay: Relay, redis: Redis, clock: Clock) -> None:
        self.counts = StreamCounts(lambda: clock.now().timestamp())
        self._relay = relay
        self._redis = redis
        self._clock = clock
        self._lock = threading.Lock()
        self._pid = 0
        self._name = ""

    def begin(self) -> None:
        """Tell from now on; once is enough, and more is harmless."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._name = secrets.token_hex(4)
                self._pid = os.getpid()
                self._relay.repeat(REPORT_SECONDS, self._tell_if_possible)

    def tell(self) -> None:
        """Raises RedisError."""
        self.begin()
        now = self._clock.now().timestamp()
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key(self._name), orjson.dumps(self._report()), ex=EXPIRE_SECONDS)
        pipe.zadd(SSE_COUNTS_KEY, {self._name: now})
        pipe.zremrangebyscore(SSE_COUNTS_KEY, "-inf", now - EXPIRE_SECONDS)
        pipe.expire(SSE_COUNTS_KEY, EXPIRE_SECONDS)
        pipe.execute()

    def read_all(self) -> list[dict[str, Any]]:
        """Of every living process, this one as it is now. Raises RedisError."""
        self.tell()
        names = [name.decode() for name in cast(list[bytes], self._redis.zrange(SSE_COUNTS_KEY, 0, -1))]
        told = self._redis.mget([self._key(name) for name in names]) if names else []
        return [orjson.loads(one) for one in told if one is not None]

    def _tell_if_possible(self) -> None:
        try:
            self.tell()
        except RedisError as exc:
            log.warning("sse_counts_not_told", error=type(exc).__name__)

    def _key(self, name: str) -> str:
        return f"{SSE_COUNTS_KEY}:{name}"

    def _report(self) -> dict[str, Any]:
        """Of thousands of streams only the few that are listed are described: the loop serves them meanwhile."""
        streams = self._project_streams()
        now = time.monotonic()
        longest_idle = heapq.nsmallest(_MOST_CONNECTIONS, streams, key=lambda one: one.handed_over_at)
        return {
            "slots": self.counts.to_json(),
            "projects": Counter(_project_of(one) for one in streams),
            "stale": sum(now - one.handed_over_at > STALE_SECONDS for one in streams),
            "chats": len(self._relay.writers(ChatStream)),
            "connections": [_describe(self._name, one, now) for one in longest_idle],
        }

    def _project_streams(self) -> Sequence[SseStream]:
        prefix = f"{PROJECT_PREFIX}:"
        return [one for one in self._relay.writers(SseStream) if one.source.subject.startswith(prefix)]


def _project_of(stream: SseStream) -> str:
    return stream.source.subject.partition(":")[2]


def _describe(process: str, stream: SseStream, now: float) -> dict[str, Any]:
    """Whose it is is not said."""
    return {
        "process": process,
        "project_id": _project_of(stream),
        "open_seconds": round(now - stream.began_at, 1),
        "idle_seconds": round(now - stream.handed_over_at, 1),
    }
