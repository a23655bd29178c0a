"""What a Redis held at a moment, and a Redis that has it again: as one that restarts from an older dump."""

from typing import Any

import redis


def take_snapshot(client: redis.Redis) -> dict[bytes, Any]:
    return {key: client.dump(key) for key in client.scan_iter()}


def put_back(client: redis.Redis, snapshot: dict[bytes, Any]) -> None:
    client.flushdb()
    for key, value in snapshot.items():
        client.restore(key, 0, value, replace=True)  # who writes meanwhile is as old as the rest
