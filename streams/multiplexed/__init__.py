"""A Redis client that sends the commands of many callers over one connection."""

from streams.multiplexed.client import MultiplexedRedis

__all__ = ["MultiplexedRedis"]
