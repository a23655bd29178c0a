"""How often something may be asked for, counted in Redis over all web processes."""

import hashlib
import hmac
import time

from flask import request
from limits import parse_many
from redis import ConnectionPool

from core.redis_failover import RETRY_ON_FAILOVER, survive_failover
from webapp.current import parts
from webapp.errors import ApiError, Code

_TIMEOUT_SECONDS = 2


def open_limits_pool(redis_url: str) -> ConnectionPool:
    """With its own time-out: a request waits for its limit first."""
    options = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
    pool = ConnectionPool.from_url(redis_url, retry=RETRY_ON_FAILOVER, **options)
    survive_failover(pool)
    return pool


def count_use(limit: str, action: str, key: str) -> None:
    """Count one use of the action by `key`. Raises ApiError with the seconds to wait, or RedisError."""
    limiter = parts().limiter.limiter
    for item in parse_many(limit):
        if not limiter.hit(item, action, key):
            reset_at = limiter.get_window_stats(item, action, key).reset_time
            raise ApiError(Code.RATE_LIMITED, retry_after_seconds=max(reset_at - time.time(), 0))


def caller_address() -> str:
    return request.remote_addr or "unknown"


def pseudonym(value: str) -> str:
    """Stands for a phone number in Redis, which must not know it."""
    key = parts().stores.settings.pseudonym_key.encode()
    return hmac.new(key, f"limit\x1f{value}".encode(), hashlib.sha256).hexdigest()[:32]
