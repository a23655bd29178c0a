"""Ids of access tokens that were taken back, in Redis under `blacklist:{jti}` until they would have ended anyway.

It may only refuse: whether a login holds is decided by PostgreSQL, whatever stands here, and also while Redis is away.
"""

from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from core.clock import Clock
from core.logs import get_logger

log = get_logger(__name__)
_LEAST_SECONDS = 1


class TokenBlacklist:
    """Never raises."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    def add(self, token_id: str, expires_at: datetime) -> None:
        life = max(int((expires_at - self._clock.now()).total_seconds()), _LEAST_SECONDS)
        try:
            self._redis.set(_key(token_id), 1, ex=life)
        except RedisError as exc:
            log.warning("token_not_blacklisted", error=type(exc).__name__)

    def holds(self, token_id: str) -> bool:
        """False also when Redis cannot say."""
        try:
            return bool(self._redis.exists(_key(token_id)))
        except RedisError:
            return False


def _key(token_id: str) -> str:
    return f"blacklist:{token_id}"
