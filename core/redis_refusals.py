"""Tells when a Redis server takes nothing for now though its connections stand: as a replica, or while it loads.

Behind the same address another server may have taken over meanwhile: whoever is refused closes its connections, since
those lead to the old one, and asks again over new ones.
"""

from collections.abc import Iterator

from redis.exceptions import RedisError

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
    if not isinstance(error, RedisError):
        return ""
    # redis-py cuts the code off the text of those errors that have a class of their own.
    return getattr(error, "status_code", None) or str(error).partition(" ")[0]
