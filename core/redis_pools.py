"""Pools of connections to Redis, by its own address or by those of its Sentinels, that survive a failover."""

from typing import Any, TypeVar

import redis

from core.redis_failover import survive_failover
from core.sentinels import SCHEME, SentinelGroup, sentinel_options

P = TypeVar("P", bound=redis.ConnectionPool)


def build_pool(url: str, kind: type[P], **options: Any) -> P:
    """No connection is opened yet. The options are those of redis-py."""
    if url.startswith(f"{SCHEME}://"):
        return kind(**options, **sentinel_options(SentinelGroup.of_url(url)))
    pool: P = kind.from_url(url, **options)
    survive_failover(pool)
    return pool
