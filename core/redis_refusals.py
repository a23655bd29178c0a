"""Tells in words why a Redis server takes nothing for now though its connections stand: a replica, or still loading."""

from collections.abc import Iterator

from redis.exceptions import RedisError

from core.redis_failover import NotPrimaryError

# By the first word of Redis' answer, which is all that tells its errors apart.
_WORDS = {
    "READONLY": "read only",
    "LOADING": "loading",
    "OOM": "out of memory",
    "UNBLOCKED": "demoted",
    "MISCONF": "cannot save",
    "NOREPLICAS": "too few replicas",
    "MASTERDOWN": "primary down",
    "CLUSTERDOWN": "cluster down",
}


def refusal(error: BaseException) -> str | None:
    """Why the server refuses, in a few words, also when another error has wrapped Redis' own; None for other errors."""
    return next((word for one in _causes(error) if (word := _WORDS.get(_code(one)))), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _code(error: BaseException) -> str:
    if isinstance(error, NotPrimaryError):
        return str(error) if str(error) in _WORDS else "READONLY"
    if not isinstance(error, RedisError):
        return ""
    # redis-py cuts the code off the text of those errors that have a class of their own.
    return getattr(error, "status_code", None) or str(error).partition(" ")[0]
