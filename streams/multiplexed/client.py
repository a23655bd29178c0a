"""redis-py's client, with quick commands multiplexed over one connection."""

import threading
from typing import Any

import redis

from core.redis_failover import survive_failover
from streams.multiplexed.connection import CommandNotAnswered, MultiplexedConnection

# Quick, and harmless when repeated. Everything else, and all pipelines, take a connection from the pool.
_MULTIPLEXED = frozenset({"EVALSHA", "EXISTS", "GET", "HGETALL", "HMGET", "MGET"})


class MultiplexedRedis(redis.Redis):
    """What concurrent callers ask leaves in one write and is read in one read; taking a connection from the pool for
    each command costs more than the command (docs/decisions/0006-multiplexed-redis-client.md).

    The price: a large reply delays those behind it, as it does in Redis itself.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        survive_failover(self.connection_pool)
        self._multiplexed: MultiplexedConnection | None = None
        self._lock = threading.Lock()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] not in _MULTIPLEXED:
            return self._execute_on_pool(*args, **options)
        try:
            reply = self._open_connection().request(args)
        except CommandNotAnswered:
            # redis-py tries once more, and knows every error by its class.
            return self._execute_on_pool(*args, **options)
        callback = self.response_callbacks.get(args[0])  # type: ignore[no-untyped-call] # redis-py's
        options.pop("keys", None)
        return callback(reply, **options) if callback else reply

    def close(self) -> None:
        with self._lock:
            connection, self._multiplexed = self._multiplexed, None
        if connection is not None:
            connection.close()
        super().close()

    def _execute_on_pool(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py's

    def _open_connection(self) -> MultiplexedConnection:
        with self._lock:
            current = self._multiplexed
            if current is not None and current.is_stale:
                current.close()
            if current is None or current.is_closed:
                pool = self.connection_pool
                current = self._multiplexed = MultiplexedConnection(pool.connection_class(**pool.connection_kwargs))
            return current
