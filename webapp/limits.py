"""How often something may be asked for, counted in Redis over all web processes."""

import hashlib
import hmac
import time
from typing import cast

from flask import request
from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage
from redis import Redis
from redis.exceptions import RedisError

from core.redis_refusals import refusal
from webapp.current import parts
from webapp.errors import ApiError, Code


def count_use(limit: str, action: str, key: str) -> None:
    """Count one use of the action by `key`. Raises ApiError with the seconds to wait, or RedisError."""
    for item in parse_many(limit):
        if not _hit(item, action, key):
            reset_at = parts().limiter.limiter.get_window_stats(item, action, key).reset_time
            raise ApiError(Code.RATE_LIMITED, retry_after_seconds=max(reset_at - time.time(), 0))


def _hit(item: RateLimitItem, action: str, key: str) -> bool:
    limiter = parts().limiter
    try:
        return limiter.limiter.hit(item, action, key)
    except RedisError as exc:
        if refusal(exc) is None:
            raise
        # Nothing was counted. The connections lead to a server that refuses; new ones may lead to its successor.
        client = cast(Redis, cast(RedisStorage, limiter.storage).get_connection())
        client.connection_pool.disconnect(inuse_connections=False)
        return limiter.limiter.hit(item, action, key)


def caller_address() -> str:
    return request.remote_addr or "unknown"


def pseudonym(value: str) -> str:
    """Stands for a phone number in Redis, which must not know it."""
    key = parts().stores.settings.secrets.pseudonym_key.encode()
    return hmac.new(key, f"limit\x1f{value}".encode(), hashlib.sha256).hexdigest()[:32]
