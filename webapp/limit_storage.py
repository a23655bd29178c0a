"""Where limits are counted: in Redis, by a clock that all web processes share."""

from collections.abc import Callable
from typing import Any

from limits.storage import RedisStorage
from redis import BlockingConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.redis_pools import build_pool

SHARED_CLOCK = "shared-clock"
_TIMEOUT_SECONDS = 2
# For a command of a tenth of a millisecond. Without a bound a crowd of callers would open one each, and as many files.
_MAX_CONNECTIONS = 16


def build_limit_pool(redis_url: str) -> BlockingConnectionPool:
    return build_pool(
        redis_url,
        BlockingConnectionPool,
        max_connections=_MAX_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        # redis-py's own pauses grow to ten seconds: a request would wait for them.
        retry=Retry(NoBackoff(), 1),
    )


class SharedClockStorage(RedisStorage):
    """As the library's, which goes by each host's own clock: of hosts that are apart one would open a window early, or
    keep it closed. Windows are kept as sorted moments, so one host that is ahead would count for all."""

    # The library finds a storage by the scheme of its address.
    STORAGE_SCHEME = [SHARED_CLOCK]  # noqa: RUF012 as the library declares it

    def __init__(self, uri: str, now: Callable[[], float], **options: Any) -> None:
        """`now` gives seconds since 1970. The connections come with the options: the address says nothing more."""
        super().__init__(uri, **options)
        self._now = now

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = self._now()
        window = self.lua_moving_window([self.prefixed_key(key)], [now - expiry, limit])
        return (float(window[0]), window[1]) if window else (now, 0)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return bool(self.lua_acquire_moving_window([self.prefixed_key(key)], [self._now(), limit, expiry, amount]))
